"""The engine on strands: what callers could notice of each other is made a point, with no change to the engine's own text."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from types import SimpleNamespace
from typing import Any
from unittest import mock

from alicred.refresh import cache as cache_module
from alicred.refresh import flight as flight_module
from alicred.refresh import waiting as waiting_module
from alicred.refresh.cache import CachingProvider
from alicred.refresh.flight import Flight
from alicred.refresh.state import State
from alicred.testing import FakeClock
from tests.interleaving.locks import Lock
from tests.interleaving.scheduler import MACHINERY, Run, Unwound

SHARED: dict[type, tuple[str, ...]] = {
    CachingProvider: ("_state",),
    State: ("until", "successor"),
    Flight: ("outcome", "error", "generation", "_beginner", "_launched", "_runner", "_waiters"),
}
"""What strands share. Each reading and each writing of it is a point; the dictionaries are changed by whoever reads them."""

LOOK_AGAIN = 20.0
"""So that strands that wait look whether the flight is still run after half of the patience that programs give them."""

_run: Run | None = None
MACHINERY.add(__file__)


@contextmanager
def under_way(run: Run) -> Iterator[Run]:
    """Have the engine's points belong to *run*, until the end of the block."""
    global _run
    _run = run
    try:
        yield run
    finally:
        _run = None


class Watched:
    """Stands in for an attribute and makes a point of every access."""

    def __init__(self, owner: type, name: str) -> None:
        self.name, self.slot = name, owner.__dict__.get(name)
        self.is_changed_by_readers = name in {"successor", "_runner", "_waiters"}
        self.changed_in = "_change" if name == "successor" else ""  # elsewhere it is only read

    def __get__(self, thing: Any, owner: type | None = None) -> Any:
        if _run is not None:
            changes = self.is_changed_by_readers and self.changed_in in {"", sys._getframe(1).f_code.co_name}
            _run.point(((_run.number_of(thing), self.name), changes))
        return thing.__dict__[self.name] if self.slot is None else self.slot.__get__(thing)

    def __set__(self, thing: Any, value: Any) -> None:
        if _run is not None and not self._is_new(thing):
            _run.point(((_run.number_of(thing), self.name), True))
        if self.slot is None:
            thing.__dict__[self.name] = value
        else:
            self.slot.__set__(thing, value)

    def _is_new(self, thing: Any) -> bool:
        """Whether it is set for the first time, so that no other strand can know of it."""
        if self.slot is None:
            return self.name not in thing.__dict__
        try:
            self.slot.__get__(thing)
        except AttributeError:
            return True
        return False


def here() -> Run:
    assert _run is not None
    return _run


def _start_thread(run: Callable[[], None], name: str) -> None:
    if here().current is None or not here().has_threads:
        raise RuntimeError  # before the strands begin, everything runs on the spot
    here().spawn(run, "refresh")
    here().point()  # for an interrupt, before the caller knows that the thread has been started


@contextmanager
def watched() -> Iterator[None]:
    """The engine with strands for threads, until the end of the block."""

    def ident() -> int:
        return here().current.number + 1 if here().current else 0  # type: ignore[union-attr]

    def monotonic() -> float:
        return Time(here().clock).monotonic()

    locks = SimpleNamespace(Lock=lambda: Lock(here()), get_ident=ident, TIMEOUT_MAX=1e9)
    patches: list[AbstractContextManager[object]] = [
        mock.patch.object(flight_module, "threading", locks),
        mock.patch.object(cache_module, "start_thread", _start_thread),
        mock.patch.object(cache_module, "monotonic", monotonic),
        mock.patch.object(flight_module, "monotonic", monotonic),
        mock.patch.object(waiting_module, "monotonic", monotonic),
        mock.patch.object(cache_module, "LOOK_AGAIN_SECONDS", LOOK_AGAIN),
        *(mock.patch.object(owner, name, Watched(owner, name), create=True) for owner, names in SHARED.items() for name in names),
    ]
    with ExitStack() as stack:
        for patch in patches:
            stack.enter_context(patch)
        yield


class Time:
    """A clock on which each look is a point."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.utcnow, self.sleep, self.observe = clock.utcnow, clock.sleep, clock.observe

    def monotonic(self) -> float:
        here().point(("clock", False))
        return self._clock.monotonic()


def run_task(run: Run, main: Coroutine[Any, Any, Any], started: Callable[[Callable[[], None]], None]) -> Any:
    """Run *main* on an event loop of this strand's own, which waits as strands do; *started* is told how to cancel it from elsewhere."""
    loop = Loop(run)
    task = loop.create_task(main)

    def cancel() -> None:
        with suppress(RuntimeError):  # it has ended, and the loop is closed
            loop.call_soon_threadsafe(task.cancel)

    started(cancel)
    try:
        return loop.run_until_complete(task)
    finally:
        assert not loop.complaints, loop.complaints
        with suppress(Unwound):  # else what it does at its end would be done in some later run
            main.close()
        loop.close()


class Loop(asyncio.BaseEventLoop):
    """An event loop without sockets, on the time and the schedule of a run."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run
        self._selector = self
        self._woken = False
        self.complaints: list[object] = []

    def time(self) -> float:
        return self._run.clock.monotonic()

    def select(self, timeout: float | None) -> list[object]:
        touches = (((self._run.number_of(self), "loop"), True),)
        if timeout == 0:
            self._run.point(*touches)
        else:
            self._run.wait(touches, lambda: self._woken, timeout)
        self._woken = False
        return []

    def call_exception_handler(self, context: object) -> None:
        """Keeps what went wrong in a callback; says nothing of tasks that were left behind by a run that was given up."""
        if not self.is_closed() and not self._run.unwinding:
            self.complaints.append(context)

    def _process_events(self, event_list: list[object]) -> None:
        pass

    def _write_to_self(self) -> None:
        self._run.point(((self._run.number_of(self), "loop"), True))
        self._woken = True
