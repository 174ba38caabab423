"""What is asked of a store of shared credentials, one check a method."""

from __future__ import annotations

import os
import pickle
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import attrs

from alicred import Clock
from alicred._internal.public import public
from alicred.sharing.store import LARGEST_GENERATION, LARGEST_RECORD, Busy, CredentialStore, Lease, Record, Stored
from alicred.testing.clock import FakeClock
from alicred.testing.conformance.arguments import A_STORE
from alicred.testing.conformance.harness import expect, in_a_child, in_threads, kind_of, made

_Checks = Iterator[tuple[str, str, Callable[[], None]]]
_THREADS = 50
_ZERO = timedelta(0)
_SHORT = timedelta(seconds=0.3)  # what a check waits for
_LONG = timedelta(minutes=10)  # what no check waits for
_SLACK = timedelta(seconds=1)  # of an age: two clocks, and their rounding
_REASON = "Throttling.User"


@public("alicred.testing.conformance")
@attrs.frozen
class StoreUnderTest:
    """A store, and what has to be known to check it; the arguments are those of `store_checks`."""

    make: Callable[[], CredentialStore]
    clock: Clock
    patience: float

    def checks(self) -> _Checks:
        """Name, sentence and check, one after the other."""
        yield "name", "Its name is a text, and always the same.", self.name
        yield "lease", "Where nothing is stored a claim gets the lease, and who comes later is told how long it lasts.", self.lease
        yield "one_lease", f"Of {_THREADS} threads that claim at once one gets the lease.", self.one_lease
        yield "look", "A claim with a lease of zero takes none.", self.look
        yield (
            "newer",
            "A record that is newer than the caller's is answered, as it was saved; to one that has it, the lease is.",
            self.newer,
        )
        yield "age", "It tells how long ago the record was saved.", self.age
        yield "ends", "A lease ends by itself; then one other caller gets it.", self.ends
        yield "given_back", "end() ends a lease at once.", self.given_back
        yield "compares", "A save by a holder whose lease has ended does not replace a newer record.", self.compares
        yield "late", "A holder that saves too late gets the record that is there.", self.late
        yield "pause", "A pause is kept for all; its reason and what is left of it are told; then the lease is free.", self.pause
        yield "failures", "Failures are counted up, and a save forgets them.", self.failures
        yield "kept", "A record is absent when it has been kept for as long as it says.", self.kept
        yield "entries", "Entries do not disturb each other.", self.entries
        yield "size", "A record of 64 KiB is kept as it is; a larger one is refused, or absent.", self.size
        yield "generations", "A generation that is no whole number between 0 and 2**53 is refused, or absent.", self.generations
        yield "pickle", "A pickled copy shares the same store.", self.pickled
        yield "fork", "A forked child holds no lease of its parent's, and takes none away.", self.forked

    def name(self) -> None:
        store = self._made()
        try:
            before = store.name
            self._leased(store, _entry()).end()
            after = store.name
        except AttributeError as error:
            raise AssertionError(f"it lacks something: {error}") from error
        expect(type(before) is str and bool(before), f"name must be a text with something in it, not {before!r}")
        expect(before == after, f"name was {before!r} and is {after!r} after a claim")

    def lease(self) -> None:
        store, entry = self._made(), _entry()
        lease = self._leased(store, entry)
        expect(lease.over == 0, f"over is {lease.over!r} where nothing is stored: it must be 0")
        expect(lease.failures == 0, f"failures is {lease.failures!r} where nothing has failed: it must be 0")
        self._busy(store, entry, "while the lease is held", until=_LONG)

    def one_lease(self) -> None:
        store, entry = self._made(), _entry()
        self._one_of_many(store, entry, "where nothing is stored")

    def look(self) -> None:
        store, entry = self._made(), _entry()
        busy = self._busy(store, entry, "with a lease of zero", lease=_ZERO, until=_ZERO)
        expect(busy.left == _ZERO, f"left is {busy.left} where the lease is free: it must be zero")
        held = self._leased(store, entry, "after a claim with a lease of zero")
        self._busy(store, entry, "with a lease of zero while another caller holds one", lease=_ZERO, until=_LONG)
        expect(held.save(_record(1)), "save() returned False to the holder after a claim with a lease of zero")
        self._stored(store, entry, 1, lease=_ZERO)

    def newer(self) -> None:
        store, entry = self._made(), _entry()
        sealed = bytes(range(256)) + b"\r\n\x00"
        expect(self._leased(store, entry).save(_record(7, sealed)) is True, "save() did not return True to the holder")
        stored = self._stored(store, entry, 7, newer_than=6)
        expect(stored.record.sealed == sealed, "sealed is not what was saved, byte for byte")
        expect(stored.record.keep == _LONG, f"keep was saved as {_LONG} and is {stored.record.keep!r}")
        lease = self._leased(store, entry, "newer than the record that is stored", newer_than=7)
        expect(lease.over == 7, f"over is {lease.over!r} where generation 7 is stored")
        self._stored(store, entry, 7, newer_than=0)
        expect(lease.save(_record(9)) is True, "save() did not return True to the holder")
        self._stored(store, entry, 9, newer_than=7)

    def age(self) -> None:
        store, entry = self._made(), _entry()
        began = time.monotonic()
        self._leased(store, entry).save(_record(1))
        self._pass(_SHORT)
        age = self._stored(store, entry, 1).age
        most = _SHORT if isinstance(self.clock, FakeClock) else timedelta(seconds=time.monotonic() - began)
        expect(_SHORT * 0.9 <= age <= most + _SLACK, f"age is {age} of a record that was saved between {_SHORT} and {most} ago")

    def ends(self) -> None:
        store, entry = self._made(), _entry()
        held = self._leased(store, entry, lease=_SHORT)
        self._pass(_SHORT * 1.2)
        lease = self._one_of_many(store, entry, "after a lease has ended")
        held.end()
        self._busy(store, entry, "after a holder whose lease had ended called end()", until=_LONG)
        expect(lease.save(_record(1)) is True, "save() did not return True to the new holder")

    def given_back(self) -> None:
        store, entry = self._made(), _entry()
        self._leased(store, entry).end()
        lease = self._leased(store, entry, "after end()")
        expect(lease.failures == 0, f"failures is {lease.failures!r} after an end() without a pause: it must be 0")
        lease.save(_record(1))
        self._leased(store, entry, "after save()", newer_than=1).end()
        lease.end(pause=_LONG, reason=_REASON)
        self._leased(store, entry, "after an end() of a lease that had saved", newer_than=1)

    def compares(self) -> None:
        store, entry = self._made(), _entry()
        late, lease = self._superseded(store, entry)
        expect(lease.save(_record(20)) is True, "save() did not return True to the new holder")
        for generation in (10, 30):
            saved = late.save(_record(generation))
            expect(
                saved is False, f"save() returned {saved!r} to a holder whose lease had ended, though another record had come in between"
            )
        self._stored(store, entry, 20)

    def late(self) -> None:
        store, entry = self._made(), _entry()
        late, lease = self._superseded(store, entry)
        first = late.save(_record(10))
        expect(first in (True, False), f"save() returned {first!r}: it must return whether it was saved")
        second = lease.save(_record(20))
        expect(not (first and second), "two holders of one generation have both replaced it")
        if first or second:
            self._stored(store, entry, 20 if second else 10)
        else:
            raise AssertionError("of two holders of one generation none could replace it")

    def pause(self) -> None:
        store, entry = self._made(), _entry()
        self._leased(store, entry).end(pause=_LONG, reason=_REASON)
        for lease in (_LONG, _ZERO):
            busy = self._busy(store, entry, "while a pause is kept", lease=lease, until=_LONG, pausing=_REASON)
            expect(busy.left > _LONG / 2, f"left is {busy.left} of a pause of {_LONG} that has just begun")
        entry = _entry()
        self._leased(store, entry).end(pause=_SHORT, reason=_REASON)
        self._pass(_SHORT * 1.2)
        self._one_of_many(store, entry, "after a pause")

    def failures(self) -> None:
        store, entry = self._made(), _entry()
        for count in range(3):
            lease = self._leased(store, entry, "after a pause")
            expect(lease.failures == count, f"failures is {lease.failures!r} after {count} pauses")
            lease.end(pause=timedelta(milliseconds=1), reason=_REASON)
            self._pass(timedelta(milliseconds=50))
        lease = self._leased(store, entry, "after a pause")
        lease.end()
        lease = self._leased(store, entry, "after end()")
        expect(lease.failures == 3, f"failures is {lease.failures!r} after 3 pauses and an end() without one")
        lease.save(_record(1))
        lease = self._leased(store, entry, "after save()", newer_than=1)
        expect(lease.failures == 0, f"failures is {lease.failures!r} after a save: it must be 0")

    def kept(self) -> None:
        store, entry = self._made(), _entry()
        self._leased(store, entry).save(Record(generation=1, sealed=b"sealed", keep=_SHORT))
        self._pass(_SHORT * 1.2)
        lease = self._leased(store, entry, "after the record has ended")
        expect(lease.save(_record(2)) is True, "save() did not return True to the holder where a record had ended")
        self._stored(store, entry, 2)

    def entries(self) -> None:
        store, one, other = self._made(), _entry(), _entry()
        lease = self._leased(store, one)
        second = self._leased(store, other, "while another entry's lease is held")
        lease.save(_record(5, b"of the one"))
        self._busy(store, other, "while its own lease is held", until=_LONG)
        second.end(pause=_LONG, reason=_REASON)
        stored = self._stored(store, one, 5)
        expect(stored.record.sealed == b"of the one", "another entry's record was answered")
        self._leased(store, one, "while another entry pauses", newer_than=5)
        self._busy(store, other, "while it pauses", until=_LONG, pausing=_REASON)

    def size(self) -> None:
        store, entry = self._made(), _entry()
        sealed = secrets.token_bytes(LARGEST_RECORD)
        saved = self._leased(store, entry).save(_record(1, sealed))
        expect(saved is True, f"save() returned {saved!r} for a record of {LARGEST_RECORD} bytes")
        expect(self._stored(store, entry, 1).record.sealed == sealed, "a record of 64 KiB is not what was saved, byte for byte")
        self._refused_or_absent(store, _record(1, sealed + b"."), f"a record of {LARGEST_RECORD + 1} bytes")

    def generations(self) -> None:
        store, entry = self._made(), _entry()
        last = LARGEST_GENERATION - 1
        self._leased(store, entry).save(_record(last))
        self._stored(store, entry, last, newer_than=last - 1)
        lease = self._leased(store, entry, "newer than the record that is stored", newer_than=last)
        expect(lease.over == last, f"over is {lease.over!r} where generation {last} is stored")
        for insane in (LARGEST_GENERATION, 10**30, 0, -1):
            self._refused_or_absent(store, _record(insane), f"the generation {insane}")

    def pickled(self) -> None:
        store, entry = self._made(), _entry()
        try:
            copy: CredentialStore = pickle.loads(pickle.dumps(store))  # noqa: S301  (it was made on the line above)
        except Exception as error:
            raise AssertionError(f"it cannot be pickled: {kind_of(error)}: what cannot travel must be left out and made again") from error
        lease = self._leased(store, entry)
        self._busy(copy, entry, "of a pickled copy while the original holds the lease", until=_LONG)
        lease.save(_record(1))
        self._stored(copy, entry, 1)
        self._leased(copy, entry, "of a pickled copy", newer_than=1).save(_record(2))
        self._stored(store, entry, 2)

    def forked(self) -> None:
        if not hasattr(os, "fork"):
            return  # no process can
        store, entry = self._made(), _entry()
        lease = self._leased(store, entry)

        def child() -> None:
            self._busy(store, entry, "in a forked child, while its parent holds the lease", until=_LONG)
            saved: object = False
            try:
                saved = lease.save(_record(1))
            except Exception:  # noqa: BLE001  (to refuse it in that way is as good)
                saved = False
            expect(saved is False, f"save() returned {saved!r} in a forked child: the lease is its parent's")
            self._busy(store, entry, "in a forked child, after it tried to save", until=_LONG)
            other = _entry()
            self._leased(store, other, "in a forked child").save(_record(1))
            self._stored(store, other, 1)

        in_a_child(child, self.patience)
        self._busy(store, entry, "in the parent, after a forked child has ended", until=_LONG)
        expect(lease.save(_record(1)) is True, "save() did not return True to the parent after a forked child has ended")
        stop = threading.Event()

        def keep_asking() -> None:
            while not stop.is_set():
                self._stored(store, entry, 1)

        with in_threads([keep_asking] * 2, self.patience, stop):
            for _ in range(3):
                in_a_child(lambda: self._stored(store, entry, 1), self.patience)

    # What they share

    def _made(self) -> CredentialStore:
        store = made(self.make, f"what it needs it must bring along, as {A_STORE} does")
        expect(not isinstance(store, type), f"make() returned the class {getattr(store, '__name__', '')}: it must return an instance")
        expect(callable(getattr(store, "claim", None)), f"make() returned a {type(store).__name__}, which has no claim()")
        return store

    def _pass(self, span: timedelta) -> None:
        if isinstance(self.clock, FakeClock):
            self.clock.advance(span)
        else:
            time.sleep(span.total_seconds())

    def _claim(self, store: CredentialStore, entry: str, when: str, newer_than: int, lease: timedelta) -> Stored | Lease | Busy:
        try:
            return store.claim(entry, newer_than=newer_than, lease=lease)
        except Exception as error:
            raise AssertionError(f"a claim {when} raised {kind_of(error)}: {error}") from error

    def _leased(
        self, store: CredentialStore, entry: str, when: str = "where nothing is stored", *, newer_than: int = 0, lease: timedelta = _LONG
    ) -> Lease:
        said = self._claim(store, entry, when, newer_than, lease)
        if isinstance(said, (Stored, Busy)) or not callable(getattr(said, "save", None)):
            raise AssertionError(f"a claim {when} was answered {_shown(said)}: it must get the lease")
        return said

    def _busy(
        self, store: CredentialStore, entry: str, when: str, *, until: timedelta, lease: timedelta = _LONG, pausing: str | None = None
    ) -> Busy:
        said = self._claim(store, entry, when, 0, lease)
        if not isinstance(said, Busy):
            raise AssertionError(f"a claim {when} was answered {_shown(said)}: it must be answered Busy")
        expect(said.pausing == pausing, f"a claim {when} was told pausing={said.pausing!r}: it must be {pausing!r}")
        expect(_ZERO <= said.left <= until, f"a claim {when} was told that {said.left} are left: it must be at most {until}")
        expect(said.left > _ZERO or until == _ZERO, f"a claim {when} was told that nothing is left")
        return said

    def _stored(self, store: CredentialStore, entry: str, generation: int, *, newer_than: int = 0, lease: timedelta = _LONG) -> Stored:
        when = f"newer than {newer_than} where generation {generation} is stored"
        said = self._claim(store, entry, when, newer_than, lease)
        if not isinstance(said, Stored):
            raise AssertionError(f"a claim {when} was answered {_shown(said)}: it must be answered the record")
        found = said.record.generation
        expect(found == generation, f"a claim {when} was answered generation {found!r}")
        return said

    def _superseded(self, store: CredentialStore, entry: str) -> tuple[Lease, Lease]:
        """Two leases over generation 0, of which the first has ended."""
        first = self._leased(store, entry, lease=_SHORT)
        self._pass(_SHORT * 1.2)
        return first, self._leased(store, entry, "after a lease has ended")

    def _one_of_many(self, store: CredentialStore, entry: str, when: str) -> Lease:
        barrier = threading.Barrier(_THREADS)
        said: list[Stored | Lease | Busy] = []

        def claim() -> None:
            barrier.wait(self.patience)
            said.append(self._claim(store, entry, when, 0, _LONG))

        with in_threads([claim] * _THREADS, self.patience):
            pass
        leases = [each for each in said if not isinstance(each, (Stored, Busy))]
        expect(len(leases) == 1, f"{len(leases)} of {_THREADS} threads that claimed at once {when} got the lease: one must")
        self._busy(store, entry, f"after {_THREADS} threads have claimed {when}", until=_LONG)
        return leases[0]  # for a lease may end with its object

    def _refused_or_absent(self, store: CredentialStore, record: Record, what: str) -> None:
        entry = _entry()
        lease = self._leased(store, entry)
        try:
            lease.save(record)
        except Exception:  # noqa: BLE001  (to refuse it in that way is as good)
            lease.end()
        said = self._claim(store, entry, f"after a save of {what}", -2, _LONG)
        expect(not isinstance(said, Stored), f"{what} was saved and answered: it must be refused, or count as absent")


def _entry() -> str:
    return secrets.token_hex(20)


def _record(generation: int, sealed: bytes = b"sealed") -> Record:
    return Record(generation=generation, sealed=sealed, keep=_LONG)


def _shown(said: object) -> str:
    return repr(said) if isinstance(said, (Stored, Busy)) else f"a {type(said).__name__}"
