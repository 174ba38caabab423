"""The façade holds no lock, and waits for nothing without a bound: there is nothing in it that a fork or an interrupt could leave held."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import alicred.compat

HERE = Path(alicred.compat.__file__).parent
FILES = [*HERE.rglob("*.py"), HERE.parent / "adapters" / "last_fetch.py"]
LOCKS = {"Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "Barrier", "Queue", "SimpleQueue", "allocate_lock"}
WAITS = {"acquire", "wait", "wait_for", "join", "result", "flock", "lockf"}


def used(tree: ast.AST) -> set[str]:
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return names | {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}


def waits(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in WAITS and not isinstance(called.value, ast.Constant):  # as ", ".join() is
            yield ast.unparse(node)


def test_there_is_no_lock() -> None:
    text = "".join(path.read_text("utf-8") for path in FILES)
    assert set(re.findall(r"\bthreading\.(\w+)", text)) == {"Thread"}
    assert [path.name for path in FILES if used(ast.parse(path.read_text("utf-8"))) & LOCKS] == []


def test_a_callback_is_waited_for_no_longer_than_so_long() -> None:
    found = {f"{path.name}: {call}" for path in FILES for call in waits(ast.parse(path.read_text("utf-8")))}
    assert found == {"callbacks.py: thread.join(_LONGEST)", "callbacks.py: done.result(_LONGEST)"}
