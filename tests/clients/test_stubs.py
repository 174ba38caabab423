"""The stubs of ``typings/`` against the packages that are installed here."""

from __future__ import annotations

import sys
import warnings
from importlib.metadata import version
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from tests.clients import stubs

# Stubs of a package that has another shape in its older releases.
SINCE = {"alibabacloud_credentials": (1, 0)}


def is_described(package: str) -> bool:
    """Whether *package* is installed, in a release that its stubs are about."""
    if find_spec(package) is None:
        return False
    return package not in SINCE or tuple(map(int, version(package).split(".")[:2])) >= SINCE[package]


INSTALLED = {name: path for name, path in stubs.stubs().items() if is_described(name.partition(".")[0])}
MODULE = """
class Base:
    def __init__(self, one, two=2):
        self.given = one
    def plain(self): ...
    async def later(self, what): ...
    @staticmethod
    def apart(one): ...
    @property
    def seen(self): ...
class Derived(Base): ...
def function(first, second=None, *, third): ...
def anything(**options): ...
"""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", INSTALLED)
def test_a_stub_says_what_is_so(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the packages do at their import
        assert stubs.of_installed(name, INSTALLED[name]) == []


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module with a source that can be read."""
    path = tmp_path / "module.py"
    path.write_text(MODULE, "utf-8")
    spec = spec_from_file_location("module", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "module", module)
    spec.loader.exec_module(module)
    return module


def test_something_is_compared() -> None:
    assert INSTALLED


@pytest.mark.parametrize(
    ("claim", "objection"),
    [
        ("class Nobody: ...", "Nobody does not exist"),
        ("def nobody() -> None: ...", "nobody does not exist"),
        ("value: int", "value does not exist"),
        ("class function: ...", "is no class"),
        ("class Base(Derived): ...", "does not inherit from Derived"),
        ("class Base:\n def other(self) -> None: ...", "other does not exist"),
        ("class Base:\n other: int", "other does not exist"),
        ("class Base:\n def later(self, what: int) -> None: ...", "is async"),
        ("class Base:\n async def plain(self) -> None: ...", "is not async"),
        ("class Base:\n @property\n def plain(self) -> int: ...", "is no property"),
        ("class Base:\n def __init__(self, two: int) -> None: ...", "parameter 1 is not two"),
        ("class Base:\n def __init__(self, one: int = 1) -> None: ...", "one is required"),
        ("class Base:\n def __init__(self) -> None: ...", "one that must be given"),
        ("class Base:\n def apart(self, one: int) -> None: ...", "parameter 2 is not one"),
        ("def function(first: int, *, third: int, fourth: int = 4) -> None: ...", "no parameter fourth"),
        ("def function(first: int) -> None: ...", "third that must be given"),
        ("def function(first: int, third: int) -> None: ...", "parameter 2 is not third"),
    ],
)  # fmt: skip
def test_a_stub_that_is_wrong_is_noticed(module: ModuleType, claim: str, objection: str) -> None:
    assert [each for each in stubs.differences(claim, module) if objection in each], stubs.differences(claim, module)


def test_a_stub_that_is_right_is_not_objected_to(module: ModuleType) -> None:
    right = """
class Base:
    given: int
    def __init__(self, one: int, two: int = ...) -> None: ...
    def plain(self) -> None: ...
    async def later(self, what: str) -> None: ...
    @staticmethod
    def apart(one: int) -> None: ...
    @property
    def seen(self) -> int: ...
class Derived(Base): ...
def function(first: int, second: str | None = None, *, third: int) -> None: ...
def anything(*, whatever: int = ...) -> None: ...
"""
    assert stubs.differences(right, module) == []
