"""How threads and how tasks wait. Everything else about asking is written once, as a generator that yields its waits."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

from alicred._internal.real_time import monotonic
from alicred._internal.tasks import is_in_trio
from alicred.refresh.flight import Flight
from alicred.refresh.threads import start_thread

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class Wait(NamedTuple):
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
    bell: _Bell = _TrioBell() if is_in_trio() else _AsyncioBell()
    pid = os.getpid()

    def wake() -> None:
        if os.getpid() == pid:  # in a forked child, the loop is not the child's to touch
            with suppress(RuntimeError):  # the loop has been closed, the run has ended: no task waits any more
                bell.ring()

    seconds = max(0.0, wait.seconds)
    stop_alarm = None if bell.keeps_time() else _alarm(seconds, wake)
    try:
        wait.flight.join(bell, wake)
        await bell.wait(seconds if stop_alarm is None else None)
    finally:
        wait.flight.leave(bell)
        if stop_alarm is not None:
            stop_alarm()


def _alarm(seconds: float, ring: Callable[[], None]) -> Callable[[], None] | None:
    """Have *ring* called after so many *seconds* of real time. Returns what stops that; ``None`` if no thread can be started for it."""
    stopped = threading.Event()

    def wait() -> None:
        if not stopped.wait(seconds):
            ring()

    try:
        start_thread(wait, "alicred-alarm")
    except RuntimeError:
        return None
    return stopped.set


class _Bell(Protocol):
    """Wakes one task of one library."""

    def ring(self) -> None:
        """Wake the task, from any thread."""
        ...

    async def wait(self, seconds: float | None) -> None:
        """Wait for the bell, for at most *seconds* on the library's clock."""
        ...

    def keeps_time(self) -> bool:
        """Whether the library's clock goes with the real time. In tests it may be frozen, or jump where all tasks wait."""
        ...


class _AsyncioBell:
    def __init__(self) -> None:
        import asyncio  # only who awaits needs it

        self._loop = asyncio.get_running_loop()
        self._rung: asyncio.Future[None] = self._loop.create_future()

    def _set(self) -> None:
        if not self._rung.done():
            self._rung.set_result(None)

    def ring(self) -> None:
        self._loop.call_soon_threadsafe(self._set)

    async def wait(self, seconds: float | None) -> None:
        timer = None if seconds is None else self._loop.call_later(seconds, self._set)
        try:
            await self._rung
        finally:
            if timer is not None:
                timer.cancel()

    def keeps_time(self) -> bool:
        return abs(self._loop.time() - monotonic()) < 1  # both are the machine's monotonic clock


class _TrioBell:
    def __init__(self) -> None:
        import trio  # it is loaded: this task is one of its

        self._token = trio.lowlevel.current_trio_token()
        self._clock = trio.lowlevel.current_clock()
        self._rung = trio.Event()
        self._move_on_after = trio.move_on_after

    def ring(self) -> None:
        self._token.run_sync_soon(self._rung.set)

    async def wait(self, seconds: float | None) -> None:
        with self._move_on_after(inf if seconds is None else seconds):
            await self._rung.wait()

    def keeps_time(self) -> bool:
        if hasattr(self._clock, "autojump_threshold"):  # trio.testing.MockClock
            return False
        return self._clock.current_time() != self._clock.current_time()  # it counts from where it likes, but it counts
