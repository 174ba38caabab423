"""What is kept of the last fetch: for whom, for how long, and what is let go of."""

from __future__ import annotations

import contextvars
import gc
import threading
import weakref

import pytest

from alicred.adapters.last_fetch import LastFetch


class Owner:
    """Somebody who fetches."""


class Value:
    """What was fetched."""


def test_each_owner_has_its_own_and_the_newest_counts() -> None:
    last: LastFetch[str] = LastFetch("test")
    first, second = Owner(), Owner()
    assert last.recall(first) is None
    assert last.remember(first, "a") == "a"
    last.remember(second, "b")
    assert (last.recall(first), last.recall(second)) == ("a", "b")
    last.remember(first, "c")
    assert (last.recall(first), last.recall(second)) == ("c", "b")


def test_a_context_begins_with_what_its_maker_had_and_keeps_its_own_to_itself() -> None:
    last: LastFetch[str] = LastFetch("test")
    owner = Owner()
    last.remember(owner, "a")
    task = contextvars.copy_context()
    assert task.run(last.recall, owner) == "a"
    task.run(last.remember, owner, "b")
    assert (task.run(last.recall, owner), last.recall(owner)) == ("b", "a")


def test_a_thread_recalls_what_it_has_fetched_itself() -> None:
    last: LastFetch[str] = LastFetch("test")
    owner = Owner()
    last.remember(owner, "mine")
    found: list[str | None] = []

    def work() -> None:
        found.append(last.recall(owner))
        last.remember(owner, "another")
        found.append(last.recall(owner))

    other = contextvars.Context()  # as a thread has it
    thread = threading.Thread(target=lambda: other.run(work))
    thread.start()
    thread.join()
    assert found == [None, "another"]
    assert last.recall(owner) == "mine"


def test_a_value_is_let_go_of_in_every_context_as_soon_as_its_owner_is_gone() -> None:
    last: LastFetch[Value] = LastFetch("test")
    owner, other, values = Owner(), Owner(), [Value(), Value(), Value()]
    task = contextvars.copy_context()
    last.remember(other, values[0])
    last.remember(owner, values[1])
    task.run(last.remember, owner, values[2])
    held = [weakref.ref(value) for value in values]
    del values, owner
    gc.collect()
    assert [ref() is None for ref in held] == [False, True, True]
    assert last.recall(other) is held[0]()


def test_a_fetch_sweeps_what_is_left_of_owners_that_are_gone_and_what_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("alicred.adapters.last_fetch.monotonic", lambda: now)
    last: LastFetch[Value] = LastFetch("test", seconds=60)
    owner, old = Owner(), Owner()
    held = weakref.ref(last.remember(old, Value()))
    for _ in range(50):
        last.remember(Owner(), Value())
    now += 59
    assert last.recall(old) is not None
    now += 1
    assert last.recall(old) is None
    last.remember(owner, Value())
    gc.collect()
    assert held() is None
    assert len(last._fetched.get()) == 1


def test_without_a_limit_nothing_grows_old(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("alicred.adapters.last_fetch.monotonic", lambda: now)
    last: LastFetch[str] = LastFetch("test")
    owner, other = Owner(), Owner()
    last.remember(owner, "a")
    now += 1e9
    last.remember(other, "b")
    assert last.recall(owner) == "a"
