"""What the tests of the store in a directory share: entries, processes, and calls that are interrupted between any two steps."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from alicred._internal import file_lock
from alicred.sharing import Busy, FileStore, Lease, Record, Stored, file_store

ENTRY = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
SECOND = timedelta(seconds=1)
LONG = timedelta(minutes=10)
ZERO = timedelta(0)
IS_ROOT = os.geteuid() == 0


def record(generation: int, sealed: bytes = b"sealed", keep: timedelta = LONG) -> Record:
    return Record(generation=generation, sealed=sealed, keep=keep)


def leased(store: FileStore, *, entry: str = ENTRY, newer_than: int = 0, lease: timedelta = LONG) -> Lease:
    said = store.claim(entry, newer_than=newer_than, lease=lease)
    assert not isinstance(said, (Busy, Stored)), said
    return said


def look(store: FileStore, *, entry: str = ENTRY, newer_than: int = 0) -> Stored | Busy:
    said = store.claim(entry, newer_than=newer_than, lease=ZERO)
    assert isinstance(said, (Busy, Stored))
    return said


def kind(said: object) -> str:
    return type(said).__name__.removeprefix("_File")


def files(directory: Path) -> list[str]:
    return sorted(os.listdir(directory))


# Processes


class Worker:
    """A forked process that runs *work* with a connection to this one."""

    def __init__(self, work: Callable[[Connection], object]) -> None:
        self.connection, theirs = multiprocessing.Pipe()
        self.pid = os.fork()
        if self.pid == 0:
            status = 1
            try:
                self.connection.close()
                work(theirs)
                status = 0
            except EOFError:
                pass
            finally:
                os._exit(status)
        theirs.close()
        self.has_ended = False

    def says(self, seconds: float = 25) -> Any:
        assert self.connection.poll(seconds), "the worker says nothing"
        return self.connection.recv()

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)
        if number == signal.SIGSTOP:
            os.waitpid(self.pid, os.WUNTRACED)

    def kill(self) -> None:
        """Kill it, if it still runs."""
        if not self.has_ended:
            self.has_ended = True
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)


@contextmanager
def workers(count: int, work: Callable[[Connection], object]) -> Generator[list[Worker]]:
    """*count* processes, which are killed at the end."""
    started = [Worker(work) for _ in range(count)]
    try:
        yield started
    finally:
        for worker in started:
            worker.connection.close()
            worker.kill()


@contextmanager
def worker(work: Callable[[Connection], object]) -> Generator[Worker]:
    with workers(1, work) as started:
        yield started[0]


# Steps


class Steps:
    """Counts the calls of the system that the store makes on one thread, and does something before one of them."""

    COUNTED = frozenset({"open", "lstat", "fstat", "read", "write", "rename", "unlink", "ftruncate", "utime", "flock"})

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self.at = -1
        self.then: Callable[[], object] = lambda: None
        self.thread: int | None = None
        for module in (file_store, file_lock):
            for name in ("os", "fcntl"):
                monkeypatch.setattr(module, name, _Counting(self, getattr(module, name)))

    def run(self, work: Callable[[], object], at: int, then: Callable[[], object]) -> tuple[object, bool]:
        """What *work* returns while *then* is called before its step number *at*, and whether it has that many."""
        self.count, self.at, self.then, self.thread = 0, at, then, threading.get_ident()
        try:
            return work(), self.count > at
        finally:
            self.thread = None

    def step(self) -> None:
        if threading.get_ident() == self.thread:
            self.count += 1
            if self.count == self.at + 1:
                thread, self.thread = self.thread, None
                self.then()
                self.thread = thread


class _Counting:
    def __init__(self, steps: Steps, module: Any) -> None:
        self._steps = steps
        self._module = module

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._module, name)
        if name not in Steps.COUNTED:
            return value

        def counted(*arguments: Any, **named: Any) -> Any:
            self._steps.step()
            return value(*arguments, **named)

        return counted
