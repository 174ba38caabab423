"""Caches with one mistake each in what happens when a thread, a process or the user's own code goes away."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from alicred import AlicredError, Backoff, Credential, MalformedResponseError, ProviderError, TransientError
from tests.field.naive import Plain


class SingleFlight(Plain):
    """One refresh at a time; callers wait for it for a while. What it has begun, its own thread has to end."""

    patience = 0.5  # seconds

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._reset()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._reset)  # which C code that forks does not run

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._flight: threading.Lock | None = None  # held while it is under way

    def get(self) -> Credential:
        if self._value is not None and not self._is_due():
            return self._value
        with self._lock:
            flight = self._flight
            mine = threading.Lock()
            mine.acquire()
            if flight is None:
                self._flight = mine
        if flight is None:
            try:
                return super().get()
            finally:
                self._land(mine)
        if not flight.acquire(timeout=self.patience):
            raise TransientError("waited in vain for a refresh")
        flight.release()
        return super().get()

    def _land(self, flight: threading.Lock) -> None:
        self._forget()  # needs frames, a lock and a moment without an interrupt, or the flight is under way for ever
        flight.release()

    def _forget(self) -> None:
        with self._lock:
            self._flight = None


class DrawsInItsHook(Plain):
    """Draws the moment of its refresh again in a forked child, where a hook tells it that it is in one."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._draw)

    def _draw(self) -> None:
        self._due_at += 180 * random.SystemRandom().random()


class PausesLast(Plain):
    """Tells its listener, and asks the user's own back-off, before it notes that it is to pause: if either raises, it does not pause."""

    def __init__(
        self, *args: Any, listener: Callable[[object], None] = lambda event: None, backoff: Backoff | None = None, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._listener = listener
        self._backoff = backoff

    def _pause_after_failure(self, error: AlicredError) -> None:
        self._listener(error)
        pause = 1.0 if self._backoff is None else self._backoff.delay(self._in_vain + 1, 0.5) / timedelta(seconds=1)
        self._in_vain += 1
        self._not_before = self._now() + pause


class BlamesTheSource(Plain):
    """Asks again if the value is gone before the caller came to use it, and takes it for granted that it had ended."""

    def invalidate(self, value: Credential) -> None:
        if value == self._value:
            self._value, self._due_at = None, self._now()

    def get(self) -> Credential:
        for _ in range(3):
            with suppress(ProviderError):
                value = super().get()
                time.sleep(0.001)  # a caller is slow, and others are quick to report
                if self._value is value:
                    return value
        raise MalformedResponseError("the source hands out values that end before they can be used")
