"""Stores that each break one promise, and the check that must find it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs

from alicred.sharing import Busy, CredentialStore, Lease, Record, Stored
from alicred.testing import FakeClock, FakeStore

ZERO = timedelta(0)


class Around:
    """A store around a good one. Subclasses change what passes through."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.store = FakeStore(clock)
        self.name = "broken"

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        said = self.store.claim(entry, newer_than=newer_than, lease=lease)
        return said if isinstance(said, (Stored, Busy)) else self.lease(said, entry)

    def lease(self, lease: Lease, entry: str) -> Lease:
        return lease


class AroundLease:
    def __init__(self, lease: Lease, store: Around, entry: str) -> None:
        self.inner = lease
        self.store = store
        self.entry = entry
        self.over = lease.over
        self.failures = lease.failures

    def save(self, record: Record) -> bool:
        return self.inner.save(record)

    def end(self, *, pause: timedelta = ZERO, reason: str = "") -> None:
        self.inner.end(pause=pause, reason=reason)


class Nameless(Around):
    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.name = ""


class Renamed(Around):
    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        self.name = "once used"
        return super().claim(entry, newer_than=newer_than, lease=lease)


class WithoutName(Around):
    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        del self.name


class LeasesAll(Around):
    """Everyone gets a lease."""

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        said = super().claim(entry, newer_than=newer_than, lease=lease)
        if isinstance(said, Busy) and said.pausing is None:
            return self.lease(self.store.claim("f" * 40, newer_than=2**60, lease=timedelta(microseconds=1)), entry)  # type: ignore[arg-type]
        return said


class SaysForEver(Around):
    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        said = super().claim(entry, newer_than=newer_than, lease=lease)
        return attrs.evolve(said, left=timedelta(days=365)) if isinstance(said, Busy) else said


class SaysNothingIsLeft(Around):
    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        said = super().claim(entry, newer_than=newer_than, lease=lease)
        return attrs.evolve(said, left=ZERO) if isinstance(said, Busy) else said


class Racy(Around):
    """Looks first and takes later."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.seen: set[str] = set()

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        if entry in self.seen:
            return super().claim(entry, newer_than=newer_than, lease=lease)
        threading.Event().wait(0.2)
        self.seen.add(entry)
        return self.lease(FakeStore(self.clock).claim(entry, newer_than=newer_than, lease=lease), entry)  # type: ignore[arg-type]


class TakesWhenItLooks(Around):
    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        said = super().claim(entry, newer_than=newer_than, lease=max(lease, timedelta(minutes=1)))
        return said if lease or isinstance(said, (Stored, Busy)) else Busy(ZERO)


class LeasesForNothing(Around):
    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        return super().claim(entry, newer_than=newer_than, lease=max(lease, timedelta(minutes=1)))


class AsText(Around):
    """Keeps texts."""

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        said = super().claim(entry, newer_than=newer_than, lease=lease)
        if isinstance(said, Stored):
            text = said.record.sealed.decode("utf-8", "replace").replace("\r\n", "\n")
            return attrs.evolve(said, record=attrs.evolve(said.record, sealed=text.encode()))
        return said


class AnswersTheSame(Around):
    """Also what the caller has."""

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        return super().claim(entry, newer_than=newer_than - 1, lease=lease)


class ForgetsWhatIsOver(Around):
    def lease(self, lease: Lease, entry: str) -> Lease:
        lease.over = 0  # type: ignore[misc]
        return lease


class AlwaysNew(Around):
    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        said = super().claim(entry, newer_than=newer_than, lease=lease)
        return attrs.evolve(said, age=ZERO) if isinstance(said, Stored) else said


class SecondsForMilliseconds(AlwaysNew):
    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        said = Around.claim(self, entry, newer_than=newer_than, lease=lease)
        return attrs.evolve(said, age=said.age * 1000) if isinstance(said, Stored) else said


class LeasesForEver(Around):
    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        return super().claim(entry, newer_than=newer_than, lease=lease and timedelta(days=1))


class EndsTheLeaseOfAnyone(Around):
    """Whoever holds it."""

    def lease(self, lease: Lease, entry: str) -> Lease:
        class Ends(AroundLease):
            def end(self, *, pause: timedelta = ZERO, reason: str = "") -> None:
                self.inner.end(pause=pause, reason=reason)
                self.store.store.clear()

        return Ends(lease, self, entry)


class NeverEnds(Around):
    def lease(self, lease: Lease, entry: str) -> Lease:
        class Never(AroundLease):
            def end(self, *, pause: timedelta = ZERO, reason: str = "") -> None:
                pass

        return Never(lease, self, entry)


class SaveKeepsTheLease(Around):
    def lease(self, lease: Lease, entry: str) -> Lease:
        class Keeps(AroundLease):
            def save(self, record: Record) -> bool:
                saved = self.inner.save(record)
                self.store.store.claim(self.entry, newer_than=2**60, lease=timedelta(hours=1))
                return saved

        return Keeps(lease, self, entry)


class LastWins(Around):
    """A save replaces whatever is there."""

    def lease(self, lease: Lease, entry: str) -> Lease:
        class Last(AroundLease):
            def save(self, record: Record) -> bool:
                self.store.store.clear()
                other = self.store.store.claim(self.entry, newer_than=0, lease=timedelta(hours=1))
                assert not isinstance(other, (Stored, Busy))
                return other.save(record)

        return Last(lease, self, entry)


class SaysItHasSaved(Around):
    def lease(self, lease: Lease, entry: str) -> Lease:
        class Says(AroundLease):
            def save(self, record: Record) -> bool:
                self.inner.save(record)
                return True

        return Says(lease, self, entry)


class RefusesAllThatIsLate(Around):
    """And the new holder, after a late one has tried."""

    def lease(self, lease: Lease, entry: str) -> Lease:
        end = self.clock.monotonic() + 1

        class Refuses(AroundLease):
            def save(self, record: Record) -> bool:
                return False

        return Refuses(lease, self, entry) if end else lease


class TakesAllReasons(Around):
    """Says nothing of a pause."""

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        said = super().claim(entry, newer_than=newer_than, lease=lease)
        return attrs.evolve(said, pausing=None) if isinstance(said, Busy) else said


class PausesNot(Around):
    def lease(self, lease: Lease, entry: str) -> Lease:
        class PausesNever(AroundLease):
            def end(self, *, pause: timedelta = ZERO, reason: str = "") -> None:
                self.inner.end(pause=timedelta(microseconds=1), reason=reason)
                self.store.clock.advance(timedelta(seconds=0.001))

        return PausesNever(lease, self, entry)


class PausesInSeconds(Around):
    """Rounds down."""

    def lease(self, lease: Lease, entry: str) -> Lease:
        class Rounds(AroundLease):
            def end(self, *, pause: timedelta = ZERO, reason: str = "") -> None:
                self.inner.end(pause=pause / 1000, reason=reason)

        return Rounds(lease, self, entry)


class CountsOne(Around):
    def lease(self, lease: Lease, entry: str) -> Lease:
        lease.failures = min(lease.failures, 1)  # type: ignore[misc]
        return lease


class ForgetsAtEveryEnd(Around):
    def lease(self, lease: Lease, entry: str) -> Lease:
        class Forgets(AroundLease):
            def end(self, *, pause: timedelta = ZERO, reason: str = "") -> None:
                self.inner.end(pause=pause, reason=reason)
                if not pause:
                    self.store.store.clear()

        return Forgets(lease, self, entry)


class CountsForEver(Around):
    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.count = 0

    def lease(self, lease: Lease, entry: str) -> Lease:
        class Counts(AroundLease):
            def end(self, *, pause: timedelta = ZERO, reason: str = "") -> None:
                self.store.count += bool(pause)  # type: ignore[attr-defined]
                self.inner.end(pause=pause, reason=reason)

        counts = Counts(lease, self, entry)
        counts.failures = self.count
        return counts


class KeepsForEver(Around):
    def lease(self, lease: Lease, entry: str) -> Lease:
        class Keeps(AroundLease):
            def save(self, record: Record) -> bool:
                return self.inner.save(attrs.evolve(record, keep=max(record.keep, timedelta(hours=1))))

        return Keeps(lease, self, entry)


class OneForAll(Around):
    """Has one entry only."""

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        return super().claim("a" * 40, newer_than=newer_than, lease=lease)


class Narrow(Around):
    """Cuts what is too long for it."""

    def lease(self, lease: Lease, entry: str) -> Lease:
        class Cuts(AroundLease):
            def save(self, record: Record) -> bool:
                return self.inner.save(attrs.evolve(record, sealed=record.sealed[:10000]))

        return Cuts(lease, self, entry)


class Unchecked(Around):
    """Keeps anything."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.anything: dict[str, Record] = {}

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        if entry in self.anything:
            return Stored(self.anything[entry], ZERO)
        return super().claim(entry, newer_than=newer_than, lease=lease)

    def lease(self, lease: Lease, entry: str) -> Lease:
        class Keeps(AroundLease):
            def save(self, record: Record) -> bool:
                try:
                    return self.inner.save(record)
                except Exception:
                    self.store.anything[self.entry] = record  # type: ignore[attr-defined]
                    return True

        return Keeps(lease, self, entry)


class Unpicklable(Around):
    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.lock = threading.Lock()


class CopiedWithWhatIsInIt(Around):
    """A pickled copy is another store."""

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.clock,)


class FreeInAChild(Around):
    """A child begins with nothing held."""

    def __init__(self, clock: FakeClock) -> None:
        import os

        super().__init__(clock)
        self.process = os.getpid()

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        import os

        if os.getpid() != self.process:
            return FakeStore(self.clock).claim(entry, newer_than=newer_than, lease=lease)
        return super().claim(entry, newer_than=newer_than, lease=lease)


class SavesInAChild(Around):
    """Whose process the lease is, it does not ask."""

    def lease(self, lease: Lease, entry: str) -> Lease:
        class Saves(AroundLease):
            def save(self, record: Record) -> bool:
                self.inner.save(record)
                return True

        return Saves(lease, self, entry)


BROKEN: list[tuple[Callable[[FakeClock], CredentialStore], str, str]] = [
    (Nameless, "name", "name must be a text with something in it, not ''"),
    (Renamed, "name", "name was 'broken' and is 'once used' after a claim"),
    (WithoutName, "name", "it lacks something: .* 'name'"),
    (LeasesAll, "lease", "a claim while the lease is held was answered a .*: it must be answered Busy"),
    (SaysForEver, "lease", "was told that 365 days, 0:00:00 are left: it must be at most 0:10:00"),
    (SaysNothingIsLeft, "lease", "was told that nothing is left"),
    (Racy, "one_lease", "of 50 threads that claimed at once where nothing is stored got the lease: one must"),
    (TakesWhenItLooks, "look", "a claim after a claim with a lease of zero was answered Busy"),
    (LeasesForNothing, "look", "a claim with a lease of zero was answered a _FakeLease: it must be answered Busy"),
    (AsText, "newer", "sealed is not what was saved, byte for byte"),
    (AnswersTheSame, "newer", "a claim newer than the record that is stored was answered Stored"),
    (ForgetsWhatIsOver, "newer", "over is 0 where generation 7 is stored"),
    (AlwaysNew, "age", "age is 0:00:00 of a record that was saved"),
    (SecondsForMilliseconds, "age", "age is 0:05:00 of a record"),
    (LeasesForEver, "ends", "0 of 50 threads that claimed at once after a lease has ended"),
    (EndsTheLeaseOfAnyone, "ends", r"a claim after a holder whose lease had ended called end\(\) was answered a"),
    (NeverEnds, "given_back", r"a claim after end\(\) was answered Busy"),
    (SaveKeepsTheLease, "given_back", r"a claim after save\(\) was answered Busy"),
    (LastWins, "compares", r"save\(\) returned True to a holder whose lease had ended, though another record"),
    (SaysItHasSaved, "compares", r"save\(\) returned True to a holder whose lease had ended"),
    (SaysItHasSaved, "late", "two holders of one generation have both replaced it"),
    (RefusesAllThatIsLate, "late", "of two holders of one generation none could replace it"),
    (TakesAllReasons, "pause", "was told pausing=None: it must be 'Throttling.User'"),
    (PausesNot, "pause", "a claim while a pause is kept was answered a"),
    (PausesInSeconds, "pause", "of a pause of 0:10:00 that has just begun"),
    (CountsOne, "failures", "failures is 1 after 2 pauses"),
    (ForgetsAtEveryEnd, "failures", r"failures is 0 after 3 pauses and an end\(\) without one"),
    (CountsForEver, "failures", "failures is 3 after a save: it must be 0"),
    (KeepsForEver, "kept", "a claim after the record has ended was answered Stored"),
    (OneForAll, "entries", "a claim while another entry's lease is held was answered Busy"),
    (Narrow, "size", "a record of 64 KiB is not what was saved, byte for byte"),
    (Unchecked, "size", "a record of 65537 bytes was saved and answered"),
    (Unchecked, "generations", "the generation 9007199254740992 was saved and answered"),
    (Unpicklable, "pickle", "it cannot be pickled: TypeError"),
    (CopiedWithWhatIsInIt, "pickle", "a claim of a pickled copy while the original holds the lease was answered a"),
    (FreeInAChild, "fork", "a claim in a forked child, while its parent holds the lease was answered a"),
    (SavesInAChild, "fork", r"save\(\) returned True in a forked child: the lease is its parent's"),
]
