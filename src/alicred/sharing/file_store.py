"""A store of shared credentials in a directory, for the processes of one machine.

Of each entry there is the record, ``<entry>``, and the lease, ``<entry>.lock``. Both are only ever replaced whole, by a rename, so that a
reader finds the old one or the new one. Who holds a lease holds the `flock` of the file that stands at ``<entry>.lock``: it ends with its
process. What the file says (since when, for how long, or which pause is kept) never changes while it stands there.

* To take a lease is to lock ``<entry>.lock.new``, which one caller can, to look again, to fill it, and to rename it to ``<entry>.lock``.
* A holder that is over its lease, since it was stopped, still has its lock. It is superseded in the same way: another file takes the place.
* A holder writes what it saves beside, under a name made of its lock's inode, checks that its lock still stands there, and renames. Its
  successor removes that name **after** it has put its own lock in place. So a holder that was stopped anywhere in between cannot put an
  older record over a newer one: either its check fails, or its rename.

Nothing here waits, and a process that is stopped between any two steps holds the others up for `_STUCK` seconds, or for its lease.
"""

from __future__ import annotations

import errno
import json
import re
import stat
import sys
import time
import zlib
from contextlib import suppress
from datetime import timedelta
from functools import cache
from io import FileIO
from math import isfinite
from typing import cast

import attrs

import alicred._internal.checks as check
from alicred._internal.file_lock import close_copies, is_at, unlock, watched
from alicred._internal.files import expand, shown
from alicred._internal.late import os
from alicred._internal.public import public
from alicred._internal.random import draw
from alicred._internal.real_time import monotonic
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.errors import ConfigurationError
from alicred.sharing.private_directory import default_directory, prepare
from alicred.sharing.store import LARGEST_GENERATION, LARGEST_RECORD, Busy, Lease, Record, Stored, refuse_nonsense

if sys.platform != "win32":
    import fcntl

_ZERO = timedelta(0)
_LONGEST = timedelta(days=1)  # no lease and no pause is longer, whatever a file says
_LONGEST_REASON = 64
_LONGEST_HEAD = 1024  # bytes of JSON before the record; a lock has no more either
_STUCK = 2.0  # seconds after which a caller that is about to take the lease has been stopped, or is gone
_TRIES = 10
_SWEEP_EVERY = 600.0  # seconds between two looks at the entries of others
_SWEEP_FOR = 0.1  # seconds
_FORGOTTEN = 24 * 3600.0  # seconds after which a file that belongs to no record is removed
_ENTRY = re.compile("[0-9a-f]{40}")
_NO_REGULAR_FILE = (errno.ELOOP, errno.EMLINK, errno.ENXIO, errno.EISDIR)  # a link, as Linux and the BSDs say it, a socket, a directory
_FLAGS = sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY"))
_BOOT = "/proc/sys/kernel/random/boot_id"
_TIME_NAMESPACE = "/proc/self/ns/time"


@attrs.frozen
class _Moment:
    """When something was written: on the clock that counts since the machine was started, on which start, and by the wall clock."""

    boot: str
    running: float
    wall: float

    def age(self, now: _Moment) -> float | None:
        """Seconds until *now*; ``None`` if the clocks do not tell, since one was set back."""
        age = now.running - self.running if self.boot and self.boot == now.boot else now.wall - self.wall
        return age if age >= 0 else None


@attrs.frozen
class _Saved:
    """What stands at ``<entry>``."""

    record: Record
    at: _Moment

    def age(self, now: _Moment) -> float | None:
        """Seconds since it was saved; ``None`` if it has ended, or if that cannot be told."""
        age = self.at.age(now)
        return age if age is not None and age < self.record.keep.total_seconds() else None


@attrs.frozen(kw_only=True)
class _Note:
    """What a lock says: a lease or a pause.

    Args:
        at: Since when.
        seconds: For how long.
        pausing: The reason of a pause; ``None``: it is a lease.
        over: The generation that was stored. If a newer one is there, nothing of this holds.
        failures: In a row, up to now.
    """

    at: _Moment
    seconds: float
    pausing: str | None
    over: int
    failures: int

    def left(self, now: _Moment) -> float:
        """Seconds; zero or less if it is over."""
        age = self.at.age(now)
        return 0.0 if age is None else min(self.seconds, _LONGEST.total_seconds()) - age


@attrs.frozen
class _Look:
    """What stands at ``<entry>.lock``."""

    inode: int | None = None
    is_held: bool = False
    note: _Note | None = None
    modified: float = 0.0


@attrs.frozen
class _Paths:
    """The files of one entry."""

    record: str
    lock: str
    candidate: str

    @classmethod
    def of(cls, directory: str, entry: str) -> _Paths:
        record = os.path.join(directory, entry)
        return cls(record, f"{record}.lock", f"{record}.lock.new")

    def beside(self, inode: int) -> str:
        """Where the holder of the lock with that *inode* writes what it is going to put in place."""
        return f"{self.record}.{inode}.new"


@public("alicred.sharing")
class FileStore:
    """A directory in which the processes of one machine and one user share credentials. POSIX only.

    A lease is a lock that the system ends with its process, so that a worker which is killed holds up no other. Ages are measured on the
    machine's own clock. Nothing is made, opened or read before the first `claim`; whatever is wrong with the files (full, read-only, gone)
    is raised as an `OSError`, and files that make no sense count as absent. On network file systems locks may not work: use a `RedisStore`.

    Thread-, task- and fork-safe: a forked child holds no lease of its parent's. A pickle takes the configuration along.

    Args:
        directory: Where. It is made if it is not there; it must be this user's alone (mode 0700), and no other user may be able to change
            a directory above it. If ``None``: ``$XDG_RUNTIME_DIR/alicred``, without that variable ``~/.cache/alicred``.
        clock: Where the time comes from; the same for all workers of the directory.

    Raises:
        ConfigurationError: *directory* is no path, or the system has no such locks (Windows).
    """

    def __init__(self, directory: str | os.PathLike[str] | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        if sys.platform == "win32":
            raise ConfigurationError("FileStore needs a POSIX system, whose locks end with their process. Use a RedisStore")
        check.clock("FileStore.clock", clock)
        given = None if directory is None else check.path("FileStore.directory", directory)
        self._given = given if given is None or given.startswith("~") else os.path.abspath(given)
        self._clock = clock
        self._begin()

    def _begin(self) -> None:
        self._swept_at: float | None = None

    @property
    def name(self) -> str:
        """``directory`` and its path."""
        try:
            return f"directory {shown(self._directory())}"
        except ConfigurationError:
            return "directory"

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        """See `CredentialStore.claim`.

        Raises:
            ConfigurationError: Other users could change what is in the directory; the text says what to change.
            OSError: The files cannot be read, or the lease cannot be written.
        """
        if not _ENTRY.fullmatch(entry):
            raise ConfigurationError("FileStore.claim: entry must be 40 hex digits, as SharedProvider.entry is")
        close_copies()
        directory = self._directory()
        prepare(directory)
        said = _claim(_Paths.of(directory, entry), newer_than, lease, self._clock)
        if isinstance(said, _FileLease):
            self._sweep(directory, entry)
        return said

    def _directory(self) -> str:
        return default_directory() if self._given is None else expand(self._given, os.environ)

    def _sweep(self, directory: str, own: str) -> None:
        """Remove what has ended of other entries: now and then, and for a moment."""
        now = monotonic()
        if self._swept_at is not None and now - self._swept_at < _SWEEP_EVERY:
            return
        self._swept_at = now
        with suppress(OSError):
            names = sorted(os.listdir(directory))
            first = int(draw() * len(names))
            for name in names[first:] + names[:first]:
                if monotonic() - now > _SWEEP_FOR:
                    return
                entry = name[:40]
                if entry != own and _ENTRY.fullmatch(entry):
                    _remove_if_over(_Paths.of(directory, entry), os.path.join(directory, name), self._clock)

    def __repr__(self) -> str:
        return f"<FileStore in the {self.name}>"

    def __getstate__(self) -> tuple[str | None, Clock]:
        return self._given, self._clock

    def __setstate__(self, state: tuple[str | None, Clock]) -> None:
        self._given, self._clock = state
        self._begin()


class _FileLease:
    """A lease: the lock of the file that stands at ``<entry>.lock``. It is given back when this object goes, too."""

    def __init__(self, file: FileIO, paths: _Paths, note: _Note, clock: Clock) -> None:
        self._pid = os.getpid()
        self._file = file
        self._paths = paths
        self._note = note
        self._clock = clock

    @property
    def over(self) -> int:
        return self._note.over

    @property
    def failures(self) -> int:
        return self._note.failures

    def save(self, record: Record) -> bool:
        refuse_nonsense(record, self.over)
        if not self._is_own():
            return False
        try:
            return self._replace(self._paths.record, _record_bytes(record, _now(self._clock)))
        finally:
            self.release()

    def end(self, *, pause: timedelta = _ZERO, reason: str = "") -> None:
        if not self._is_own():
            return
        try:
            if pause > _ZERO:
                note = attrs.evolve(
                    self._note, at=_now(self._clock), seconds=pause.total_seconds(), pausing=_plain(reason), failures=self.failures + 1
                )
                self._replace(self._paths.lock, _note_bytes(note))
        finally:
            self.release()

    def release(self) -> None:
        """Give the lock back. A child that has got a copy by a fork closes that, and the lock stays its parent's."""
        if self._pid == os.getpid():
            unlock(self._file)
        self._file.close()

    def _is_own(self) -> bool:
        """Whether it is still to be used: it was not, and this is no child of the process that holds it."""
        return self._pid == os.getpid() and not self._file.closed

    def _replace(self, path: str, content: bytes) -> bool:
        """Put a file with *content* at *path*; false if this lease has been superseded, or a newer record is there."""
        beside = self._paths.beside(os.fstat(self._file.fileno()).st_ino)
        _remove(beside)  # another lock's, which has had this inode
        with _opened(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
            try:
                _write(file, content)
                # In this order: see above, in the module's own words.
                if is_at(self._paths.lock, self._file.fileno()) and _generation(_saved(self._paths.record)) <= self.over:
                    os.rename(beside, path)
                    return True
            except FileNotFoundError:
                if is_at(self._paths.lock, self._file.fileno()):
                    raise  # the directory is gone, or the like
            finally:
                with suppress(OSError):
                    _remove(beside)
        return False

    def __del__(self) -> None:
        file = getattr(self, "_file", None)
        if file is not None and not file.closed:
            self.release()


# The steps of a claim


def _claim(paths: _Paths, newer_than: int, lease: timedelta, clock: Clock) -> Stored | _FileLease | Busy:
    said = _answer(paths, newer_than, clock)
    if not isinstance(said, _Look):
        return said
    if lease <= _ZERO:
        return Busy(_ZERO)
    for _ in range(_TRIES):
        file = _candidate(paths.candidate)
        taken = None
        try:
            taken = _taken(file, paths, newer_than, min(lease, _LONGEST), clock)
        finally:
            if not isinstance(taken, _FileLease):
                unlock(file)
                file.close()
        if taken is not None:
            return taken
    return Busy(lease)


def _answer(paths: _Paths, newer_than: int, clock: Clock) -> Stored | Busy | _Look:
    """A newer record, or who has the lease; what was seen there if it can be taken."""
    now = _now(clock)
    saved = _saved(paths.record)
    if (stored := _newer(saved, newer_than, now)) is not None:
        return stored
    look = _look(paths.lock)
    if look.note is not None and _generation(saved) > look.note.over:
        look = attrs.evolve(look, note=attrs.evolve(look.note, failures=0, pausing=None))  # there was a success since
    note = look.note
    if note is None:
        left = look.modified + _STUCK - _real_time() if look.is_held else 0.0
    else:
        left = note.left(now) if look.is_held or note.pausing is not None else 0.0
    if left > 0:
        return Busy(timedelta(seconds=left), None if note is None else note.pausing)
    return look


def _taken(file: FileIO, paths: _Paths, newer_than: int, lease: timedelta, clock: Clock) -> Stored | _FileLease | Busy | None:
    """The lease, with *file* as its lock, or why there is none; ``None``: another caller came in between, so try again."""
    if not _locked(file):
        if _real_time() - os.fstat(file.fileno()).st_mtime <= _STUCK:
            return Busy(lease)  # another caller is just taking it
        _remove(paths.candidate)
        return None
    os.utime(file.fileno())  # it may have been left behind, long ago
    is_placed = False
    try:
        if not is_at(paths.candidate, file.fileno()):
            return None  # it became the lock, or was removed
        said = _answer(paths, newer_than, clock)  # no other caller takes the lease now
        if not isinstance(said, _Look):
            return said
        failures = 0 if said.note is None else said.note.failures
        over = _generation(_saved(paths.record))
        note = _Note(at=_now(clock), seconds=lease.total_seconds(), pausing=None, over=over, failures=failures)
        os.ftruncate(file.fileno(), 0)
        _write(file, _note_bytes(note))
        if not is_at(paths.candidate, file.fileno()):
            return None  # this process was stopped for so long that another one did not wait
        os.rename(paths.candidate, paths.lock)
        is_placed = True
    except FileNotFoundError:
        if os.path.isdir(os.path.dirname(paths.lock)):
            return None
        raise
    finally:
        if not is_placed and is_at(paths.candidate, file.fileno()):
            _remove(paths.candidate)
    if said.inode is not None:
        _remove(paths.beside(said.inode))  # from now on its holder, if there is one, can put nothing in place
    if not is_at(paths.lock, file.fileno()):
        return None  # until then it could: a pause
    saved = _saved(paths.record)  # or a record
    generation = _generation(saved)
    if generation > over:
        note = attrs.evolve(note, over=generation, failures=0)
    return _newer(saved, newer_than, _now(clock)) or _FileLease(file, paths, note, clock)


def _newer(saved: _Saved | None, newer_than: int, now: _Moment) -> Stored | None:
    if saved is None or saved.record.generation <= newer_than:
        return None
    age = saved.age(now)
    return None if age is None else Stored(saved.record, timedelta(seconds=age))


def _generation(saved: _Saved | None) -> int:
    return 0 if saved is None else saved.record.generation


def _remove_if_over(paths: _Paths, found: str, clock: Clock) -> None:
    """Remove the file *found* of an entry if it is of no use any more."""
    try:
        is_old = _real_time() - os.lstat(found).st_mtime > _FORGOTTEN
    except FileNotFoundError:
        return
    if found not in (paths.record, paths.lock):
        if is_old:  # left behind by a process that was killed
            _remove(found)
        return
    saved = _saved(paths.record)
    if found == paths.record:
        is_over = is_old if saved is None else saved.age(_now(clock)) is None
    else:
        is_over = is_old and not os.path.lexists(paths.record)
    if is_over:
        lease = _claim(paths, LARGEST_GENERATION, timedelta(seconds=_STUCK), clock)
        if isinstance(lease, _FileLease):
            if _generation(_saved(paths.record)) == _generation(saved):
                _remove(found)
            lease.release()


# Locks


def _candidate(path: str) -> FileIO:
    """The file that may become the lock. Not locked yet."""
    for _ in range(_TRIES):
        try:
            file = _opened(path, os.O_RDWR | os.O_CREAT)
        except OSError as error:
            if error.errno not in _NO_REGULAR_FILE:
                raise
        else:
            if stat.S_ISREG(watched(file).st_mode):
                return file
            file.close()
        _remove(path)
    raise OSError(errno.ELOOP, "it is no regular file, and cannot be removed", path)


def _locked(file: FileIO, how: int | None = None) -> bool:
    try:
        fcntl.flock(file.fileno(), (fcntl.LOCK_EX if how is None else how) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _look(path: str) -> _Look:
    """What stands there, and whether its lock is held."""
    for _ in range(_TRIES):
        file = _opened_to_read(path)
        if file is None:
            return _Look()
        with file:
            found = os.fstat(file.fileno())
            if not _locked(file, fcntl.LOCK_SH):
                is_held = True
            else:
                is_held = False
                fcntl.flock(file.fileno(), fcntl.LOCK_UN)
            if is_at(path, file.fileno()):
                content = _content(file, _LONGEST_HEAD)
                return _Look(found.st_ino, is_held, _note_of(content), found.st_mtime)
    return _Look()


# Files


def _opened(path: str, flags: int) -> FileIO:
    return open(path, "wb" if flags & os.O_WRONLY else "r+b", buffering=0, opener=lambda name, _: os.open(name, flags | _FLAGS, 0o600))


def _opened_to_read(path: str) -> FileIO | None:
    """The file at *path*; ``None`` if there is none, or none of this user's that can be read."""
    try:
        file = open(path, "rb", buffering=0, opener=lambda name, _: os.open(name, os.O_RDONLY | _FLAGS))  # noqa: SIM115  (returned)
    except OSError as error:
        if error.errno == errno.ENOENT or error.errno in _NO_REGULAR_FILE:
            return None
        raise
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
        file.close()
        return None
    return file


def _content(file: FileIO, most: int) -> bytes:
    """All of it; nothing if it is more than *most* bytes."""
    content = bytearray()
    while chunk := os.read(file.fileno(), most + 1 - len(content)):
        content += chunk
    return bytes(content) if len(content) <= most else b""


def _write(file: FileIO, content: bytes) -> None:
    rest = memoryview(content)
    while rest:  # the system may take a part
        rest = rest[os.write(file.fileno(), rest) :]


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(path)


def _real_time() -> float:
    """The clock of the files' own times, also while a test tool has frozen time."""
    return time.clock_gettime(time.CLOCK_REALTIME)


# What stands in them


def _now(clock: Clock) -> _Moment:
    return _Moment(_boot(), clock.monotonic(), clock.utcnow().timestamp())


@cache
def _boot() -> str:
    """Which start of the machine this is, and in which of its time namespaces; nothing where the system does not say."""
    try:
        with open(_BOOT, encoding="ascii") as file:
            boot = file.read().strip()
    except OSError:
        return ""
    with suppress(OSError):
        boot += " " + os.readlink(_TIME_NAMESPACE)
    return boot


def _record_bytes(record: Record, now: _Moment) -> bytes:
    return (
        _json(
            generation=record.generation,
            keep=record.keep.total_seconds(),
            **attrs.asdict(now),
            size=len(record.sealed),
            crc=zlib.crc32(record.sealed),
        )
        + record.sealed
    )


def _saved(path: str) -> _Saved | None:
    """The record at *path*; ``None`` if there is none, or none that makes sense."""
    file = _opened_to_read(path)
    if file is None:
        return None
    with file:
        content = _content(file, _LONGEST_HEAD + LARGEST_RECORD)
    head, _, sealed = content.partition(b"\n")
    try:
        said = _Line(head)
        generation = said.whole("generation")
        is_sane = 0 < generation < LARGEST_GENERATION and len(sealed) == said.whole("size") <= LARGEST_RECORD
        if not is_sane or zlib.crc32(sealed) != said.whole("crc"):  # a power cut may leave less than was written
            return None
        keep = timedelta(seconds=said.number("keep"))
        return _Saved(Record(generation=generation, sealed=sealed, keep=keep), said.moment())
    except _NO_SENSE:
        return None


def _note_bytes(note: _Note) -> bytes:
    return _json(**attrs.asdict(note.at), seconds=note.seconds, pausing=note.pausing, over=note.over, failures=note.failures)


def _note_of(content: bytes) -> _Note | None:
    try:
        said = _Line(content)
        return _Note(
            at=said.moment(),
            seconds=said.number("seconds"),
            pausing=said.reason(),
            over=said.whole("over"),
            failures=max(0, said.whole("failures")),
        )
    except _NO_SENSE:
        return None


_NO_SENSE = (ValueError, KeyError, OverflowError, RecursionError)


class _Line:
    """What a line of JSON says. What is missing or of another type is one of the errors `_NO_SENSE`."""

    def __init__(self, content: bytes) -> None:
        found: object = json.loads(content)
        if not isinstance(found, dict):
            raise ValueError
        self._values = cast("dict[str, object]", found)

    def text(self, name: str) -> str:
        value = self._values[name]
        if not isinstance(value, str):
            raise ValueError
        return value

    def reason(self) -> str | None:
        return None if self._values["pausing"] is None else _plain(self.text("pausing"))

    def number(self, name: str) -> float:
        value = self._values[name]
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            raise ValueError
        return float(value)

    def whole(self, name: str) -> int:
        value = self._values[name]
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError
        return value

    def moment(self) -> _Moment:
        return _Moment(self.text("boot"), self.number("running"), self.number("wall"))


def _json(**values: str | float | None) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode("ascii") + b"\n"


def _plain(reason: str) -> str:
    return "".join(each for each in reason if each.isascii() and each.isprintable())[:_LONGEST_REASON]
