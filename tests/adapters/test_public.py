"""What `alicred.adapters` exports names nothing that a user cannot import, in its signatures, tracebacks and pickles."""

from __future__ import annotations

import ast
import builtins
import inspect
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import alicred
from alicred import Credential, adapters

PUBLIC = {*alicred.__all__, *adapters.__all__, *dir(builtins)}


def private_types() -> Iterator[str]:
    """The classes and aliases of the adapters that are not exported."""
    for path in Path(adapters.__file__).parent.rglob("*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef):
                yield node.name
            elif isinstance(node, ast.Assign) and "TypeVar" not in ast.dump(node.value):
                yield from (target.id for target in node.targets if isinstance(target, ast.Name) and not target.id.startswith("__"))


PRIVATE = {*private_types()} - PUBLIC


def signatures(name: str) -> Iterator[tuple[str, str]]:
    """What a user of *name* reads: of each function its parameters and what it returns, as written."""
    exported: object = getattr(adapters, name)
    bases = [base for base in exported.__mro__ if base.__module__.startswith("alicred")] if isinstance(exported, type) else []
    members = [(of, member) for base in bases for of, member in vars(base).items() if not of.startswith("_") or of == "__init__"]
    for of, member in members or [(name, exported)]:
        if inspect.isfunction(member):
            yield from ((of, str(annotation)) for annotation in member.__annotations__.values())


@pytest.mark.parametrize("name", adapters.__all__)
def test_no_signature_names_a_type_that_is_private(name: str) -> None:
    found = list(signatures(name))
    assert found
    for of, annotation in found:
        named = {part.id for part in ast.walk(ast.parse(annotation, mode="eval")) if isinstance(part, ast.Name)}
        assert not named & PRIVATE, f"{name}: {of}: {annotation}"


@pytest.mark.parametrize("name", adapters.__all__)
def test_what_is_exported_names_the_module_that_exports_it(name: str) -> None:
    assert getattr(adapters, name).__module__ == "alicred.adapters"


class Held:
    """A provider, as a program has it."""

    name = "held"

    def get(self) -> Credential:
        return Credential("the-id", "the-secret")


@pytest.mark.parametrize(
    "make",
    [
        adapters.alibabacloud_credentials,
        adapters.mns,
        adapters.nacos,
        adapters.oss2,
        adapters.oss_v2,
        adapters.sls,
        adapters.sls_consumer,
        adapters.tablestore,
        adapters.tea,
    ],
)
def test_a_pickle_names_no_private_module_and_loads(make: Callable[[Any], Any]) -> None:
    adapter = make(Held())
    ask = getattr(adapter, "get_credentials", None) or getattr(adapter, "get_credential", adapter)
    for thing in (adapter, ask()):
        pickled = pickle.dumps(thing)
        assert b"alicred.adapters." not in pickled
        assert b"alicred._" not in pickled
        assert type(pickle.loads(pickled)) is type(thing)
    assert pickle.loads(pickle.dumps(ask())) == ask()
