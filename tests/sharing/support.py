"""A store in memory and the workers that share it."""

from __future__ import annotations

from datetime import timedelta

import attrs

from alicred import CachingProvider, Credential, RefreshMode, RefreshPolicy
from alicred.sharing import Busy, Record, SharedProvider, SharingPolicy, Stored, StoreKey
from alicred.testing import FakeClock
from tests.support import Recorder, Script

ZERO = timedelta(0)
INLINE = RefreshPolicy(mode=RefreshMode.INLINE, jitter=0)


@attrs.define
class Entry:
    record: Record | None = None
    saved_at: float = 0.0
    failures: int = 0
    busy_until: float = 0.0
    pausing: str | None = None
    holder: object = None


class Memory:
    """A store that does what the protocol says, and what else a test tells it to."""

    name = "memory"

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.entries: dict[str, Entry] = {}
        self.claims = 0
        self.away: Exception | None = None
        self.full: Exception | None = None
        self.answer: object = None

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> object:
        self.claims += 1
        if self.away is not None:
            raise self.away
        if self.answer is not None:
            return self.answer
        now, found = self.clock.monotonic(), self.entries.setdefault(entry, Entry())
        if found.record is not None and found.record.generation > newer_than:
            return Stored(found.record, timedelta(seconds=now - found.saved_at))
        if now < found.busy_until:
            return Busy(timedelta(seconds=found.busy_until - now), found.pausing)
        if not lease:
            return Busy(ZERO)
        return MemoryLease(self, found, now + lease.total_seconds())


class MemoryLease:
    def __init__(self, store: Memory, entry: Entry, until: float) -> None:
        self.store, self.entry = store, entry
        self.over = 0 if entry.record is None else entry.record.generation
        self.failures = entry.failures
        entry.holder, entry.busy_until, entry.pausing = self, until, None

    def save(self, record: Record) -> bool:
        if self.store.full is not None:
            raise self.store.full
        stored = 0 if self.entry.record is None else self.entry.record.generation
        if stored != self.over:
            return False
        self.entry.record, self.entry.saved_at, self.entry.failures = record, self.store.clock.monotonic(), 0
        if self.entry.holder is self:
            self.entry.busy_until = 0.0
        return True

    def end(self, *, pause: timedelta = ZERO, reason: str = "") -> None:
        if self.entry.holder is self:
            self.entry.busy_until = self.store.clock.monotonic() + pause.total_seconds()
            self.entry.failures += bool(pause)
            self.entry.pausing = reason if pause else None


class Fleet:
    """Workers that share a store, on one clock, each a cache of its own over the one service."""

    def __init__(self, *answers: object, **policy: object) -> None:
        self.clock = FakeClock()
        self.store = Memory(self.clock)
        self.key = StoreKey.generate()
        self.service = Script(*answers, clock=self.clock)
        self.policy = SharingPolicy(**policy)  # type: ignore[arg-type]
        self.heard = Recorder()

    def shared(self, **changes: object) -> SharedProvider:
        given = {"name": "reports", "key": self.key, "policy": self.policy, "clock": self.clock, "listener": self.heard, **changes}
        source = given.pop("source", self.service)
        return SharedProvider(source, self.store, **given)  # type: ignore[arg-type]

    def worker(self, refresh: RefreshPolicy = INLINE, **changes: object) -> CachingProvider[Credential]:
        return CachingProvider(self.shared(**changes), refresh=refresh, clock=self.clock, listener=self.heard)
