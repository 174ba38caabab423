"""The store in memory: each of its faults."""

from __future__ import annotations

import errno
import pickle
from datetime import timedelta

import pytest

from alicred import ConfigurationError
from alicred.sharing import Busy, Lease, Record, Stored
from alicred.testing import FakeClock, FakeStore
from tests.forked import checked_in_child

ONE, OTHER = "1" * 40, "2" * 40
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
ZERO = timedelta(0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> FakeStore:
    return FakeStore(clock)


def record(generation: int, sealed: bytes = b"sealed") -> Record:
    return Record(generation=generation, sealed=sealed, keep=HOUR)


def leased(store: FakeStore, entry: str = ONE, newer_than: int = 0) -> Lease:
    said = store.claim(entry, newer_than=newer_than, lease=SECOND)
    assert not isinstance(said, (Stored, Busy)), said
    return said


def stored(store: FakeStore, entry: str = ONE, newer_than: int = 0) -> Record:
    said = store.claim(entry, newer_than=newer_than, lease=ZERO)
    assert isinstance(said, Stored), said
    return said.record


def test_a_store_that_is_away_raises_in_every_call(store: FakeStore) -> None:
    lease = leased(store)
    store.away = ConnectionError("gone")
    for call in (lambda: leased(store), lambda: lease.save(record(1))):
        with pytest.raises(ConnectionError, match="gone"):
            call()
    store.away = None
    assert lease.save(record(1)), "a save that has failed may be tried again"


def test_a_slow_store_takes_its_time(store: FakeStore, clock: FakeClock) -> None:
    store.latency = SECOND / 2
    leased(store).end()
    assert clock.sleeps == (SECOND / 2, SECOND / 2)


def test_a_full_store_saves_neither_records_nor_pauses(store: FakeStore) -> None:
    store.full = True
    lease = leased(store)
    with pytest.raises(OSError, match="No space left") as caught:
        lease.save(record(1))
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(OSError, match="No space left"):
        lease.end(pause=HOUR)
    assert dict(store.records) == {}


def test_a_late_claim_is_executed_when_the_store_catches_up(store: FakeStore, clock: FakeClock) -> None:
    store.late = True
    with pytest.raises(TimeoutError, match="fake store does not answer"):
        leased(store)
    clock.advance(HOUR)
    store.catch_up()
    assert store.claim(ONE, newer_than=0, lease=SECOND) == Busy(SECOND), "held by no caller who knows"
    clock.advance(SECOND)
    leased(store)


def test_it_lies_about_the_age(store: FakeStore, clock: FakeClock) -> None:
    leased(store).save(record(1))
    clock.advance(SECOND)
    for off in (HOUR, -HOUR):
        store.age_off = off
        assert store.claim(ONE, newer_than=0, lease=ZERO) == Stored(record(1), SECOND + off)


def test_garbage_has_the_same_generation(store: FakeStore) -> None:
    leased(store).save(record(1))
    store.spoil()
    assert stored(store).generation == 1
    assert stored(store).sealed != b"sealed"


def test_a_generation_may_be_insane(store: FakeStore) -> None:
    leased(store).save(record(1))
    store.renumber(2**60)
    assert stored(store, newer_than=5).generation == 2**60


def test_it_rolls_back(store: FakeStore) -> None:
    leased(store).save(record(1))
    leased(store, OTHER).save(record(7))
    leased(store, newer_than=1).save(record(2))
    store.roll_back()
    assert {entry: each.generation for entry, each in store.records.items()} == {ONE: 1, OTHER: 7}
    assert leased(store, newer_than=1).save(record(3))


def test_entries_are_swapped(store: FakeStore) -> None:
    leased(store).save(record(1, b"one"))
    store.swap(ONE, OTHER)
    assert stored(store, OTHER).sealed == b"one"
    assert list(store.records) == [OTHER]


def test_all_is_forgotten(store: FakeStore) -> None:
    leased(store).save(record(1))
    leased(store, OTHER).end(pause=HOUR)
    store.clear()
    assert leased(store, OTHER).failures == 0
    assert dict(store.records) == {}


def test_calls_are_listed(store: FakeStore) -> None:
    leased(store).save(record(1))
    leased(store, OTHER).end()
    assert store.calls == (("claim", ONE), ("save", ONE), ("claim", OTHER), ("end", OTHER))


def test_a_pickle_leads_back_to_the_store_while_it_is_there(clock: FakeClock) -> None:
    store = FakeStore(clock, name="one")
    pickled = pickle.dumps(store)
    assert pickle.loads(pickled) is store
    del store
    with pytest.raises(ConfigurationError, match="a FakeStore is in one process"):
        pickle.loads(pickled)


def test_a_child_goes_its_own_way(store: FakeStore) -> None:
    lease = leased(store)

    def work() -> bool:
        lease.end(pause=HOUR)
        return lease.save(record(1))

    assert checked_in_child(work) is False
    assert lease.save(record(1))


def test_its_repr_shows_no_record(store: FakeStore) -> None:
    leased(store).save(record(1))
    assert repr(store) == "<FakeStore 'fake store' with 1 entries>"


@pytest.mark.parametrize(("arguments", "text"), [({"clock": 5}, "clock must be a Clock"), ({"name": ""}, "name is empty")])
def test_an_argument_that_cannot_be_used_is_refused(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"FakeStore.{text}"):
        FakeStore(**arguments)  # type: ignore[arg-type]  # that is what is refused
