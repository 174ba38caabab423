"""How a task waits: for as long as it was told to, and not a moment less or more."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from math import inf
from typing import Any

import attrs
import pytest

from alicred import CachingProvider, ClosedError, ConfigurationError, RefreshPolicy, RefreshTimeoutError
from alicred.refresh.flight import Flight, Outcome
from alicred.refresh.waiting import Wait, wait_in_task, wait_in_thread
from tests.refresh.callers import asking
from tests.support import HOUR, Gate, Script


def delays_of(*waits: Wait) -> list[float]:
    """For how long the event loop is asked to wait; it comes back at once."""
    delays: list[float] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        original = loop.call_later

        def call_later(delay: float, callback: Callable[..., Any], *rest: Any) -> asyncio.TimerHandle:
            delays.append(delay)
            return original(0, callback, *rest)

        loop.call_later = call_later  # type: ignore[method-assign,assignment]  # for this loop alone
        assert await wait_in_task(asking(*waits)) == "the answer"

    asyncio.run(main())
    return delays


@pytest.mark.parametrize(("seconds", "delay"), [(0.25, 0.25), (30.0, 30.0), (0.0, 0.0), (-1.0, 0.0)])
def test_a_task_waits_for_its_seconds_and_never_for_less_than_none(seconds: float, delay: float) -> None:
    flight = Flight(timedelta(0))
    assert delays_of(Wait(flight, seconds)) == [delay]
    assert flight._waiters == {}


def test_each_wait_has_seconds_of_its_own() -> None:
    assert delays_of(Wait(Flight(timedelta(0)), 1.0), Wait(Flight(timedelta(0)), 2.0)) == [1.0, 2.0]


def test_what_has_ended_is_not_waited_for() -> None:
    flight = Flight(timedelta(0))
    flight.finish(Outcome.COMMITTED)

    async def main() -> str:
        return await asyncio.wait_for(wait_in_task(asking(Wait(flight, 1e6))), 30)

    assert asyncio.run(main()) == "the answer"
    assert wait_in_thread(asking(Wait(flight, 1e6))) == "the answer"


class RecordingGate:
    """A lock that opens at once and remembers for how long it was waited for."""

    timeouts: list[float] = []  # noqa: RUF012  (of the test that makes one)

    def acquire(self, timeout: float | None = None) -> bool:
        if timeout is not None:
            self.timeouts.append(timeout)
        return True

    def release(self) -> None: ...


@pytest.mark.parametrize(("seconds", "timeout"), [(0.25, 0.25), (30.0, 30.0), (0.0, 0.0), (-1.0, 0.0), (inf, threading.TIMEOUT_MAX)])
def test_so_does_a_thread(seconds: float, timeout: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alicred.refresh.flight.threading.Lock", RecordingGate)
    RecordingGate.timeouts.clear()
    flight = Flight(timedelta(0))
    flight.wait(seconds)
    monkeypatch.undo()
    assert RecordingGate.timeouts == [timeout]
    assert flight._waiters == {}


def in_time() -> None:
    """What a thread that has not begun yet is to call."""


class Vanishing(dict[object, Callable[[], None]]):
    """Waiters of whom the last has been woken as soon as he has joined."""

    def __setitem__(self, key: object, wake: Callable[[], None]) -> None:
        wake()


def test_whom_the_end_has_woken_already_is_not_woken_again() -> None:
    flight, woken = Flight(timedelta(0)), list[str]()
    flight.finish(Outcome.COMMITTED)
    flight._waiters = Vanishing()
    flight.join("x", lambda: woken.append("x"))
    assert woken == ["x"]


def test_who_holds_nothing_that_lasts_waits_for_an_old_flight_all_the_same() -> None:
    cache = CachingProvider(Script(HOUR))
    cache.get()
    now, give_up_at = cache._now(), time.monotonic() + 1000
    snapshot = attrs.evolve(cache._current().snapshot, waited_for_until=now + 1)
    assert cache._patience(snapshot, give_up_at, now, timedelta(0)) == 1
    assert cache._patience(snapshot, give_up_at, now, HOUR / 2) == 1
    assert cache._patience(snapshot, give_up_at, now, 2 * HOUR) > 900
    assert cache._patience(attrs.evolve(snapshot, waited_for_until=None), give_up_at, now, timedelta(0)) > 900


@pytest.mark.parametrize(("span", "least", "most"), [(timedelta(0), 0, 1), (HOUR / 2, 0, 1), (2 * HOUR, 900, 1000)])
def test_so_it_is_for_any_caller(span: timedelta, least: float, most: float, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = RefreshPolicy(ahead=timedelta(0), margin=timedelta(0), max_wait=timedelta(seconds=1000))
    cache = CachingProvider(Script(HOUR), refresh=policy)
    cache.get()
    held = cache._current().snapshot.held
    assert held is not None
    urgent = attrs.evolve(held, refresh_after=0.0, urgent_after=0.0)
    flight, state = Flight(timedelta(0)), cache._current()
    flight.launched(in_time)
    snapshot = attrs.evolve(state.snapshot, held=urgent, waited_for_until=cache._now() + 1)
    assert cache._change(state, snapshot, flight, cache._now())
    waiting = cache._ask(span, inline=False)
    monkeypatch.setattr("alicred.refresh.cache.LOOK_AGAIN_SECONDS", 1e6)
    assert least < next(waiting).seconds <= most
    waiting.close()


def test_a_source_that_asks_its_own_cache_is_told_which() -> None:
    seen: list[str | None] = []

    def ask() -> object:
        try:
            cache.get()
        except ConfigurationError as error:
            seen.append(error.provider)
        return HOUR

    cache = CachingProvider(Script(ask))
    assert cache.get().access_key_id == "id-1"
    assert seen == ["script"]


def test_a_closed_cache_does_not_wait_for_the_refresh_that_is_still_under_way() -> None:
    gate = Gate()
    cache = CachingProvider(Script(gate), refresh=RefreshPolicy(max_wait=timedelta(0)))
    with pytest.raises(RefreshTimeoutError):
        cache.get()
    assert gate.entered.wait(10)
    cache.close()
    try:
        with pytest.raises(ClosedError):
            cache.get()
    finally:
        gate.open()
