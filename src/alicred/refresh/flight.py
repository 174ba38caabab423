"""One refresh that many callers wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import Enum

from alicred.errors import AlicredError


class Landing(Enum):
    """How a flight ended."""

    COMMITTED = "committed"
    """What it brought is in service."""
    FAILED = "failed"
    """It brought an error."""
    UNWANTED = "unwanted"
    """Nobody may use what it brought, or it was given up before it brought anything: decide anew."""


class Flight:
    """One refresh under way, shared by threads and tasks. Nothing here is ever held while something blocks.

    Whoever wins `claim` runs it, and later calls `finish` exactly once; everybody may `wait`.
    """

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.runner: int | None = None
        self.landing: Landing | None = None
        self.error: AlicredError | None = None
        self._claim = threading.Lock()
        self._done = threading.Event()
        self._waiters: dict[object, Callable[[], None]] = {}

    def claim(self) -> bool:
        """Take the flight over; true for the first caller alone."""
        if not self._claim.acquire(blocking=False):
            return False
        self.runner = threading.get_ident()
        return True

    def is_run_by_this_thread(self) -> bool:
        """Whether the calling thread is the one that runs the flight, so that it must not wait for it."""
        return self.runner == threading.get_ident()

    def finish(self, landing: Landing, error: AlicredError | None = None) -> None:
        """Record how it ended and wake everybody."""
        self.landing, self.error = landing, error
        self.runner = None
        self._done.set()
        while self._waiters:
            try:
                _, wake = self._waiters.popitem()
            except KeyError:  # a waiter has left in between
                break
            wake()

    def wait(self, seconds: float) -> bool:
        """Block the calling thread until the end, for at most *seconds*; whether the end has come."""
        return self._done.wait(max(0.0, seconds))

    def join(self, key: object, wake: Callable[[], None]) -> None:
        """Have *wake* called at the end, once, from any thread; at once if the end has come."""
        self._waiters[key] = wake
        # `finish` sets the event before it empties the dictionary, so that one of the two sees the other.
        if self._done.is_set() and self._waiters.pop(key, None) is not None:
            wake()

    def leave(self, key: object) -> None:
        """Not to be woken any more."""
        self._waiters.pop(key, None)
