"""What a forked child does first, step by step, in a process that was not forked: what a child shows is in `test_cache_fork`."""

from __future__ import annotations

import threading
from datetime import timedelta

import attrs
import pytest

from alicred import Backoff, CachingProvider, Credential, FixedWindow, RefreshMode, RefreshPolicy
from alicred.refresh.flight import Flight, Outcome
from alicred.testing import FakeClock
from tests.support import HOUR, Script

POLICY = RefreshPolicy(ahead=FixedWindow(timedelta(minutes=20)), jitter=1, mode=RefreshMode.INLINE, failure_backoff=Backoff(jitter=0))


def held_cache(policy: RefreshPolicy = POLICY) -> CachingProvider[Credential]:
    clock = FakeClock()
    cache = CachingProvider(Script(HOUR, clock=clock), refresh=policy, clock=clock)
    cache.get()
    return cache


def under_way(cache: CachingProvider[Credential], flight: Flight) -> None:
    """Have *flight* be under way, begun by no frame that is still executing."""
    state = cache._current()
    assert cache._change(state, attrs.evolve(state.snapshot, waited_for_until=1e9), flight, cache._now())


def test_a_flight_of_the_parent_counts_no_more() -> None:
    cache = held_cache()
    generation = cache._current().snapshot.generation
    under_way(cache, Flight(timedelta(0)))
    cache._reset_in_child()
    state = cache._current()
    assert state.flight is None
    assert (state.snapshot.waited_for_until, state.snapshot.generation) == (None, generation + 1)


def test_a_process_that_no_hook_has_told_notices_that_it_is_another_one(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = held_cache()
    value = cache.get()
    under_way(cache, Flight(timedelta(0)))
    monkeypatch.setattr("alicred.refresh.cache.draw", lambda: 0.25)
    monkeypatch.setattr("alicred.refresh.cache.os.getpid", lambda: -5)
    state = cache._current()
    assert (state.pid, state.flight, state.snapshot.waited_for_until) == (-5, None, None)
    assert state.snapshot.held is not None
    assert state.snapshot.held.refresh_after == state.snapshot.held.fetched_at + timedelta(minutes=45).total_seconds()
    assert cache._current() is state
    assert cache.get() is value


def test_the_moment_of_the_refresh_is_drawn_again_and_the_hot_path_opens_again(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = held_cache()
    value = cache.get()
    monkeypatch.setattr("alicred.refresh.cache.draw", lambda: 0.25)
    cache._reset_in_child()
    state = cache._state
    held = state.snapshot.held
    assert held is not None
    assert held.refresh_after == held.fetched_at + timedelta(minutes=45).total_seconds()
    assert (state.until, state.value) == (held.fetched_at + 60, value)  # when the wall clock is looked at again


def test_a_window_that_raises_in_the_child_leaves_the_moment_as_it_was_and_the_value_in_service(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[timedelta] = []

    def window(lifetime: timedelta) -> timedelta:
        asked.append(lifetime)
        if len(asked) > 2:  # the trial when the policy is made, the first value; then the child
            raise ValueError("not again")
        return timedelta(minutes=20)

    cache = held_cache(attrs.evolve(POLICY, ahead=window))
    value, held = cache.get(), cache._current().snapshot.held
    cache._reset_in_child()
    assert len(asked) == 3
    assert cache._current().snapshot.held is held
    assert cache.get() is value
    assert "RefreshPolicy.ahead raised in a forked child" in caplog.text


def test_a_child_that_holds_nothing_can_fetch() -> None:
    clock = FakeClock()
    cache = CachingProvider(Script(HOUR, clock=clock), refresh=POLICY, clock=clock)
    cache._reset_in_child()
    assert cache.get().access_key_id == "id-1"


def test_a_flight_that_nothing_runs_is_superseded_and_leaves_no_trace() -> None:
    cache = held_cache()
    flight, woken = Flight(timedelta(0)), list[str]()
    under_way(cache, flight)
    flight.join("waiter", lambda: woken.append("waiter"))
    cache._discard(flight)
    assert flight.outcome is Outcome.SUPERSEDED
    assert woken == ["waiter"]
    state = cache._current()
    assert (state.flight, state.snapshot.waited_for_until) == (None, None)


def test_a_flight_that_a_thread_runs_is_left_to_it() -> None:
    cache = held_cache()
    flight, claimed, over = Flight(timedelta(0)), threading.Event(), threading.Event()
    under_way(cache, flight)

    def run() -> None:
        flight.claim()
        claimed.set()
        over.wait(10)

    thread = threading.Thread(target=run)
    thread.start()
    assert claimed.wait(10)
    cache._discard(flight)
    assert flight.outcome is None
    assert cache._current().flight is flight
    over.set()
    thread.join()
    cache._discard(flight)  # its thread has ended without a word
    assert flight.outcome is Outcome.SUPERSEDED
    assert cache._current().flight is None
