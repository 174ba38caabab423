"""What a forked child does first, step by step, in a process that was not forked: what a child shows is in `test_cache_fork`."""

from __future__ import annotations

import threading
from datetime import timedelta
from math import inf

import attrs
import pytest

from alicred import Backoff, CachingProvider, Credential, FixedWindow, RefreshMode, RefreshPolicy
from alicred.refresh.flight import Flight, Landing
from alicred.testing import FakeClock
from tests.support import HOUR, Script

POLICY = RefreshPolicy(ahead=FixedWindow(timedelta(minutes=20)), jitter=1, mode=RefreshMode.INLINE, failure_backoff=Backoff(jitter=0))


def held_cache(policy: RefreshPolicy = POLICY) -> CachingProvider[Credential]:
    clock = FakeClock()
    cache = CachingProvider(Script(HOUR, clock=clock), refresh=policy, clock=clock)
    cache.get()
    return cache


def test_lock_and_flight_of_the_parent_count_no_more() -> None:
    cache = held_cache()
    lock, generation = cache._lock, cache._snapshot.generation
    cache._flight = Flight(timedelta(0))
    cache._snapshot = attrs.evolve(cache._snapshot, waited_for_until=1e9)
    cache._reset_in_child()
    assert cache._lock is not lock
    assert isinstance(cache._lock, type(threading.RLock()))
    assert cache._flight is None
    assert (cache._snapshot.waited_for_until, cache._snapshot.generation) == (None, generation + 1)


def test_the_moment_of_the_refresh_is_drawn_anew_and_the_hot_path_opens_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = held_cache()
    value = cache.get()
    monkeypatch.setattr("alicred.refresh.engine.draw", lambda: 0.25)
    before = cache._snapshot.held
    cache._reset_in_child()
    held = cache._snapshot.held
    assert before is not None
    assert held is not None
    assert held.refresh_after == held.fetched_at + timedelta(minutes=45).total_seconds()
    assert held.value is value
    assert cache._entry == (held.fetched_at + 60, value)  # when the wall clock is looked at again


def test_a_window_that_raises_in_the_child_leaves_the_moment_as_it_was_and_the_value_in_service() -> None:
    asked: list[timedelta] = []

    def window(lifetime: timedelta) -> timedelta:
        asked.append(lifetime)
        if len(asked) > 2:  # the trial when the policy is made, the first value; then the child
            raise ValueError("not again")
        return timedelta(minutes=20)

    cache = held_cache(attrs.evolve(POLICY, ahead=window))
    value, held = cache.get(), cache._snapshot.held
    cache._reset_in_child()
    assert len(asked) == 3
    assert cache._snapshot.held is held
    assert cache._entry[0] == -inf
    assert cache.get() is value


def test_a_child_that_holds_nothing_can_fetch() -> None:
    clock = FakeClock()
    cache = CachingProvider(Script(HOUR, clock=clock), refresh=POLICY, clock=clock)
    cache._reset_in_child()
    assert cache.get().access_key_id == "id-1"


def test_a_flight_that_nobody_runs_is_unwanted_and_leaves_no_trace() -> None:
    cache = held_cache()
    flight, woken = Flight(timedelta(0)), list[str]()
    cache._flight = flight
    cache._snapshot = attrs.evolve(cache._snapshot, waited_for_until=1e9)
    flight.join("waiter", lambda: woken.append("waiter"))
    cache._abandon(flight)
    assert flight.landing is Landing.UNWANTED
    assert woken == ["waiter"]
    assert cache._flight is None
    assert cache._snapshot.waited_for_until is None


def test_a_flight_that_somebody_else_runs_is_left_to_him() -> None:
    cache = held_cache()
    flight = Flight(timedelta(0))
    cache._flight = flight
    flight._runner[None] = -1  # a number that no thread has
    cache._abandon(flight)
    assert flight.landing is None
    assert cache._flight is flight
