"""How the tests themselves are laid out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

TESTS = Path(__file__).parent


def test_what_several_modules_share_stands_in_a_helper_module() -> None:
    """No module imports from a test module: it would collect that one's tests a second time, and break when that one is divided."""
    found = []
    for path in sorted(TESTS.rglob("*.py")):
        text = path.read_text("utf-8")
        if not re.search(r"\btest_\w+", "\n".join(re.findall(r"^\s*(?:from|import) tests\b[^()\n]*(?:\([^)]*\))?", text, re.MULTILINE))):
            continue  # to parse each of them takes its time
        for node in ast.walk(ast.parse(text)):
            names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            imported = [*module.split("."), *(part for name in names for part in name.split("."))] if module.startswith("tests") else []
            found += [f"{path.relative_to(TESTS)}:{node.lineno}: {name}" for name in imported if name.startswith("test_")]
    assert found == []
