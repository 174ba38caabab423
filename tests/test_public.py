"""The public names: where they are, how many, and that nothing private shows."""

from __future__ import annotations

import ast
import inspect
import pickle
import sys
from collections.abc import Iterator
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import alicred
from alicred import Backoff, CachingProvider, Credential, EnvironmentProvider, RefreshPolicy, RetryPolicy, SourceReport, StaticProvider
from alicred.errors import SourceOutcome

PACKAGES = (
    "alicred",
    "alicred.adapters",
    "alicred.events",
    "alicred.limiting",
    "alicred.policy",
    "alicred.pool",
    "alicred.sharing",
    "alicred.sources",
    "alicred.testing",
    "alicred.wire",
)


def public(package: str) -> dict[str, object]:
    module = import_module(package)
    return {name: getattr(module, name) for name in module.__all__ if name != "__version__"}


def everything() -> Iterator[tuple[str, str, object]]:
    for package in PACKAGES:
        for name, value in public(package).items():
            yield package, name, value


CLASSES = [(package, name) for package, name, value in everything() if inspect.isclass(value) or inspect.isfunction(value)]


def test_the_root_has_what_most_programs_name_and_no_more() -> None:
    assert len(alicred.__all__) <= 56
    assert not [name for name in import_module("alicred.events").__all__ if name in alicred.__all__]


@pytest.mark.parametrize("package", PACKAGES)
def test_names_are_sorted_and_there(package: str) -> None:
    names = import_module(package).__all__
    assert list(names) == sorted(set(names))
    assert set(names) <= set(dir(import_module(package)))


@pytest.mark.parametrize(("package", "name"), CLASSES)
def test_a_class_names_a_public_module_in_which_it_is(package: str, name: str) -> None:
    value = public(package)[name]
    home = value.__module__
    assert home in PACKAGES or home.startswith(("alicred.testing", "alicred.clock", "alicred.errors", "collections")), home
    assert "_" not in home
    assert getattr(import_module(home), name) is value, "a pickle finds it there"


@pytest.mark.parametrize(("package", "name"), CLASSES)
def test_it_has_a_docstring_of_its_own(package: str, name: str) -> None:
    value = public(package)[name]
    text = vars(value).get("__doc__") if inspect.isclass(value) else value.__doc__
    assert (text or "").strip()


VALUES = [
    Credential("id", "secret", "token"),
    StaticProvider(Credential("id", "secret")),
    Backoff(),
    RetryPolicy(),
    RefreshPolicy(ahead=timedelta(minutes=5)),
    EnvironmentProvider({}),
    CachingProvider(EnvironmentProvider({})),
    SourceReport(name="a", outcome=SourceOutcome.FOUND, detail="b"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_a_pickle_names_no_private_path(value: object) -> None:
    text = pickle.dumps(value, protocol=0).decode("latin-1")
    modules = {line[1:].split(" ")[0] for line in text.splitlines() if line.startswith("c")}
    assert not [name for name in modules if name.startswith("alicred.") and name not in (*PACKAGES, "alicred.errors", "alicred.clock")]
    assert type(pickle.loads(pickle.dumps(value))) is type(value)


def imported(module: ModuleType) -> dict[str, tuple[str, str]]:
    """Where the names of *module* come from, those that only type checkers see included."""
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name: (node.module or "", alias.name) for node in froms for alias in node.names}


def named_types(function: FunctionType) -> Iterator[object]:
    """What the signature of *function* names of alicred's."""
    module = sys.modules[function.__globals__["__name__"]]
    sources = imported(module)
    for annotation in function.__annotations__.values():
        for node in ast.walk(ast.parse(str(annotation))):
            name = node.id if isinstance(node, ast.Name) else ""
            home, found = sources.get(name, (module.__name__, name))
            value = getattr(import_module(home), found, None) if home.startswith("alicred") else None
            if inspect.isclass(value) or (inspect.isroutine(value) and value.__module__.startswith("alicred")):
                yield value


def test_no_public_signature_names_a_private_type() -> None:
    known = {id(value) for _, _, value in everything()} | {id(value) for value in vars(import_module("alicred.errors")).values()}
    known |= {id(value) for name in ("faults", "conformance") for value in vars(import_module(f"alicred.testing.{name}")).values()}
    known |= {id(value) for value in vars(import_module("alicred.clock")).values()}
    found, looked_at = set(), 0
    for package, name, value in everything():
        functions = [(name, value)] if inspect.isfunction(value) else []
        if inspect.isclass(value):
            functions = [
                (f"{name}.{member}", function)
                for member, function in inspect.getmembers(value, inspect.isfunction)
                if (not member.startswith("_") or member == "__init__") and function.__globals__["__name__"].startswith("alicred")
            ]
        for where, function in functions:
            for each in named_types(function):
                looked_at += 1
                if id(each) not in known:
                    found.add(f"{package}.{where}: {getattr(each, '__module__', '')}.{getattr(each, '__qualname__', each)}")
    assert looked_at > 200
    assert sorted(found) == []
