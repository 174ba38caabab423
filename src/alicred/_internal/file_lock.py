"""A lock on a file, which threads and processes share."""

from __future__ import annotations

import errno
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from typing import TypeVar
from weakref import ref

from alicred._internal import forks
from alicred._internal.files import shown
from alicred._internal.late import os
from alicred._internal.real_time import monotonic
from alicred.errors import ConfigurationError

if sys.platform != "win32":
    import fcntl

T = TypeVar("T")

_PAUSE = 0.02  # seconds between two looks at a lock that another caller holds
_NO_LOCKS_HERE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
_NO_REGULAR_FILE = (errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR)  # a link, as Linux and the BSDs say it, a socket, a directory
_FLAGS = os.O_RDONLY | sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY"))

# The files that this process has open here, by descriptor: the process that opened them, and what they are.
_open: dict[int, tuple[int, ref[FileIO], os.stat_result]] = {}


class Busy(Exception):
    """Another caller has held the lock for the whole time that was to be waited."""


class NotOpened(Exception):
    """The file could not be opened.

    Args:
        reason: Why.
    """

    def __init__(self, reason: OSError) -> None:
        super().__init__(reason.strerror)
        self.reason = reason


def exclusive(path: str, work: Callable[[int], T], *, create: bool, seconds: float, owner: int | None = None) -> T:
    """What *work* returns, called with the file's descriptor, open for reading, while this call holds the lock of the file at *path*.

    The file may be replaced by another one under the same name: what is locked when *work* is called stood there at that moment.
    The lock ends with this call, whatever ends it, and with the process: it belongs to an open file, which is closed without
    any Python code having to run. Where the system has no such locks (Windows, some network file systems), nothing is locked.

    Args:
        path: The file. No symbolic link is followed.
        work: What to do.
        create: Whether to create the file, for its owner alone, if it is not there.
        seconds: How long to wait for others.
        owner: The user whom it must belong to, if not to this process's; ``None``: it may be anyone's.

    Raises:
        Busy: They took longer.
        NotOpened: The file cannot be opened.
        ConfigurationError: What stands there is no regular file, or is another user's.
    """
    deadline = monotonic() + seconds
    close_copies()
    while True:
        with _opened(path, create=create) as file:
            try:
                _refuse_what_is_not_ours(path, watched(file), owner)
                _lock(file.fileno(), deadline)
                if is_at(path, file.fileno()):
                    return work(file.fileno())
            finally:
                unlock(file)


def _opened(path: str, *, create: bool) -> FileIO:
    def opener(name: str, _: int) -> int:
        return os.open(name, _FLAGS | (os.O_CREAT if create else 0), 0o600)

    try:
        return open(path, "rb", buffering=0, opener=opener)
    except OSError as error:
        if error.errno in _NO_REGULAR_FILE:
            raise _not_regular(path) from None
        raise NotOpened(error) from None


def watched(file: FileIO) -> os.stat_result:
    """What the file is. A forked child closes its copy, which would keep the lock held after the parent has died."""
    found = os.fstat(file.fileno())
    _open[file.fileno()] = os.getpid(), ref(file), found
    forks.watch(file, FileIO.close)
    return found


def close_copies() -> None:
    """Close what this process has got by a fork that ran none of CPython's hooks."""
    for pid, weak, opened in list(_open.values()):
        file = weak()
        if pid != os.getpid() and file is not None and not file.closed:
            with suppress(OSError):
                if os.path.samestat(os.fstat(file.fileno()), opened):  # the number may be another file's by now
                    file.close()


def _refuse_what_is_not_ours(path: str, found: os.stat_result, owner: int | None) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _not_regular(path)
    if owner is not None and sys.platform != "win32" and found.st_uid not in (owner, os.geteuid()):
        raise ConfigurationError(f"{shown(path)} belongs to another user, who could hold its lock for ever. Remove it")


def _not_regular(path: str) -> ConfigurationError:
    return ConfigurationError(f"{shown(path)} cannot be locked, since it is not a regular file. Remove it")


def _lock(descriptor: int, deadline: float) -> None:
    if sys.platform == "win32":
        return
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno in _NO_LOCKS_HERE:
                return
            raise NotOpened(error) from None
        if monotonic() >= deadline:
            raise Busy
        time.sleep(_PAUSE)


def unlock(file: FileIO) -> None:
    """Not left to closing alone, for a child that is just being forked may have a copy of the descriptor."""
    if file.closed:  # this is a child, which has closed its copy, and the lock is the parent's
        return
    _open.pop(file.fileno(), None)
    if sys.platform == "win32":
        return
    with suppress(OSError):
        fcntl.flock(file.fileno(), fcntl.LOCK_UN)


def is_at(path: str, descriptor: int) -> bool:
    """Whether the open file is the one that stands at *path* now."""
    try:
        there = os.lstat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(descriptor))
