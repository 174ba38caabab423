"""Faults of a program, to see that a run finds them: ``make soak ARGS="--plant NAME"``."""

from __future__ import annotations

import os
import threading
from collections.abc import Collection

from alicred import Credential
from alicred.events import Event, Listener, RefreshSucceeded
from alicred.provider import Provider


class Naive:
    """Keeps the first value for ever."""

    def __init__(self, source: Provider[Credential]) -> None:
        self.name = source.name
        self._source = source
        self._lock = threading.Lock()
        self._held: Credential | None = None

    def get(self) -> Credential:
        with self._lock:
            if self._held is None:
                self._held = self._source.get()
            return self._held


kept: list[object] = []


def leak_memory(event: Event) -> None:
    """A listener that forgets nothing."""
    kept.append(bytearray(os.urandom(1 << 20)))


def leak_threads(event: Event) -> None:
    """A listener whose threads never end."""
    if isinstance(event, RefreshSucceeded):
        thread = threading.Thread(target=threading.Event().wait, daemon=True)
        thread.start()


def leak_descriptors(event: Event) -> None:
    """A listener that closes nothing."""
    os.open(os.devnull, os.O_RDONLY)


LISTENERS = {"memory": leak_memory, "threads": leak_threads, "descriptors": leak_descriptors}
PLANTS = ("expired", *LISTENERS)


def listener(names: Collection[str]) -> Listener:
    """One that does what *names* say; nothing, if none is a listener."""
    chosen = [LISTENERS[name] for name in names if name in LISTENERS]

    def listen(event: Event) -> None:
        for each in chosen:
            each(event)

    return listen
