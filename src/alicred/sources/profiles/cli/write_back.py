"""Puts new values into one profile of the command line tool's file, so that neither a crash nor another writer can spoil it."""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar

from alicred._internal.file_lock import NotOpened, exclusive
from alicred._internal.files import shown
from alicred._internal.late import os
from alicred._internal.shortage import TEMPORARY, shortage
from alicred.errors import AlicredError, TransientError
from alicred.sources.profiles.cli.config import EMPTY, CliConfig

T = TypeVar("T")

_ABANDONED = 60.0  # seconds; as old is no new file that a living writer will put in its place
_MOST_ATTEMPTS = 20


class NotWrittenError(Exception):
    """The file is as it was. The text says why, and holds no secret."""


class SupersededError(NotWrittenError):
    """The profile is not what it was any more, and so the new values are out of date."""


def alone(path: str, work: Callable[[], T], *, create: bool, seconds: float) -> T:
    """What *work* returns, called while this call holds the lock of all that alicred does with the file at *path*.

    The lock is a file beside it, for the file itself is replaced. Where there is none and none can be made, *work* is called all the same:
    nothing can be written there either.

    Args:
        path: The file.
        work: What to do.
        create: Whether to make the file of the lock if it is not there.
        seconds: How long to wait for other threads and processes.

    Raises:
        Busy: They took longer.
        TransientError: The system cannot open the file of the lock now.
        ConfigurationError: It is none that can be trusted; the text names it.
    """
    lock = lock_file(path)
    try:
        return exclusive(lock, lambda _: work(), create=create, seconds=seconds, owner=_owner_of(path))
    except NotOpened as error:
        short = shortage(error.reason)
    if short is not None:
        raise TransientError(f"{shown(path)}: its login cannot be renewed now: {lock} cannot be opened: {short}", code=TEMPORARY)
    return work()


def lock_file(path: str) -> str:
    """The file whose lock `alone` holds."""
    directory, name = os.path.split(os.path.realpath(path))
    return os.path.join(directory, f".{name}.alicred.lock")


def _owner_of(path: str) -> int | None:
    try:
        return os.stat(path).st_uid
    except OSError:
        return None


def update(
    path: str, profile: str, changes: Mapping[str, str | int], *, still: Mapping[str, object], known: CliConfig | None = None
) -> CliConfig:
    """Make *changes* to the profile *profile* of the file at *path*, and to nothing else that it says. Call it within `alone`.

    The file is read again. The new content is written beside it, forced onto the disk, and put in its place in one step: a reader, also
    after a crash, finds the old file or the new one, whole. Its mode and, where the system lets us, its owner stay; where
    *path* is a symbolic link, the file that it leads to is replaced. Blocks for as long as the disk takes.

    Args:
        path: The file.
        profile: The profile; of two with the same name, the first.
        changes: The new values by their keys.
        still: What the profile must still say, with ``None`` for a key that is missing or empty. If it says anything else, another program
            has logged in again or changed the profile, and theirs stays.
        known: What the file said when it was last read, which spares parsing it if it says the same.

    Returns:
        What the file says now.

    Raises:
        NotWrittenError: The file is as it was.
        SupersededError: That is because the profile does not say what it must still say.
    """

    def change(config: CliConfig) -> CliConfig:
        return _changed(config, profile, changes, still)

    return _rewrite(path, change, known=known, create=False)


def put(
    path: str, profile: str, changes: Mapping[str, str | int | None], *, still: Mapping[str, object], make_current: bool = False
) -> CliConfig:
    """As `update`, for a login that has just been made: also if there is no profile, or no file.

    The file's mode is 0600 then, as the tool leaves it. Call it within `alone`.

    Args:
        path: The file.
        profile: The profile.
        changes: The new values by their keys; ``None`` takes a key away.
        still: What the profile must still say, as in `update`; one that is not there says nothing.
        make_current: Whether the file is to call it current, as it does anyway if it is the first one.

    Returns:
        What the file says now.

    Raises:
        NotWrittenError: The file is as it was.
        SupersededError: That is because the profile does not say what it must still say.
    """

    def change(config: CliConfig) -> CliConfig:
        _must_say(config.profiles.get(profile, {}), still)
        return config.with_changes(profile, changes, current=profile if make_current or not config.profiles else None)

    return _rewrite(path, change, known=None, create=True)


def _rewrite(path: str, change: Callable[[CliConfig], CliConfig], *, known: CliConfig | None, create: bool) -> CliConfig:
    path = os.path.realpath(path)
    try:
        for _ in range(_MOST_ATTEMPTS):
            seen = _seen(path, create)  # before it is read: what changes later shows
            old = CliConfig.read(path, known) if seen is not None else CliConfig.parse(EMPTY, path)
            new = change(old)
            if (new is old and seen is not None) or _replace(path, new.text.encode(), seen, private=create):
                return new
        reason = "other programs keep changing it"
    except AlicredError as error:
        reason = error.message
    except ValueError:
        reason = "it holds a number, or half a character, that no JSON text can"
    except (OSError, MemoryError) as error:
        reason = _words(error)
    raise NotWrittenError(reason)


def _seen(path: str, may_be_missing: bool) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        if may_be_missing:
            return None
        raise


def _words(error: OSError | MemoryError) -> str:
    if isinstance(error, FileNotFoundError):
        return "it is no longer there"
    return (error.strerror if isinstance(error, OSError) else None) or shortage(error) or type(error).__name__


def _changed(config: CliConfig, profile: str, changes: Mapping[str, str | int], still: Mapping[str, object]) -> CliConfig:
    values = config.profiles.get(profile)
    if values is None:
        raise SupersededError("the profile is no longer there")
    _must_say(values, still)
    return config.with_changes(profile, changes)


def _must_say(values: Mapping[str, object], still: Mapping[str, object]) -> None:
    if any((values.get(key) or None) != value for key, value in still.items()):
        raise SupersededError("the profile has been changed meanwhile, by a new login for example, and stays as it is now")


def _prefix(name: str) -> str:
    return f".{name}.alicred-"


def _remove_leftovers(path: str, now: float) -> None:
    """What writers left behind that were killed, and not what one is writing: there may be others, where the system has no locks."""
    directory, name = os.path.split(path)
    with suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            is_temporary = entry.name.startswith(_prefix(name)) and entry.name.endswith(".tmp")
            if is_temporary and now - entry.stat(follow_symlinks=False).st_mtime > _ABANDONED:
                os.unlink(entry.path)


def _replace(path: str, content: bytes, old: os.stat_result | None, *, private: bool) -> bool:
    """Put a file with *content* in the place of the *old* one; false if that has been changed by a writer that our lock does not stop.

    Args:
        path: Where.
        content: What is to stand there.
        old: What the file was when it was read; ``None`` if there was none.
        private: Whether it is for its owner alone, whatever the mode of the old one.
    """
    directory, name = os.path.split(path)
    beside = os.path.join(directory, f"{_prefix(name)}{os.getpid()}-{os.urandom(6).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)
    is_replaced = False
    try:
        with open(os.open(beside, flags, 0o600), "wb", buffering=0) as file:
            _write(file.fileno(), content)
            if old is not None:
                _make_like(file.fileno(), old)
            if private:
                _make_private(file.fileno())
            os.fsync(file.fileno())
            written_at = os.fstat(file.fileno()).st_mtime  # by the clock of the file system, which may be another machine's
        _remove_leftovers(path, written_at)
        if _version(_seen(path, True)) == _version(old):
            os.replace(beside, path)
            is_replaced = True
            _sync_directory(directory)
    finally:
        if not is_replaced:
            with suppress(OSError):
                os.unlink(beside)
    return is_replaced


def _version(of: os.stat_result | None) -> tuple[int, ...] | None:
    return of and (of.st_dev, of.st_ino, of.st_size, of.st_mtime_ns)


def _write(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _make_like(descriptor: int, old: os.stat_result) -> None:
    """Give the file the owner, the group and the mode of the *old* one. A class of users that is not the old one's gains no right.

    The owner first: changing it may take bits of the mode away.
    """
    if not hasattr(os, "fchown"):
        return  # Windows
    for owner in (old.st_uid, -1):
        new = os.fstat(descriptor)
        if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
            with suppress(OSError):  # only root may give a file away, but its owner may give it to a group that he is in
                os.fchown(descriptor, owner, old.st_gid)
    new = os.fstat(descriptor)
    mode = stat.S_IMODE(old.st_mode)
    if new.st_gid != old.st_gid:
        # Members of the old group are others now, and others may be members of the new one.
        group, others = (mode & stat.S_IRWXG) >> 3, mode & stat.S_IRWXO
        mode = mode & stat.S_IRWXU | group & others
    os.fchmod(descriptor, mode)


def _make_private(descriptor: int) -> None:
    if hasattr(os, "fchmod"):  # else this is Windows
        os.fchmod(descriptor, 0o600)


def _sync_directory(directory: str) -> None:
    """So that a power cut cannot bring the old file back. The new one is in its place already, so a failure is none of ours."""
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
