"""What docs/pools.md shows is what the tests here run."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.pools.support import EXAMPLES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "pools.md"


def statements(text: str) -> set[str]:
    """Every statement but imports and the words at the beginning."""
    found = ast.parse(text).body
    return {ast.unparse(node) for node in found if not isinstance(node, (ast.Import, ast.ImportFrom)) and not is_text(node)}


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def test_every_statement_on_the_page_stands_in_one_of_the_programs() -> None:
    programs = [statements(path.read_text("utf-8")) for path in EXAMPLES.glob("*.py")]
    shown = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(shown) >= 5
    assert [block for block in shown if not any(statements(block) <= program for program in programs)] == []


def test_every_program_is_on_the_page() -> None:
    page = PAGE.read_text("utf-8")
    assert [path.name for path in EXAMPLES.glob("*.py") if f"(examples/pools/{path.name})" not in page] == []


def test_the_cloud_of_the_page_serves_the_programs() -> None:
    with subprocess.Popen([sys.executable, EXAMPLES / "cloud.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as cloud:
        assert cloud.stdout is not None
        try:
            printed = "".join(cloud.stdout.readline() for _ in range(3))
            variables = dict(re.findall(r"(ALIBABA_CLOUD_\w+)=(\S+)", printed))
            command = [sys.executable, "-c", "from one_provider import call; print(call()['role'])"]
            called = subprocess.run(command, cwd=EXAMPLES, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
        finally:
            cloud.communicate("\n", timeout=50)
    assert (called.returncode, called.stdout.split("/")[0]) == (0, variables["ALIBABA_CLOUD_ROLE_ARN"].split(":role/")[0] + ":assumed-role")
