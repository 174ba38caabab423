"""A lock on a file, which threads and processes share."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

from alicred._late import os
from alicred.refresh import forks

_PAUSE = 0.02  # seconds between two looks at a lock that somebody else holds
_NO_LOCKS_HERE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


class Busy(Exception):
    """Somebody else has held the lock for the whole time that was to be waited."""


class _Descriptor:
    """An open file, which a forked child closes: its copy would keep the lock held after the parent has died."""

    def __init__(self, path: str, flags: int) -> None:
        self.number = os.open(path, flags | os.O_CLOEXEC, 0o600) if sys.platform != "win32" else os.open(path, flags, 0o600)
        forks.watch(self, _Descriptor.close)

    def close(self) -> None:
        number, self.number = self.number, -1
        if number >= 0:
            with suppress(OSError):
                os.close(number)


@contextmanager
def exclusive(path: str, *, create: bool, seconds: float) -> Generator[int]:
    """Hold the lock of the file at *path*; its descriptor, open for reading, is handed out.

    The file may be replaced by another one under the same name: what is locked when the block is entered stood there at that moment.
    The system ends the lock with the process. Where it has no such locks (Windows, some network file systems), nothing is locked.

    Args:
        path: The file.
        create: Whether to create it, for its owner alone, if it is not there.
        seconds: How long to wait for others.

    Raises:
        Busy: They took longer.
        OSError: The file cannot be opened.
    """
    deadline = time.monotonic() + seconds
    flags = os.O_RDONLY | (os.O_CREAT if create else 0)
    while True:
        file = _Descriptor(path, flags)
        try:
            _lock(file.number, deadline)
            if _is_at(path, file.number):
                yield file.number
                return
        finally:
            _unlock(file.number)
            file.close()


def _lock(descriptor: int, deadline: float) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno in _NO_LOCKS_HERE:
                return
            raise
        if time.monotonic() >= deadline:
            raise Busy
        time.sleep(_PAUSE)


def _unlock(descriptor: int) -> None:
    """Not left to closing, for a child that is just being forked may have a copy of the descriptor."""
    if descriptor < 0:  # this is a child, which has closed its copy, and the lock is the parent's
        return
    if sys.platform == "win32":
        return
    import fcntl

    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _is_at(path: str, descriptor: int) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(descriptor))
