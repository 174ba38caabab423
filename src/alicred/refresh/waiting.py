"""How threads and how tasks wait. Everything else about asking is written once, as a generator that yields its waits."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import suppress
from typing import TypeVar

import attrs

from alicred.refresh.flight import Flight

T = TypeVar("T")


@attrs.frozen
class Wait:
    """Wait for *flight* to end, for at most *seconds*."""

    flight: Flight
    seconds: float


def wait_in_thread(asking: Generator[Wait, None, T]) -> T:
    """Run *asking* to its end on this thread."""
    while True:
        try:
            wait = next(asking)
        except StopIteration as end:
            answer: T = end.value
            return answer
        wait.flight.wait(wait.seconds)


async def wait_in_task(asking: Generator[Wait, None, T]) -> T:
    """Run *asking* to its end in this task, without ever blocking the event loop."""
    while True:
        try:
            wait = next(asking)
        except StopIteration as end:
            answer: T = end.value
            return answer
        await _wait(wait)


async def _wait(wait: Wait) -> None:
    import asyncio  # only who awaits needs it

    loop = asyncio.get_running_loop()
    woken = loop.create_future()

    def set_woken() -> None:
        if not woken.done():
            woken.set_result(None)

    def wake() -> None:
        with suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            loop.call_soon_threadsafe(set_woken)

    timer = loop.call_later(max(0.0, wait.seconds), set_woken)
    wait.flight.join(woken, wake)
    try:
        await woken
    finally:
        timer.cancel()
        wait.flight.leave(woken)
