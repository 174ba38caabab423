"""One refresh that many callers wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from enum import Enum
from types import FrameType
from typing import NamedTuple
from weakref import ref

from alicred._internal.frames import is_executing, this_frame
from alicred._internal.real_time import monotonic
from alicred.errors import AlicredError

LATE_THREAD_SECONDS = 5.0
"""How long a thread that was started for a flight may take to begin before the flight counts as lost."""


class Outcome(Enum):
    """How a flight ended."""

    COMMITTED = "committed"
    """What it brought is in service."""
    FAILED = "failed"
    """It brought an error."""
    SUPERSEDED = "superseded"
    """It was overtaken (by `invalidate`, `close` or a fork), or what ran it has ended without a word: decide again."""


class _Runner(NamedTuple):
    """Who runs a flight: a thread, by its number, and the frame in which it does so."""

    thread: int
    frame: FrameType | None


_ENDED = _Runner(0, None)


class _Launched(NamedTuple):
    """When a thread was started for a flight, and what it is to call: gone together with a thread that ends before it does."""

    at: float
    run: ref[Callable[[], None]]


class Flight:
    """One refresh under way, shared by threads and tasks.

    The first to `claim` it runs it and calls `finish` in the end; any number may wait. It belongs to a frame: first to the one
    that begins it, then to the one that runs it. A flight whose frame has ended without `finish` is lost, whatever ended that
    frame: an interrupt between two bytecodes, an exception set from another thread, a stack or memory that was used up. Any
    caller that meets a lost flight replaces it. (The frames of another process are no concern of a flight's: see `State`.)

    Args:
        span: What the caller who begins it needs a value for.
        demanded: Whether that caller needs a new one, whatever is held.
    """

    def __init__(self, span: timedelta, *, demanded: bool = False) -> None:
        self.span = span
        self.demanded = demanded
        self.generation = 0
        self.outcome: Outcome | None = None
        self.error: AlicredError | None = None
        self._beginner: FrameType | None = None
        self._launched: _Launched | None = None
        self._look: Callable[[], None] | None = None
        self._runner: dict[None, _Runner] = {}  # a dictionary, since its setdefault is one step
        self._waiters: dict[object, Callable[[], None]] = {}

    def begin(self, generation: int, beginner: FrameType | None) -> None:
        """Note on what *generation* it is begun, and that *beginner* will start it; ``None``: it is not begun after all."""
        self.generation = generation
        self._beginner = beginner

    def launched(self, run: Callable[[], None], look: Callable[[], None] | None = None) -> None:
        """Note that a thread has been started, which will claim the flight in *run*, and which alone keeps *run* alive.

        With *look*, the flight waits for its turn to get a thread, and only the line in which it waits keeps *run* alive. *look* has that
        line check whether a turn has ended without an announcement.
        """
        self._look = look
        self._launched = _Launched(monotonic(), ref(run))

    def is_in_line(self) -> bool:
        """Whether the flight waits for its turn, and no thread runs it yet."""
        return self._look is not None and not self._runner

    def claim(self) -> bool:
        """Have the calling frame run the flight; true for the first that asks, and for no other."""
        runner = _Runner(threading.get_ident(), this_frame(1))
        return self._runner.setdefault(None, runner) is runner

    def is_run_by_this_thread(self) -> bool:
        """Whether the calling thread is the one that runs the flight, so that it must not wait for it."""
        runner = self._runner.get(None)
        return self.outcome is None and runner is not None and runner.thread == threading.get_ident()

    def is_lost(self) -> bool:
        """Whether the flight has not ended and never will, since what was to run it is gone."""
        if self.outcome is not None:
            return False
        runner, beginner = self._runner.get(None), self._beginner
        if runner is not None:
            return not _is_alive(runner.frame) and self.outcome is None  # it may have ended a moment ago
        if self._launched is None and _is_alive(beginner):
            return False
        launched = self._launched
        if launched is not None and self._look is not None:
            self._look()
            return launched.run() is None and not self._runner
        return launched is None or launched.run() is None or monotonic() - launched.at > LATE_THREAD_SECONDS

    def finish(self, outcome: Outcome, error: AlicredError | None = None) -> None:
        """Record how it ended, unless that has been done, and wake every waiter."""
        if self.outcome is None:
            self.error = error
            self.outcome = outcome
        self._beginner = None  # a frame keeps its local variables alive, this flight among them
        self._runner[None] = _ENDED
        while self._waiters:
            try:
                _, wake = self._waiters.popitem()
            except KeyError:  # a waiter has left in between
                break
            wake()

    def wait(self, seconds: float) -> None:
        """Block the calling thread until the end, for at most *seconds*."""
        gate = threading.Lock()
        gate.acquire()
        self.join(gate, gate.release)
        try:
            gate.acquire(timeout=max(0.0, min(seconds, threading.TIMEOUT_MAX)))
        finally:
            self.leave(gate)

    def join(self, key: object, wake: Callable[[], None]) -> None:
        """Have *wake* called at the end, once, from any thread; at once if the end has come."""
        self._waiters[key] = wake
        # `finish` records the end before it empties the dictionary, so that one of the two sees the other.
        if self.outcome is not None and self._waiters.pop(key, None) is not None:
            wake()

    def leave(self, key: object) -> None:
        """Not to be woken any more."""
        self._waiters.pop(key, None)


def _is_alive(owner: FrameType | None) -> bool:
    return owner is not None and is_executing(owner)
