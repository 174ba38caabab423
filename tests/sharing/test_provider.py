"""The rules of sharing, each with workers on a fake clock and a store in memory. The numbers are those of the rules."""

from __future__ import annotations

import logging
import pickle
from datetime import timedelta
from typing import Any

import attrs
import pytest

from alicred import (
    AlicredError,
    ConfigurationError,
    Credential,
    DeniedError,
    NotConfiguredError,
    RamRoleArnProvider,
    RetryingProvider,
    StaticProvider,
    TransientError,
)
from alicred.events import (
    CredentialAdopted,
    CredentialPublished,
    LeaseLost,
    RecordRefused,
    RefreshDeferred,
    RefreshFailed,
    StoreFailed,
    StoreRecovered,
)
from alicred.refresh.need import Deferred
from alicred.sharing import Busy, Fallback, Record, SharedProvider, SharingPolicy, Stored, StoreKey
from tests.sharing.support import Fleet
from tests.support import HOUR, SECOND

MINUTE = timedelta(minutes=1)
DOWN = TransientError("the service is down")
GONE = OSError("the store is gone")


# --- one call -----------------------------------------------------------------------------------------------------------------------


def test_1_one_call_per_session_for_all_workers() -> None:
    fleet = Fleet(HOUR)
    workers = [fleet.worker() for _ in range(20)]
    for hours in range(1, 6):
        values = {worker.get() for worker in workers}
        assert len(values) == 1
        assert fleet.service.calls == hours
        fleet.clock.advance(46 * MINUTE)


def test_2_a_fresh_value_costs_no_look_at_the_store() -> None:
    fleet = Fleet(HOUR)
    worker = fleet.worker()
    worker.get()
    looks = fleet.store.claims
    for _ in range(100):
        worker.get()
    assert fleet.store.claims == looks


def test_3_a_rejection_costs_one_call_and_the_others_adopt() -> None:
    fleet = Fleet(HOUR)
    workers = [fleet.worker() for _ in range(5)]
    rejected = {worker.get() for worker in workers}.pop()
    for worker in workers:
        assert worker.invalidate(rejected)
    again = {worker.get() for worker in workers}
    assert fleet.service.calls == 2
    assert again == {workers[0].get()} != {rejected}


def test_5_what_is_too_short_for_a_span_is_replaced() -> None:
    fleet = Fleet(HOUR)
    first, second = fleet.worker(), fleet.worker()
    first.get()
    fleet.clock.advance(30 * MINUTE)
    held = second.get_valid_for(45 * MINUTE)
    assert fleet.service.calls == 2
    assert held.expires_at == fleet.clock.utcnow() + HOUR
    assert [event.reason for event in fleet.heard.of(RecordRefused)] == ["ENDED"]


def test_the_value_says_who_fetched_it_and_how_old_it_is() -> None:
    fleet = Fleet(HOUR)
    fleet.worker().get()
    fleet.clock.advance(10 * MINUTE)
    adopting = fleet.worker()
    adopting.get()
    (adopted,) = fleet.heard.of(CredentialAdopted)
    (published,) = fleet.heard.of(CredentialPublished)
    assert (adopted.age, adopted.generation, adopted.store) == (10 * MINUTE, published.generation, "memory")
    assert adopting.state().refresh_due_at == fleet.clock.utcnow() + 35 * MINUTE, "the same moment as for who fetched it"


# --- who may read what --------------------------------------------------------------------------------------------------------------


def test_6_another_key_is_another_entry() -> None:
    fleet = Fleet(HOUR)
    mine, other = fleet.shared(), fleet.shared(key=StoreKey.generate())
    assert mine.get() != other.get()
    assert mine.entry != other.entry
    assert fleet.service.calls == 2


def test_7_a_mixed_up_record_does_not_open() -> None:
    fleet = Fleet(HOUR)
    reports, orders = fleet.shared(), fleet.shared(name="orders")
    mine = reports.get()
    orders.get()
    fleet.store.swap(reports.entry, orders.entry)
    assert fleet.shared(name="orders").get() != mine
    assert [event.reason for event in fleet.heard.of(RecordRefused)] == ["NOT_OPENED"]
    assert fleet.service.calls == 3


def test_the_entry_depends_on_what_the_source_says_of_itself() -> None:
    fleet = Fleet(HOUR)
    base = {"role_arn": "acs:ram::1:role/a", "role_session_name": "fleet", "external_id": "an-external-id"}
    keys = StaticProvider(Credential("an-id", "a-secret"))

    def entry(**changes: Any) -> str:
        return fleet.shared(source=RetryingProvider(RamRoleArnProvider(keys, **{**base, **changes}))).entry

    entries = [
        entry(),
        entry(role_arn="acs:ram::1:role/b"),
        entry(role_session_name="other"),
        entry(duration=2 * HOUR),
        entry(session_policy={"Version": "1"}),
        entry(external_id="another-id"),
    ]
    assert len(set(entries)) == len(entries)
    assert entry() == entries[0]
    other = StaticProvider(Credential("another-id", "a-secret"))
    assert fleet.shared(source=RamRoleArnProvider(other, **base)).entry == entries[0], "the caller's key does not count"  # type: ignore[arg-type]


def test_9_nothing_secret_is_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "alicred")
    fleet = Fleet(HOUR)
    provider = fleet.shared()
    held = provider.get()
    fleet.store.away = OSError("redis://user:hunter2@host")
    with pytest.raises(AlicredError):
        fleet.shared(policy=SharingPolicy(lead=False)).get()
    told = "\n".join([repr(provider), repr(provider.state()), provider.entry, caplog.text, repr(fleet.store.records)])
    for secret in (held.access_key_secret, held.security_token or "", "hunter2"):
        assert secret not in told


@pytest.mark.parametrize("value", [Credential("an-id", "a-secret"), Credential("an-id", "a-secret", "a-token")], ids=["key", "no end"])
def test_9_what_does_not_end_is_never_stored(value: Credential) -> None:
    fleet = Fleet(value)
    assert [fleet.worker().get(), fleet.worker().get()] == [value, value]
    assert fleet.store.records == {}


# --- a store that lies or is away ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (Record(generation=2**53, sealed=b"x" * 60, keep=HOUR), "TOO_LARGE"),
        (Record(generation=0, sealed=b"x" * 60, keep=HOUR), "TOO_LARGE"),
        (Record(generation=7, sealed=b"x" * (64 * 1024 + 1), keep=HOUR), "TOO_LARGE"),
        (Record(generation=7, sealed=b"x" * 60, keep=HOUR), "NOT_OPENED"),
        (Record(generation=7, sealed=b"", keep=HOUR), "NOT_OPENED"),
    ],
)
def test_11_garbage_counts_as_absent(record: Record, reason: str) -> None:
    fleet = Fleet(HOUR)
    fleet.store.answer = Stored(record, SECOND)
    held = fleet.worker().get()
    assert held == fleet.worker().get() or fleet.service.calls == 2
    assert {event.reason for event in fleet.heard.of(RecordRefused)} == {reason}


def test_12_an_older_record_that_comes_back_is_refused() -> None:
    fleet = Fleet(HOUR)
    worker = fleet.shared()
    worker.get()
    old = fleet.store.records[worker.entry]
    worker.get()
    fleet.store.answer = Stored(old, SECOND)
    worker.get()
    assert fleet.service.calls == 3
    assert {event.reason for event in fleet.heard.of(RecordRefused)} == {"OLDER"}


@pytest.mark.parametrize("answer", ["nonsense", 7, object()])
def test_13_whatever_a_store_answers_the_source_is_asked(answer: object) -> None:
    fleet = Fleet(HOUR)
    fleet.store.answer = answer
    assert fleet.worker().get().access_key_id == "id-1"
    (failed,) = fleet.heard.of(StoreFailed)
    assert isinstance(failed.error, ConfigurationError)


def test_13_a_store_that_failed_is_left_alone_and_found_again() -> None:
    fleet = Fleet(HOUR)
    fleet.store.away = GONE
    provider = fleet.shared()
    for _ in range(5):
        provider.get()
    assert fleet.store.claims <= 5
    assert fleet.service.calls == 5
    looks = fleet.store.claims
    provider.get()
    assert fleet.store.claims == looks or provider.state().store_failures > 1
    fleet.store.away = None
    fleet.clock.advance(MINUTE)
    provider.get()
    assert len(fleet.heard.of(StoreRecovered)) == 1
    assert provider.state().store_failures == 0
    assert provider.state().store_away_until is None


def test_13_a_key_that_cannot_be_read_takes_nothing_out_of_service(tmp_path: Any) -> None:
    fleet = Fleet(HOUR)
    assert fleet.worker(key=StoreKey.from_file(tmp_path / "missing")).get().access_key_id == "id-1"
    assert len(fleet.heard.of(StoreFailed)) == 1


def test_13_a_save_that_fails_costs_nothing() -> None:
    fleet = Fleet(HOUR)
    fleet.store.full = True
    held = fleet.worker().get()
    assert held.access_key_id == "id-1"
    assert len(fleet.heard.of(StoreFailed)) == 1
    assert fleet.heard.of(CredentialPublished) == []


@pytest.mark.parametrize("fallback", Fallback)
def test_21_a_worker_that_holds_a_value_waits_for_the_store_to_come_back(fallback: Fallback) -> None:
    fleet = Fleet(HOUR, fallback=fallback)
    worker = fleet.worker()
    held = worker.get()
    fleet.store.away = GONE
    fleet.clock.advance(45 * MINUTE + SECOND)  # due; callers wait from the 59th minute on
    moments = []
    while fleet.service.calls == 1:
        assert worker.get() in (held, *([] if fleet.service.calls == 1 else [worker.get()]))
        moments.append(fleet.clock.monotonic())
        fleet.clock.advance(SECOND)
    waited = moments[-1] - moments[0]
    assert {Fallback.AT_ONCE: waited == 0, Fallback.LATE: 0 <= waited <= 14 * 60, Fallback.NEVER: waited >= 13 * 60 + 50}[fallback]
    assert fleet.service.calls == 2


def test_21_a_store_that_comes_back_ends_it() -> None:
    fleet = Fleet(HOUR, fallback=Fallback.NEVER)
    first, second = fleet.worker(), fleet.worker()
    first.get(), second.get()
    fleet.store.away = GONE
    fleet.clock.advance(46 * MINUTE)
    second.get()
    fleet.store.away = None
    fleet.clock.advance(MINUTE)
    new = first.get()
    assert second.get() == new
    assert fleet.service.calls == 2


# --- leases -------------------------------------------------------------------------------------------------------------------------


def busy(fleet: Fleet, seconds: float = 10, pausing: str | None = None) -> None:
    fleet.store.answer = Busy(timedelta(seconds=seconds), pausing)


def test_16_a_worker_without_a_value_waits_and_then_asks_itself() -> None:
    fleet = Fleet(HOUR)
    busy(fleet)
    began = fleet.clock.monotonic()
    fleet.worker().get()
    assert 25 <= fleet.clock.monotonic() - began <= 27
    assert fleet.service.calls == 1
    assert 25 < fleet.store.claims < 60, "it looks with pauses that grow to a second"


def test_16_a_leader_that_died_is_followed_by_one() -> None:
    fleet = Fleet(HOUR)
    provider = fleet.shared()
    fleet.store.claim(provider.entry, newer_than=0, lease=10 * SECOND)  # and is never heard of again
    began = fleet.clock.monotonic()
    provider.get()
    assert 10 <= fleet.clock.monotonic() - began <= 11.1
    assert provider.state().led == 1


def test_18_a_worker_with_a_value_goes_on_serving_it() -> None:
    fleet = Fleet(HOUR)
    worker = fleet.worker()
    held = worker.get()
    fleet.clock.advance(46 * MINUTE)
    busy(fleet)
    began = fleet.clock.monotonic()
    assert worker.get() is held
    assert fleet.clock.monotonic() == began
    (deferred,) = fleet.heard.of(RefreshDeferred)
    assert deferred.reason == "LED_ELSEWHERE"
    assert worker.state().next_attempt_at is not None
    assert worker.state().next_attempt_at <= fleet.clock.utcnow() + SECOND  # type: ignore[operator]


def test_15_who_comes_too_late_adopts() -> None:
    fleet = Fleet(HOUR)
    late, quick = fleet.shared(), fleet.shared()

    def slow() -> object:
        fleet.service.steps = (HOUR,)
        fleet.clock.advance(11 * SECOND)
        fleet.quick_value = quick.get()  # type: ignore[attr-defined]
        return HOUR

    fleet.service.steps = (slow,)
    assert late.get() == fleet.quick_value  # type: ignore[attr-defined]
    (lost,) = fleet.heard.of(LeaseLost)
    assert lost.seconds == 11
    assert (late.state().lost_leases, late.state().adopted, late.state().led) == (1, 1, 0)


# --- failures -----------------------------------------------------------------------------------------------------------------------


def test_19_a_failure_makes_all_pause_and_a_success_ends_it() -> None:
    fleet = Fleet(DOWN, DOWN, DOWN, HOUR)
    workers = [fleet.worker() for _ in range(10)]
    for worker in workers:
        with pytest.raises(AlicredError):
            worker.get()
    assert fleet.service.calls == 1
    assert len(fleet.heard.of(RefreshFailed)) == 1
    assert len(fleet.heard.of(RefreshDeferred)) == 9
    for _ in range(60):
        fleet.clock.advance(SECOND)
        for worker in workers:
            try:
                worker.get()
            except AlicredError:
                continue
    assert fleet.service.calls == 4
    assert len({worker.get() for worker in workers}) == 1


def test_19_who_holds_nothing_gets_the_reason_at_once() -> None:
    fleet = Fleet(DOWN)
    with pytest.raises(TransientError):
        fleet.shared().get()
    began = fleet.clock.monotonic()
    with pytest.raises(Deferred, match="another worker has failed") as caught:
        fleet.shared().get()
    assert fleet.clock.monotonic() == began
    assert caught.value.reason == "PAUSING"


@pytest.mark.parametrize("error", [DeniedError("no", code="NoPermission"), NotConfiguredError("nothing"), ConfigurationError("wrong")])
def test_20_a_workers_own_trouble_does_not_stop_the_others(error: AlicredError) -> None:
    fleet = Fleet(HOUR)
    broken = Fleet(error).service
    provider = fleet.shared(source=broken)
    broken.name = fleet.service.name
    for _ in range(5):
        with pytest.raises(AlicredError):
            provider.get()
        fleet.clock.advance(2.1 * SECOND)
    assert fleet.worker().get().access_key_id == "id-1"


# --- clocks -------------------------------------------------------------------------------------------------------------------------


def test_25_a_clock_that_is_behind_serves_nothing_past_its_end() -> None:
    fleet = Fleet(HOUR)
    fleet.worker().get()
    fleet.clock.step_wall(-2 * HOUR)
    adopting = fleet.worker()
    adopting.get()
    fleet.clock.advance(HOUR - SECOND)
    fleet.service.steps = (DOWN,)
    adopting.get()
    fleet.clock.advance(2 * SECOND)
    with pytest.raises(AlicredError):
        adopting.get()


def test_25_a_clock_that_is_ahead_adopts_nothing() -> None:
    fleet = Fleet(HOUR)
    fleet.worker().get()
    fleet.clock.step_wall(2 * HOUR)
    fleet.worker().get()
    assert fleet.service.calls == 2


# --- processes, arguments -----------------------------------------------------------------------------------------------------------


def test_30_a_pickle_has_the_configuration_and_the_key() -> None:
    fleet = Fleet(HOUR)
    provider = SharedProvider(StaticProvider(Credential("an-id", "a-secret")), NoStore(), name="reports", key=fleet.key)
    copy = pickle.loads(pickle.dumps(provider))
    assert copy.entry == provider.entry
    assert repr(copy) == repr(provider)
    assert copy.state() == attrs.evolve(provider.state(), generation=0)


class NoStore:
    name = "none"

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> object:
        raise OSError("there is none")


def test_a_source_that_defers_makes_no_one_pause() -> None:
    fleet = Fleet(Deferred("it is not its turn yet. Ask again later", until=SECOND), HOUR)
    with pytest.raises(Deferred):
        fleet.worker().get()
    fleet.worker().get()
    assert fleet.service.calls == 2


def test_a_worker_that_never_leads_needs_no_source() -> None:
    fleet = Fleet(HOUR)
    leader = fleet.shared()
    follower = fleet.worker(source=None, entry=leader.entry, policy=SharingPolicy(lead=False))
    with pytest.raises(Deferred):
        follower.get()
    held = leader.get()
    fleet.clock.advance(2 * SECOND)
    assert follower.get() == held
    assert fleet.service.calls == 1


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"name": ""}, "SharedProvider.name"),
        ({"key": b"x" * 32}, "SharedProvider.key"),
        ({"policy": None}, "SharedProvider.policy"),
        ({"source": "role"}, "SharedProvider.source"),
        ({"source": None}, "lead=False"),
        ({"source": None, "policy": SharingPolicy(lead=False)}, "SharedProvider.entry"),
        ({"clock": 1}, "SharedProvider.clock"),
    ],
)
def test_a_wrong_argument_is_named(given: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        Fleet(HOUR).shared(**given)
