"""Sources and helpers that the tests of the engine share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import TypeVar

from hypothesis import settings

from alicred import Clock, Credential
from alicred.events import Event
from alicred.testing import FakeClock, faults

T = TypeVar("T")
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def examples(count: int) -> int:
    """How many examples a property has that draws *count* in a full run: fewer where the profile of hypothesis says so."""
    return max(3, count * settings.default.max_examples // 100)


def patience(fault: faults.Fault) -> timedelta:
    """A time-out that is soon over where the service hangs, and out of reach elsewhere, however slow the machine."""
    return SECOND if isinstance(fault, faults.Hang) else 30 * SECOND


class Script:
    """A source that follows a script: each step is a lifetime, a value, an error to raise, or a function to call.

    The last step is repeated for ever. ``calls`` counts; the values are numbered from 1, with the call.
    """

    name = "script"

    def __init__(self, *steps: object, clock: Clock | None = None) -> None:
        self.steps = steps or (HOUR,)
        self.calls = 0
        self.times: list[float] = []
        self._clock = clock
        self._lock = threading.Lock()

    def get(self) -> Credential:
        with self._lock:
            self.calls += 1
            number = self.calls
            if self._clock is not None:
                self.times.append(self._clock.monotonic())
        return self._play(self.steps[min(number, len(self.steps)) - 1], number)

    def _play(self, step: object, number: int) -> Credential:
        if isinstance(step, BaseException):
            raise step
        if isinstance(step, Credential):
            return step
        if callable(step):
            return self._play(step(), number)
        assert step is None or isinstance(step, timedelta)
        now = self._clock.utcnow() if self._clock is not None else datetime.now(timezone.utc)
        return Credential(f"id-{number}", f"secret-{number}", f"token-{number}", None if step is None else now + step)


class Pickled:
    """A source with nothing in it that could not be pickled."""

    name = "pickled"

    def get(self) -> Credential:
        return Credential("id-1", "secret-1", "token-1", datetime(2100, 1, 1, tzinfo=timezone.utc))


class Gate:
    """A step of a script that holds its caller until it is opened; ``entered`` tells that somebody is held."""

    def __init__(self, step: object = HOUR) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()
        self._step = step

    def __call__(self) -> object:
        self.entered.set()
        assert self.opened.wait(30), "nobody has opened the gate"
        return self._step

    def open(self) -> None:
        self.opened.set()


class Recorder:
    """A listener that keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]


def in_threads(count: int, work: Callable[[], T]) -> list[T | BaseException]:
    """What *work* answers or raises in each of *count* threads that start together."""
    results: list[T | BaseException] = []
    barrier = threading.Barrier(count)

    def run() -> None:
        barrier.wait()
        try:
            results.append(work())
        except BaseException as error:
            results.append(error)

    threads = [threading.Thread(target=run, name=f"test-{number}") for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def ids(results: Iterable[object]) -> set[str]:
    """The ids of the credentials among *results*; anything else by its type."""
    return {result.access_key_id if isinstance(result, Credential) else type(result).__name__ for result in results}


def wait_until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Give other threads the time they need, and no more; fail if it is not enough."""
    ticker = threading.Event()
    for _ in range(int(seconds / 0.002)):
        if condition():
            return
        ticker.wait(0.002)
    raise AssertionError("what was waited for did not happen")


__all__ = ["HOUR", "SECOND", "FakeClock", "Gate", "Pickled", "Recorder", "Script", "ids", "in_threads", "wait_until"]
