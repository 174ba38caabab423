"""One refresh that many callers wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from enum import Enum

from alicred.errors import AlicredError


class Landing(Enum):
    """How a flight ended."""

    COMMITTED = "committed"
    """What it brought is in service."""
    FAILED = "failed"
    """It brought an error."""
    UNWANTED = "unwanted"
    """It was overtaken (by `invalidate`, `close` or a fork) or its caller was interrupted: decide anew."""


class Flight:
    """One refresh under way, shared by threads and tasks.

    Whoever wins `claim` runs it and calls `finish` in the end; everybody may wait. Made of locks and atomic steps alone, so that an
    interrupt at any point leaves nothing held: `threading.Event` is not safe there.

    Args:
        span: What the caller who starts it needs a value for.
    """

    def __init__(self, span: timedelta) -> None:
        self.span = span
        self.generation = 0
        self.landing: Landing | None = None
        self.error: AlicredError | None = None
        self._runner: dict[None, int] = {}  # a dictionary, since its setdefault is one step
        self._waiters: dict[object, Callable[[], None]] = {}

    def claim(self) -> bool:
        """Take the flight over; true for the thread that does so first, and for no other."""
        here = threading.get_ident()
        return self._runner.setdefault(None, here) == here

    def is_run_by_this_thread(self) -> bool:
        """Whether the calling thread is the one that runs the flight, so that it must not wait for it."""
        return self.landing is None and self._runner.get(None) == threading.get_ident()

    def finish(self, landing: Landing, error: AlicredError | None = None) -> None:
        """Record how it ended, unless that has been done, and wake everybody."""
        if self.landing is None:
            self.error = error
            self.landing = landing
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
        if self.landing is not None and self._waiters.pop(key, None) is not None:
            wake()

    def leave(self, key: object) -> None:
        """Not to be woken any more."""
        self._waiters.pop(key, None)
