"""The page that tells users of these failures names the tests that are there, and all of them."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "failures.md"
WITHOUT_A_TWIN = ("test_page.py", "test_harness.py")


def checks() -> dict[str, list[str]]:
    """The names of the arguments of each test that stands on the page, by its name."""
    files = [path for path in HERE.glob("test_*.py") if path.name not in WITHOUT_A_TWIN]
    nodes = [node for path in files for node in ast.parse(path.read_text("utf-8")).body]
    return {
        node.name: [argument.arg for argument in node.args.args]
        for node in nodes
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_every_test_is_named_once_and_every_name_is_a_test() -> None:
    named = Counter(re.findall(r"`(test_\w+)`", PAGE.read_text("utf-8")))
    assert named == Counter(checks().keys())


def test_every_test_has_a_twin_that_must_fail() -> None:
    assert [name for name, arguments in checks().items() if arguments[:1] != ["subject"]] == []


def test_every_row_of_the_page_has_its_four_cells_and_a_test() -> None:
    rows = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    assert rows
    assert [row for row in rows if row.count("|") != 5] == []
    assert [row for row in rows if "`test_" not in row and not re.match(r"\|( failure|---)", row)] == []
