"""The English texts of the commands that `Terminal.text` translates, read from their code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import alicred.cli

FOLDER = Path(alicred.cli.__file__).parent


def texts() -> Iterator[tuple[str, str]]:
    """Each text, with the place where it stands: what is given to ``terminal.text``, ``_hint`` or ``marked``."""
    for path in sorted(FOLDER.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and node.args and _translates(node.func):
                for part in ast.walk(node.args[0]):
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value, f"{path.relative_to(FOLDER)}:{part.lineno}"


def _translates(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id == "marked"
    if not isinstance(called, ast.Attribute):
        return False
    return called.attr == "_hint" or (called.attr == "text" and "terminal" in ast.unparse(called.value))
