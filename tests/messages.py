"""The texts of the library that a user may see, read from its source, and the fragments of them on a page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "alicred"
# For those who test with it; on the pages of the commands; HTML; programs that a server runs.
_ELSEWHERE = ("testing/", "cli/", "login/page.py", "sharing/redis_scripts.py")
_GAP = "\0"  # in the place of what differs from one time to another
_DIFFERS = re.compile(r"%[+0-9.]*[dfors]|\{\w*\}|<[^<>\0]*>")
_SPAN = re.compile(r"``(.+?)``|`([^`]+)`")


def _name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


@cache
def _modules() -> dict[str, ast.Module]:
    paths = [path for path in sorted(SOURCE.rglob("*.py")) if not _name(path).startswith(_ELSEWHERE)]
    return {_name(path): ast.parse(path.read_text("utf-8")) for path in paths}


@cache
def texts() -> dict[str, str]:
    """Each text in the code that may be shown, and where it stands. Comments, docstrings, types and patterns are none."""
    return {_DIFFERS.sub(_GAP, _text(node)): f"{name}:{node.lineno}" for name, tree in _modules().items() for node in _spoken(tree)}


def codes() -> set[str]:
    """Every code that an error of the library's own making can have."""
    names = {
        target.id: node.value.value
        for tree in _modules().values()
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    calls = [node for tree in _modules().values() for node in ast.walk(tree) if isinstance(node, ast.Call)]
    values = [each.value for call in calls for each in call.keywords if each.arg == "code"]
    constants = {each.value for each in values if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    return constants | {names[each.id] for each in values if isinstance(each, ast.Name) and each.id in names}


def rows(page: str, *headers: str) -> list[list[str]]:
    """The rows of all tables of *page* that begin with one of *headers*."""
    found: list[list[str]] = []
    is_asked_for = False
    for line in page.splitlines():
        if not line.startswith("|"):
            is_asked_for = False
        elif line.startswith(headers):
            is_asked_for = True
        elif is_asked_for and not line.startswith("|--"):
            found.append(line.strip("| ").split(" | "))
    return found


def spans(cell: str) -> list[str]:
    """What stands in *cell* as code."""
    return ["".join(pair).strip() for pair in _SPAN.findall(cell)]


def pattern(fragment: str) -> str:
    """What a text holds that *fragment* is a part of, in which ``<words>`` stand for what differs.

    A ``must`` in front is left out: in the code it often stands elsewhere.
    """
    return re.sub(r"<[^<>]*>", _GAP, fragment).strip(_GAP + " ").removeprefix("must ")


def is_sentence(text: str) -> bool:
    """Whether *text* has so many words that it is more than a name."""
    return " " in text.strip() and len(re.findall("[A-Za-z]{2,}", text)) > 2


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(each.value) if isinstance(each, ast.Constant) else _GAP for each in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""


def _spoken(node: ast.AST) -> Iterator[ast.expr]:
    """The texts below *node* that may be shown."""
    if isinstance(node, (ast.Constant, ast.JoinedStr)):
        if isinstance(node, ast.JoinedStr) or isinstance(node.value, str):
            yield node
        for each in ast.walk(node):
            if isinstance(each, ast.FormattedValue):
                yield from _spoken(each.value)
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return  # a docstring
    if isinstance(node, ast.FunctionDef) and node.name == "__repr__":
        return
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if called in ("cast", "compile", "TypeVar", "fullmatch", "match"):
            return
        if called == "failed":
            children = [node.args[0]]  # what stands behind it says what to do
    for child in children:
        if not (isinstance(node, (ast.AnnAssign, ast.arg)) and child is node.annotation):
            yield from _spoken(child)
