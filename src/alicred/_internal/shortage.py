"""What a machine that is short of something for a moment answers."""

from __future__ import annotations

import errno
import os

TEMPORARY = "TemporaryFailure"
"""The code of a `TransientError` that says so. It never means that a source is not there."""

# No descriptor, memory, buffer, port or process to be had, a call that was interrupted, a file server that lost track of a file.
_PASSING = frozenset({
    errno.EAGAIN, errno.EADDRNOTAVAIL, errno.EDQUOT, errno.EINTR, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.ENOSPC,
    errno.ESTALE, errno.ETXTBSY,
})  # fmt: skip


def shortage(error: BaseException) -> str | None:
    """What the machine is short of, in the system's words, if that is what *error* says. It may have it again in a moment."""
    if isinstance(error, MemoryError):
        return os.strerror(errno.ENOMEM)
    if isinstance(error, OSError) and error.errno in _PASSING:
        return os.strerror(error.errno or 0)
    return None
