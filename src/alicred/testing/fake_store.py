"""A store of shared credentials in memory, which fails in every way that a store can."""

from __future__ import annotations

import errno
import os
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from weakref import WeakValueDictionary

import attrs

from alicred._internal import checks as check
from alicred._internal import forks
from alicred._internal.public import public
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.errors import ConfigurationError
from alicred.sharing.store import Busy, Lease, Record, Stored, refuse_nonsense

_ZERO = timedelta(0)
_here: WeakValueDictionary[str, FakeStore] = WeakValueDictionary()


@attrs.frozen(kw_only=True)
class _Held:
    """What is stored under an entry; all of it is replaced as one."""

    record: Record | None = None
    saved_at: float = 0.0
    before: _Held | None = None
    until: float = 0.0  # of the lease or the pause
    token: str = ""
    pausing: str | None = None
    failures: int = 0


@public("alicred.testing")
class FakeStore:
    """An `alicred.sharing.CredentialStore` in memory, for all who use this object in one process.

    Set an attribute to have it fail from now on; call a method to change what is stored.

    Thread- and fork-safe: a forked child goes its own way, without the leases of its parent. A pickle leads back to this object, within
    the process.

    Args:
        clock: By which leases, pauses and records end.
        name: What it is called in events.

    Attributes:
        away: An exception that every call raises; ``None``: none.
        latency: How long each call takes.
        full: Whether nothing can be saved: neither records nor pauses.
        late: Whether claims are not answered in time: each raises `TimeoutError`, and is executed by `catch_up`.
        age_off: How much older than they are records are said to be; below zero: younger.

    Raises:
        ConfigurationError: *clock* is none, or *name* no text.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK, *, name: str = "fake store") -> None:
        check.clock("FakeStore.clock", clock)
        self.name: str = check.text("FakeStore.name", name)
        self.away: Exception | None = None
        self.latency = _ZERO
        self.full = False
        self.late = False
        self.age_off = _ZERO
        self._clock = clock
        self._entries: dict[str, _Held] = {}
        self._calls: list[tuple[str, str]] = []
        self._waiting: list[Callable[[], object]] = []
        self._id = secrets.token_hex(8)
        self._renew_lock()
        forks.watch(self, FakeStore._renew_lock)
        _here[self._id] = self

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    # The protocol

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        """See `alicred.sharing.CredentialStore`."""
        self._begin("claim", entry)
        if self.late:
            self._waiting.append(lambda: self._claim(entry, newer_than, lease))
            raise TimeoutError(f"{self.name} does not answer")
        return self._claim(entry, newer_than, lease)

    def _claim(self, entry: str, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        with self._lock:
            now, held = self._clock.monotonic(), self._held(entry)
            if held.record is not None and held.record.generation > newer_than:
                return Stored(held.record, timedelta(seconds=now - held.saved_at) + self.age_off)
            if now < held.until:
                return Busy(timedelta(seconds=held.until - now), held.pausing)
            if lease <= _ZERO:
                return Busy(_ZERO)
            token = secrets.token_hex(8)
            self._entries[entry] = attrs.evolve(held, until=now + lease.total_seconds(), token=token, pausing=None)
            over = 0 if held.record is None else held.record.generation
            return _FakeLease(self, entry, token, over, held.failures)

    def _held(self, entry: str) -> _Held:
        """What is there, without a record that has ended."""
        held = self._entries.get(entry, _Held())
        if held.record is not None and self._clock.monotonic() - held.saved_at >= held.record.keep.total_seconds():
            return attrs.evolve(held, record=None)
        return held

    def _save(self, entry: str, token: str, over: int, record: Record) -> bool:
        refuse_nonsense(record, over)
        self._begin("save", entry)
        self._must_not_be_full()
        with self._lock:
            held = self._held(entry)
            if held.record is not None and held.record.generation > over:
                return False
            until = 0.0 if held.token == token or held.pausing is not None else held.until
            before = attrs.evolve(held, before=None, until=0.0, token="", pausing=None)
            self._entries[entry] = _Held(
                record=record, saved_at=self._clock.monotonic(), before=before, until=until, token=held.token if until else ""
            )
            return True

    def _end(self, entry: str, token: str, pause: timedelta, reason: str) -> None:
        self._begin("end", entry)
        if pause > _ZERO:
            self._must_not_be_full()
        with self._lock:
            held = self._held(entry)
            if held.token != token:
                return
            ended = attrs.evolve(held, until=0.0, token="", pausing=None)
            if pause > _ZERO:
                until = self._clock.monotonic() + pause.total_seconds()
                ended = attrs.evolve(ended, until=until, pausing=reason, failures=held.failures + 1)
            self._entries[entry] = ended

    def _begin(self, call: str, entry: str) -> None:
        with self._lock:
            self._calls.append((call, entry))
        if self.latency > _ZERO:
            self._clock.sleep(self.latency)
        if self.away is not None:
            raise self.away

    def _must_not_be_full(self) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    # What a test looks at, and does

    @property
    def calls(self) -> tuple[tuple[str, str], ...]:
        """Every call so far: ``claim``, ``save`` or ``end``, and the entry."""
        return tuple(self._calls)

    @property
    def records(self) -> Mapping[str, Record]:
        """What is stored now, by entry."""
        with self._lock:
            found = {entry: self._held(entry).record for entry in self._entries}
        return {entry: record for entry, record in found.items() if record is not None}

    def catch_up(self) -> None:
        """Answer in time again, and execute the claims that were not answered: a lease that one takes is held by no caller who knows."""
        self.late = False
        waiting, self._waiting = self._waiting, []
        for claim in waiting:
            claim()

    def clear(self) -> None:
        """Forget everything that is stored: records, leases, pauses and failures."""
        with self._lock:
            self._entries.clear()

    def spoil(self) -> None:
        """Put garbage in the place of what every record holds, under the same generation."""
        self._change(lambda held, record: attrs.evolve(held, record=attrs.evolve(record, sealed=secrets.token_bytes(len(record.sealed)))))

    def renumber(self, generation: int) -> None:
        """Give every record that generation, whatever it is."""
        self._change(lambda held, record: attrs.evolve(held, record=attrs.evolve(record, generation=generation)))

    def roll_back(self) -> None:
        """Bring back the record before the last one, of every entry that had one: a fail-over that has lost a write."""
        self._change(lambda held, _: held.before if held.before is not None and held.before.record is not None else held)

    def swap(self, first: str, second: str) -> None:
        """Exchange what is stored under two entries: a mixed-up answer."""
        with self._lock:
            here = self._entries
            here[first], here[second] = here.get(second, _Held()), here.get(first, _Held())

    def _change(self, change: Callable[[_Held, Record], _Held]) -> None:
        with self._lock:
            for entry, held in list(self._entries.items()):
                if held.record is not None:
                    self._entries[entry] = change(held, held.record)

    def __repr__(self) -> str:
        return f"<FakeStore {self.name!r} with {len(self._entries)} entries>"

    def __reduce__(self) -> tuple[Callable[[str], FakeStore], tuple[str]]:
        return found_again, (self._id,)


@public("alicred.testing.fake_store")
def found_again(identifier: str) -> FakeStore:
    """The store that a pickle leads to.

    Raises:
        ConfigurationError: It is not in this process.
    """
    store = _here.get(identifier)
    if store is None:
        raise ConfigurationError("a FakeStore is in one process, and this is another. Use a FileStore to share between processes")
    return store


class _FakeLease:
    """A lease of a `FakeStore`."""

    def __init__(self, store: FakeStore, entry: str, token: str, over: int, failures: int) -> None:
        self._store = store
        self._entry = entry
        self._token = token
        self._pid = os.getpid()
        self._is_used = False
        self.over = over
        self.failures = failures

    def save(self, record: Record) -> bool:
        if self._is_used or self._pid != os.getpid():
            return False
        saved = self._store._save(self._entry, self._token, self.over, record)  # pyright: ignore[reportPrivateUsage]  # its own
        self._is_used = True
        return saved

    def end(self, *, pause: timedelta = _ZERO, reason: str = "") -> None:
        if not self._is_used and self._pid == os.getpid():
            self._is_used = True
            self._store._end(self._entry, self._token, pause, reason)  # pyright: ignore[reportPrivateUsage]  # its own
