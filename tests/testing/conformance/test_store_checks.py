"""The checks of stores: each passes for the library's own, and finds the store that breaks its promise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from alicred import ConfigurationError
from alicred.sharing import CredentialStore, FileStore
from alicred.testing import FakeClock, FakeStore
from alicred.testing.conformance import store_checks
from tests.testing.conformance.broken_stores import BROKEN
from tests.testing.conformance.support import check_named

NAMES = [check.name for check in store_checks(FakeStore)]


@pytest.mark.parametrize("name", NAMES)
def test_a_store_in_memory_passes(name: str) -> None:
    clock = FakeClock()
    check_named(name, store_checks(lambda: FakeStore(clock), clock=clock))()


@pytest.mark.parametrize("name", NAMES)
def test_a_directory_passes_with_a_clock_that_stands_still(name: str, tmp_path: Path) -> None:
    clock = FakeClock()
    check_named(name, store_checks(lambda: FileStore(tmp_path / "shared", clock=clock), clock=clock))()


@pytest.mark.parametrize("name", NAMES)
def test_a_directory_passes_in_real_time(name: str, tmp_path: Path) -> None:
    check_named(name, store_checks(lambda: FileStore(tmp_path / "shared")))()


@pytest.mark.parametrize(("make", "name", "text"), BROKEN, ids=lambda part: getattr(part, "__name__", None))
def test_a_store_that_breaks_a_promise_is_found_out(make: Callable[[FakeClock], CredentialStore], name: str, text: str) -> None:
    clock = FakeClock()
    with pytest.raises(AssertionError, match=text):
        check_named(name, store_checks(lambda: make(clock), clock=clock))()


def test_every_check_of_a_store_is_broken_by_some_store() -> None:
    assert {name for _, name, _ in BROKEN} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_store_that_cannot_be_made_is_told_by_every_check(name: str) -> None:
    def make() -> CredentialStore:
        raise ValueError("no")

    with pytest.raises(AssertionError, match=r"make\(\) raised ValueError; .* lambda: TableStore\(url\)"):
        check_named(name, store_checks(make))()


def test_a_store_that_raises_is_told_with_what_it_was_asked() -> None:
    store = FakeStore()
    store.away = ConnectionError("gone")
    with pytest.raises(AssertionError, match="a claim where nothing is stored raised ConnectionError: gone"):
        check_named("lease", store_checks(lambda: store))()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            {"make": FakeStore()},
            r"make must be a function or a class that makes a store, such as lambda: TableStore\(url\), not a FakeStore$",
        ),
        ({"make": None}, "make must be a function or a class .* not None$"),
        ({"make": lambda place: place}, r"make is called as make\(\): missing a required argument: 'place'"),
        ({"clock": FakeClock}, "clock must be a Clock, .* not the class FakeClock$"),
        ({"patience": timedelta(0)}, "patience must be a datetime.timedelta above zero"),
    ],
    ids=lambda part: next(iter(part)) if isinstance(part, dict) else "",
)
def test_an_argument_that_cannot_be_used_is_refused_when_it_is_given(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        store_checks(**{"make": FakeStore, **arguments})  # type: ignore[arg-type]  # that is what is refused


def test_a_class_and_something_else_are_no_store() -> None:
    with pytest.raises(AssertionError, match="returned the class FakeStore"):
        check_named("lease", store_checks(lambda: FakeStore))()  # type: ignore[arg-type, return-value]  # refused
    with pytest.raises(AssertionError, match=r"returned a str, which has no claim\(\)"):
        check_named("lease", store_checks(lambda: "a store"))()  # type: ignore[arg-type, return-value]  # refused
