"""How a task waits: for as long as it was told to, and not a moment less or more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

import pytest

from alicred.refresh.flight import Flight, Landing
from alicred.refresh.waiting import Wait, wait_in_task, wait_in_thread


def asking(*waits: Wait) -> Generator[Wait, None, str]:
    yield from waits
    return "the answer"


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
    flight.finish(Landing.COMMITTED)

    async def main() -> str:
        return await asyncio.wait_for(wait_in_task(asking(Wait(flight, 1e6))), 30)

    assert asyncio.run(main()) == "the answer"
    assert wait_in_thread(asking(Wait(flight, 1e6))) == "the answer"
