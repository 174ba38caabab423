"""Puts new values into one profile of the command line tool's file, so that neither a crash nor another writer can spoil it."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from contextlib import suppress

from alicred._late import os
from alicred.errors import ConfigurationError
from alicred.profiles.cli_config import WHAT, CliConfig
from alicred.profiles.cli_edit import with_changes
from alicred.profiles.cli_lock import Busy, exclusive
from alicred.profiles.location import LARGEST_FILE
from alicred.sources._files import as_text

_LONGEST_WAIT = 10.0  # seconds; a writer holds the lock for some milliseconds
_BOM = b"\xef\xbb\xbf"


class NotWrittenError(Exception):
    """The file is as it was. The text says why, and holds no secret."""


class SupersededError(NotWrittenError):
    """The profile is not what it was any more, and so the new values are out of date."""


def update(path: str, profile: str, changes: Mapping[str, str | int], *, still: Mapping[str, object]) -> None:
    """Make *changes* to the profile *profile* of the file at *path*, and to nothing else in it.

    The file is locked against other threads and processes, and read anew. The new content is written beside it, forced onto the
    disk, and put in its place in one step: whoever reads the file, and whatever crashes, finds the old one or the new one, whole. Its
    mode and, where the system lets us, its owner stay; where *path* is a symbolic link, the file that it leads to is replaced.
    Blocks for at most 10 s, and as long as the disk takes.

    Args:
        path: The file.
        profile: The profile; of two with the same name, the first.
        changes: The new values by their keys.
        still: What the profile must still say, with ``None`` for a key that is missing or empty. If it says anything else, somebody
            has logged in anew or changed the profile, and theirs stays.

    Raises:
        NotWrittenError: The file is as it was.
        SupersededError: That is because the profile does not say what it must still say.
    """
    path = os.path.realpath(path)
    try:
        with exclusive(path, create=False, seconds=_LONGEST_WAIT) as file:
            content = _content(file)
            new = _changed(content, path, profile, changes, still)
            if new != content:
                _remove_leftovers(path)
                _replace(path, new, os.fstat(file))
        return
    except Busy:
        reason = "another program has kept it locked"
    except ConfigurationError as error:
        reason = error.message
    except FileNotFoundError:
        reason = "it is no longer there"
    except OSError as error:
        reason = error.strerror or type(error).__name__
    raise NotWrittenError(reason)


def _content(descriptor: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as file:
        content = file.read(LARGEST_FILE + 1)
    if len(content) > LARGEST_FILE:
        raise ConfigurationError(f"it is larger than {LARGEST_FILE} bytes")
    return content


def _changed(content: bytes, path: str, profile: str, changes: Mapping[str, str | int], still: Mapping[str, object]) -> bytes:
    text = as_text(content, path, what=WHAT)
    values = CliConfig.parse(text, path).profiles.get(profile)
    if values is None:
        raise SupersededError("the profile is no longer there")
    if any((values.get(key) or None) != value for key, value in still.items()):
        raise SupersededError("the profile has been changed meanwhile, by a new login for example, and stays as it is now")
    bom = _BOM if content.startswith(_BOM) else b""
    return bom + with_changes(text, profile, changes).encode()


def _prefix(name: str) -> str:
    return f".{name}.alicred-"


def _remove_leftovers(path: str) -> None:
    """What writers left behind that were killed. We hold the lock, so no writer is at work."""
    directory, name = os.path.split(path)
    with suppress(OSError):
        for entry in os.listdir(directory):
            if entry.startswith(_prefix(name)) and entry.endswith(".tmp"):
                os.unlink(os.path.join(directory, entry))


def _replace(path: str, content: bytes, old: os.stat_result) -> None:
    directory, name = os.path.split(path)
    beside = os.path.join(directory, f"{_prefix(name)}{os.getpid()}-{os.urandom(6).hex()}.tmp")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
    try:
        try:
            _write(descriptor, content)
            _make_like(descriptor, old)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(beside, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(beside)
        raise
    _sync_directory(directory)


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _make_like(descriptor: int, old: os.stat_result) -> None:
    """The owner first: changing it may take bits of the mode away."""
    if not hasattr(os, "fchown"):
        return  # Windows
    new = os.fstat(descriptor)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        with suppress(OSError):  # only root may give a file away
            os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))


def _sync_directory(directory: str) -> None:
    """So that a power cut cannot bring the old file back. The new one is in its place already, so a failure is none of ours."""
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
