"""The cache against the rules of the engine, on a clock that stands still: one caller, no waiting, no chance."""

from __future__ import annotations

import contextlib
import copy
import logging
import pickle
import threading
from datetime import timedelta
from itertools import pairwise

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred import (
    AlicredError,
    Backoff,
    BearerToken,
    CachingProvider,
    ChainError,
    ChainProvider,
    ClosedError,
    ConfigurationError,
    Credential,
    DeniedError,
    MalformedResponseError,
    NotConfiguredError,
    OnDenied,
    Phase,
    ProviderError,
    RefreshFailed,
    RefreshMode,
    RefreshPolicy,
    RefreshStarted,
    RefreshSucceeded,
    ServedStale,
    TransientError,
)
from alicred.testing import FakeClock
from tests.strategies import EPOCH, backoffs, credential
from tests.support import HOUR, SECOND, Recorder, Script

MINUTE = timedelta(minutes=1)
FIXED = Backoff(initial=SECOND, maximum=MINUTE, jitter=0)
DOWN = TransientError("the service is down")
MODES = pytest.mark.parametrize("mode", list(RefreshMode))


class Bench:
    """A cache with its clock, its source and what it told."""

    def __init__(self, *steps: object, mode: RefreshMode = RefreshMode.INLINE, **policy: object) -> None:
        self.clock = FakeClock()
        self.source = Script(*steps, clock=self.clock)
        self.heard = Recorder()
        settings = {"mode": mode, "jitter": 0.0, "failure_backoff": FIXED, **policy}
        self.cache: CachingProvider[Credential] = CachingProvider(
            self.source,
            refresh=RefreshPolicy(**settings),  # type: ignore[arg-type]  # the tests hand in what each is about
            clock=self.clock,
            listener=self.heard,
        )

    @property
    def phase(self) -> Phase:
        return self.cache.state().phase

    def at(self, span: timedelta) -> None:
        """Go to the moment *span* after the beginning."""
        self.clock.advance(span - (self.clock.utcnow() - EPOCH))

    def number(self) -> int:
        """The number of the credential that a caller gets now."""
        return int(self.cache.get().access_key_id.removeprefix("id-"))


def test_the_source_is_not_asked_before_somebody_asks() -> None:
    bench = Bench()
    assert bench.source.calls == 0
    assert bench.phase is Phase.EMPTY
    assert bench.heard.events == []


@MODES
def test_a_held_value_is_served_without_a_further_call(mode: RefreshMode) -> None:
    bench = Bench(timedelta(seconds=900), mode=mode)
    assert {bench.number() for _ in range(200)} == {1}
    assert bench.source.calls == 1


def test_the_phases_follow_the_schedule() -> None:
    bench = Bench(HOUR, DOWN, grace=MINUTE)
    bench.cache.get()
    phases = []
    for minutes in (0, 44.9, 45, 58.9, 59, 59.9, 60, 60.9, 61, 1000):
        bench.at(timedelta(minutes=minutes))
        phases.append(bench.phase)
    assert phases == [
        Phase.FRESH, Phase.FRESH, Phase.AGING, Phase.AGING, Phase.URGENT, Phase.URGENT,
        Phase.GRACE, Phase.GRACE, Phase.EXPIRED, Phase.EXPIRED,
    ]  # fmt: skip


def test_in_the_window_the_inline_caller_that_starts_the_refresh_gets_the_new_value() -> None:
    bench = Bench(HOUR)
    assert bench.number() == 1
    bench.at(45 * MINUTE)
    assert bench.number() == 2
    assert bench.source.calls == 2


def test_a_failed_refresh_leaves_the_value_in_service_and_follows_the_backoff() -> None:
    bench = Bench(HOUR, DOWN)
    bench.cache.get()
    bench.at(45 * MINUTE)
    began = bench.clock.monotonic()
    for _ in range(15 * 60 * 10 - 1):
        assert bench.number() == 1
        bench.clock.advance(timedelta(milliseconds=100))
    gaps = [round(time - began, 3) for time in bench.source.times[1:]]
    # 1, 2, 4 ... seconds apart, then a minute, to the end of the session
    assert gaps == [0, 1, 3, 7, 15, 31, *range(63, 900, 60)][: len(gaps)]
    assert len(gaps) == 20
    assert bench.cache.state().consecutive_failures == 20
    assert isinstance(bench.cache.state().last_error, TransientError)


def test_nothing_is_served_past_its_end() -> None:
    bench = Bench(HOUR, DOWN)
    bench.cache.get()
    bench.at(HOUR)
    with pytest.raises(TransientError):
        bench.cache.get()
    assert bench.phase is Phase.EXPIRED


def test_the_moment_of_expiry_allows_one_attempt_inside_the_backoff() -> None:
    bench = Bench(HOUR, DOWN, failure_backoff=Backoff(initial=10 * MINUTE, maximum=10 * MINUTE, jitter=0))
    bench.cache.get()
    bench.at(59.5 * MINUTE)
    assert bench.number() == 1
    assert bench.source.calls == 2
    bench.at(HOUR)
    for _ in range(50):
        with pytest.raises(TransientError):
            bench.cache.get()
    assert bench.source.calls == 3


def test_an_attempt_inside_the_backoff_is_for_a_value_that_ended_and_not_for_one_that_was_rejected() -> None:
    bench = Bench(HOUR, DOWN)
    bench.cache.get()
    bench.at(45 * MINUTE)
    assert bench.number() == 1
    assert bench.source.calls == 2
    assert bench.cache.invalidate()
    with pytest.raises(TransientError):
        bench.cache.get()
    assert bench.source.calls == 2


@pytest.mark.parametrize(
    "error",
    [
        NotConfiguredError("no variable is set"),
        ConfigurationError("half a pair"),
        ChainError("none"),
    ],
)
def test_what_never_left_the_machine_is_not_held_back(error: AlicredError) -> None:
    bench = Bench(error, error, HOUR)
    for _ in range(2):
        with pytest.raises(type(error)):
            bench.cache.get()
    assert bench.number() == 3


def test_a_chain_that_went_over_the_network_is_held_back() -> None:
    clock = FakeClock()
    source = Script(DOWN, clock=clock)
    cache = CachingProvider(ChainProvider(source), refresh=RefreshPolicy(failure_backoff=FIXED), clock=clock)
    for _ in range(5):
        with pytest.raises(TransientError):
            cache.get()
    assert source.calls == 1


def test_every_caller_gets_an_error_object_of_its_own() -> None:
    bench = Bench(DeniedError("no", provider="script", code="NoPermission", request_id="r-1", status=403))
    errors = []
    for _ in range(3):
        with pytest.raises(DeniedError) as caught:
            bench.cache.get()
        errors.append(caught.value)
    assert len({id(error) for error in errors}) == 3
    assert len({id(error.__cause__) for error in errors}) == 1
    assert {(e.code, e.request_id, e.status, e.provider) for e in errors} == {("NoPermission", "r-1", 403, "script")}
    assert bench.source.calls == 1


def test_an_error_of_the_users_own_type_is_shared_whatever_its_constructor_asks_for() -> None:
    class VaultSealed(ProviderError):
        def __init__(self, vault: str, shard: int) -> None:
            super().__init__(f"{vault} is sealed", code="Sealed")
            self.shard = shard

    bench = Bench(VaultSealed("blue", 3))
    for _ in range(2):
        with pytest.raises(VaultSealed, match="blue is sealed") as caught:
            bench.cache.get()
        assert (caught.value.shard, caught.value.code) == (3, "Sealed")


def test_a_foreign_exception_is_wrapped_with_its_cause_and_without_its_text() -> None:
    bench = Bench(RuntimeError("connection to db with password hunter2 failed"))
    with pytest.raises(ProviderError) as caught:
        bench.cache.get()
    text = str(caught.value)
    assert "RuntimeError" in text
    assert "hunter2" not in text
    assert bench.cache.state().consecutive_failures == 1
    flight_error = caught.value.__cause__
    assert isinstance(flight_error, ProviderError)
    assert isinstance(flight_error.__cause__, RuntimeError)


@pytest.mark.parametrize("lifetime", [timedelta(0), -SECOND, -timedelta(days=400)])
def test_a_value_that_has_ended_already_counts_as_a_failure(lifetime: timedelta) -> None:
    bench = Bench(lifetime)
    with pytest.raises(MalformedResponseError, match="check the clock"):
        bench.cache.get()
    assert bench.cache.state().consecutive_failures == 1
    assert bench.cache.state().refreshes == 0


@pytest.mark.parametrize("value", [None, "token", 7, ("id", "secret")])
def test_a_source_that_returns_something_else_is_found_out(value: object) -> None:
    class Odd:
        name = "odd"

        def get(self) -> Credential:
            return value  # type: ignore[return-value]  # that is the point

    with pytest.raises(MalformedResponseError, match=rf"odd: get\(\) returned a {type(value).__name__}, which has no expires_at"):
        CachingProvider(Odd(), refresh=RefreshPolicy(mode=RefreshMode.INLINE)).get()


def test_a_value_without_a_time_zone_is_found_out() -> None:
    @attrs.frozen
    class Naive:
        expires_at = EPOCH.replace(tzinfo=None)

    class Odd:
        name = "odd"

        def get(self) -> Naive:
            return Naive()

    with pytest.raises(MalformedResponseError, match="time zone"):
        CachingProvider(Odd(), refresh=RefreshPolicy(mode=RefreshMode.INLINE)).get()


def test_a_value_without_an_end_is_kept_for_ever_where_nothing_is_to_be_looked_at_again() -> None:
    bench = Bench(None, recheck=None)
    bench.cache.get()
    bench.clock.advance(timedelta(days=4000))
    assert bench.number() == 1
    assert bench.cache.state().refresh_due_at is None


class TestRecheck:
    """A value without an end is asked for again, in case it was rotated where it is kept."""

    def test_it_is_due_five_minutes_after_it_was_fetched_and_served_meanwhile(self) -> None:
        bench = Bench(None, mode=RefreshMode.BACKGROUND)
        bench.cache.get()
        assert bench.cache.state().refresh_due_at == bench.clock.utcnow() + 5 * MINUTE
        bench.at(5 * MINUTE)
        assert bench.phase is Phase.AGING
        assert bench.number() == 1
        bench.cache.close()
        assert bench.source.calls == 2

    def test_a_rotated_key_takes_the_place_of_the_old_one(self) -> None:
        bench = Bench(None)
        bench.cache.get()
        bench.at(5 * MINUTE)
        assert bench.number() == 2
        assert bench.cache.state().refresh_due_at == bench.clock.utcnow() + 5 * MINUTE

    def test_the_same_key_again_is_told_of_as_a_refresh_and_holds_nothing_back(self, caplog: pytest.LogCaptureFixture) -> None:
        clock = FakeClock()
        source = Script(lambda: credential(1, None), clock=clock)
        cache = CachingProvider(source, refresh=RefreshPolicy(mode=RefreshMode.INLINE, jitter=0, recheck=SECOND), clock=clock)
        with caplog.at_level(logging.INFO, logger="alicred"):
            for _ in range(100):
                cache.get()
                assert cache.state().next_attempt_at is None
                clock.advance(SECOND)
        assert (source.calls, cache.state().refreshes) == (100, 100)
        assert len(caplog.records) == 1, "INFO tells of the first success only"

    def test_a_key_that_was_rejected_and_is_handed_out_again_is_paced(self) -> None:
        clock = FakeClock()
        source = Script(lambda: credential(1, None), clock=clock)
        policy = RefreshPolicy(mode=RefreshMode.INLINE, jitter=0, failure_backoff=FIXED)
        cache = CachingProvider(source, refresh=policy, clock=clock)
        for _ in range(60):
            with contextlib.suppress(ProviderError):
                cache.invalidate(cache.get())
            clock.advance(SECOND)
        assert source.calls <= 8

    def test_a_look_that_fails_is_repeated_under_the_back_off_and_changes_nothing_else(self) -> None:
        for error in (DOWN, NotConfiguredError("the file is gone"), ConfigurationError("the file is broken"), DeniedError("no")):
            bench = Bench(None, error)
            bench.cache.get()
            bench.at(5 * MINUTE)
            for _ in range(3600):
                assert bench.number() == 1
                bench.clock.advance(SECOND)
            assert bench.source.calls <= 1 + 6 + 60, type(error).__name__

    def test_max_age_counts_if_it_is_sooner(self) -> None:
        bench = Bench(None, max_age=MINUTE)
        bench.cache.get()
        bench.at(MINUTE)
        assert bench.number() == 2

    def test_what_lasts_for_ever_lasts_for_every_span_while_it_is_looked_at_again(self) -> None:
        bench = Bench(None, DOWN)
        bench.cache.get()
        bench.at(6 * MINUTE)
        assert bench.cache.get_valid_for(timedelta(days=9000)).access_key_id == "id-1"


def test_a_value_is_refreshed_when_it_is_old_enough_and_served_meanwhile() -> None:
    bench = Bench(None, DOWN, None, max_age=10 * MINUTE, recheck=None)
    bench.cache.get()
    bench.at(10 * MINUTE)
    assert bench.number() == 1
    assert bench.phase is Phase.AGING
    bench.at(11 * MINUTE)
    assert bench.number() == 3


def test_any_value_that_knows_its_end_can_be_kept() -> None:
    class Tokens:
        name = "tokens"

        def get(self) -> BearerToken:
            return BearerToken("t")

    assert CachingProvider(Tokens()).get().token == "t"


class TestGrace:
    def test_a_value_in_grace_is_served_and_announced_each_time(self) -> None:
        bench = Bench(HOUR, DOWN, grace=10 * MINUTE)
        bench.cache.get()
        bench.at(HOUR + MINUTE)
        assert [bench.number() for _ in range(3)] == [1, 1, 1]
        assert [event.times for event in bench.heard.of(ServedStale)] == [1, 2, 3]
        bench.at(HOUR + 10 * MINUTE)
        with pytest.raises(TransientError):
            bench.cache.get()
        assert len(bench.heard.of(ServedStale)) == 3

    def test_each_value_is_counted_on_its_own(self) -> None:
        bench = Bench(HOUR, DOWN, HOUR, DOWN, grace=10 * MINUTE)
        for at in (61 * MINUTE, 122 * MINUTE + SECOND):
            bench.cache.get()
            bench.at(at)
            bench.cache.get()
            bench.clock.advance(SECOND)
        assert [event.times for event in bench.heard.of(ServedStale)] == [1, 1]

    def test_a_rejected_value_may_be_served_for_the_grace_and_no_longer(self) -> None:
        bench = Bench(HOUR, DOWN, grace=10 * MINUTE)
        bench.cache.get()
        assert bench.cache.invalidate()
        assert not bench.cache.invalidate()
        assert bench.number() == 1
        assert bench.phase is Phase.GRACE
        bench.at(10 * MINUTE)
        assert bench.phase is Phase.EXPIRED


class TestOnDenied:
    def test_by_default_the_value_stays_in_service(self) -> None:
        bench = Bench(HOUR, DeniedError("the role is gone"))
        bench.cache.get()
        bench.at(45 * MINUTE)
        assert [bench.number() for _ in range(3)] == [1, 1, 1]

    def test_on_request_the_callers_are_told_until_a_refresh_succeeds(self) -> None:
        bench = Bench(HOUR, DeniedError("the role is gone"), HOUR, on_denied=OnDenied.RAISE)
        bench.cache.get()
        bench.at(45 * MINUTE)
        for _ in range(3):
            with pytest.raises(DeniedError, match="the role is gone"):
                bench.cache.get()
        assert bench.source.calls == 2
        bench.at(46 * MINUTE)
        assert bench.number() == 3

    def test_what_may_pass_is_no_denial(self) -> None:
        bench = Bench(HOUR, DOWN, on_denied=OnDenied.RAISE)
        bench.cache.get()
        bench.at(45 * MINUTE)
        assert bench.number() == 1


class TestInvalidate:
    def test_the_next_caller_gets_a_new_value(self) -> None:
        bench = Bench()
        rejected = bench.cache.get()
        assert bench.cache.invalidate(rejected)
        assert bench.phase is Phase.EXPIRED
        assert bench.number() == 2

    def test_a_rejection_that_was_reported_before_changes_nothing(self) -> None:
        bench = Bench()
        rejected = bench.cache.get()
        assert bench.cache.invalidate(rejected)
        assert not bench.cache.invalidate(rejected)
        assert bench.number() == 2
        assert not bench.cache.invalidate(rejected)
        assert bench.number() == 2

    def test_with_nothing_held_there_is_nothing_to_reject(self) -> None:
        bench = Bench()
        assert not bench.cache.invalidate()
        assert not bench.cache.invalidate(credential())

    def test_an_expired_value_cannot_expire_again(self) -> None:
        bench = Bench()
        bench.cache.get()
        bench.at(HOUR)
        assert not bench.cache.invalidate()

    def test_a_source_that_hands_out_the_rejected_value_again_is_asked_no_faster_than_the_backoff_allows(self) -> None:
        same = credential(lifetime=HOUR)
        bench = Bench(same)
        bench.cache.get()
        assert bench.cache.invalidate()
        assert bench.cache.get() == same
        assert bench.cache.invalidate()
        for _ in range(100):
            with pytest.raises(ProviderError, match="see why the service rejects it"):
                bench.cache.get()
        assert bench.source.calls == 2
        bench.clock.advance(SECOND)
        assert bench.cache.get() == same
        assert bench.source.calls == 3


class TestGetValidFor:
    def test_a_value_that_lasts_is_served_as_it_is(self) -> None:
        bench = Bench()
        assert bench.cache.get_valid_for(30 * MINUTE) is bench.cache.get()
        assert bench.source.calls == 1

    def test_one_that_does_not_last_is_refreshed_now(self) -> None:
        bench = Bench()
        bench.cache.get()
        bench.at(20 * MINUTE)
        assert bench.phase is Phase.FRESH
        assert bench.cache.get_valid_for(50 * MINUTE).access_key_id == "id-2"
        assert bench.number() == 2

    def test_if_a_fresh_one_does_not_last_either_that_is_an_error_and_no_storm(self) -> None:
        bench = Bench()
        for _ in range(100):
            with pytest.raises(ProviderError, match="2:00:00"):
                bench.cache.get_valid_for(2 * HOUR)
        assert bench.source.calls <= 2
        assert bench.number() == 1 or bench.source.calls == 2

    def test_a_value_without_an_end_lasts_for_ever(self) -> None:
        assert Bench(None).cache.get_valid_for(timedelta(days=9999)).expires_at is None

    def test_a_failure_is_the_callers_even_if_others_are_still_served(self) -> None:
        bench = Bench(HOUR, DOWN)
        bench.cache.get()
        bench.at(20 * MINUTE)
        with pytest.raises(TransientError):
            bench.cache.get_valid_for(50 * MINUTE)
        assert bench.number() == 1

    @pytest.mark.parametrize("span", [-SECOND, 60, "1h", None])
    def test_a_span_is_a_timedelta_of_zero_or_more(self, span: object) -> None:
        with pytest.raises(ConfigurationError, match="span must be"):
            Bench().cache.get_valid_for(span)  # type: ignore[arg-type]  # that is the point


class TestClocks:
    @pytest.mark.parametrize("step", [-HOUR * 2, -timedelta(days=300)])
    def test_a_backward_step_of_the_wall_clock_moves_nothing(self, step: timedelta) -> None:
        bench = Bench(HOUR, DOWN)
        bench.cache.get()
        bench.clock.step_wall(step)
        bench.clock.advance(44 * MINUTE)
        assert bench.number() == 1
        assert bench.source.calls == 1
        bench.clock.advance(16 * MINUTE)
        with pytest.raises(TransientError):
            bench.cache.get()

    def test_a_forward_step_costs_one_refresh_at_most(self) -> None:
        bench = Bench(HOUR)
        bench.cache.get()
        bench.clock.step_wall(2 * HOUR)
        for _ in range(60 * 20):
            bench.cache.get()
            bench.clock.advance(SECOND)
        assert bench.source.calls == 2

    def test_a_forward_step_costs_one_refresh_also_if_fresh_values_look_as_if_they_had_ended(self) -> None:
        clock = FakeClock()

        class Source:
            name = "true time"
            calls = 0

            def get(self) -> Credential:
                self.calls += 1
                return credential(self.calls, HOUR, clock.true_time())

        source = Source()
        cache = CachingProvider(source, refresh=RefreshPolicy(mode=RefreshMode.INLINE, jitter=0.0), clock=clock)
        cache.get()
        clock.step_wall(2 * HOUR)
        for _ in range(44 * 60):
            assert cache.get().access_key_id == "id-1"
            clock.advance(SECOND)
        assert source.calls == 2

    def test_after_a_pause_of_the_machine_the_value_is_refreshed_before_it_is_used(self) -> None:
        bench = Bench(HOUR)
        bench.cache.get()
        bench.clock.pause(5 * HOUR)
        bench.clock.advance(MINUTE)
        assert bench.number() == 2

    def test_if_that_refresh_fails_the_held_value_is_served_and_the_backoff_kept(self) -> None:
        bench = Bench(HOUR, DOWN, DOWN, HOUR)
        bench.cache.get()
        bench.clock.pause(5 * HOUR)
        bench.clock.advance(MINUTE)
        assert [bench.number() for _ in range(5)] == [1] * 5
        assert bench.source.calls == 2
        bench.clock.advance(SECOND)
        assert bench.number() == 1
        bench.clock.advance(2 * SECOND)
        assert bench.number() == 4

    def test_the_wall_clock_is_looked_at_once_a_minute_and_not_more_often(self) -> None:
        looks = 0

        class Watched(FakeClock):
            def utcnow(self):  # type: ignore[no-untyped-def]  # FakeClock's, counted
                nonlocal looks
                looks += 1
                return super().utcnow()

        clock = Watched()
        cache = CachingProvider(Script(HOUR, clock=clock), clock=clock, refresh=RefreshPolicy(mode=RefreshMode.INLINE))
        cache.get()
        looks = 0
        for _ in range(6 * 60 * 10):
            cache.get()
            clock.advance(timedelta(milliseconds=100))
        assert 5 <= looks <= 6


class TestClose:
    def test_a_closed_provider_answers_nothing_any_more(self) -> None:
        bench = Bench()
        bench.cache.get()
        with bench.cache:
            pass
        for call in (bench.cache.get, lambda: bench.cache.get_valid_for(SECOND)):
            with pytest.raises(ClosedError, match="closed"):
                call()
        assert bench.phase is Phase.CLOSED
        assert bench.source.calls == 1
        assert not bench.cache.invalidate()
        bench.cache.close()


class TestEvents:
    def test_a_refresh_is_told_from_its_beginning_to_its_end(self) -> None:
        bench = Bench(HOUR, DOWN)
        bench.cache.get()
        bench.at(45 * MINUTE)
        bench.cache.get()
        started, succeeded, again, failed = bench.heard.events
        assert isinstance(started, RefreshStarted)
        assert (started.provider_name, started.attempt) == ("script", 1)
        assert isinstance(succeeded, RefreshSucceeded)
        assert (succeeded.refreshes, succeeded.expires_at) == (1, EPOCH + HOUR)
        assert succeeded.refresh_due_at == EPOCH + 45 * MINUTE
        assert isinstance(again, RefreshStarted)
        assert again.attempt == 2
        assert isinstance(failed, RefreshFailed)
        assert failed.error is DOWN
        assert failed.usable
        assert failed.next_attempt_at == EPOCH + 45 * MINUTE + SECOND

    def test_a_listener_that_raises_changes_nothing_and_is_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        def listener(event: object) -> None:
            raise ValueError("broken listener")

        cache = CachingProvider(Script(), listener=listener)
        with caplog.at_level(logging.ERROR, logger="alicred"):
            assert cache.get().access_key_id == "id-1"
        assert "RefreshSucceeded" in caplog.text
        assert "broken listener" in caplog.text

    def test_without_a_listener_the_first_success_and_every_failure_are_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        clock = FakeClock()
        source = Script(HOUR, DOWN, HOUR, clock=clock)
        cache = CachingProvider(source, clock=clock, refresh=RefreshPolicy(mode=RefreshMode.INLINE, jitter=0))
        with caplog.at_level(logging.INFO, logger="alicred"):
            cache.get()
            clock.advance(50 * MINUTE)
            cache.get()
            clock.advance(5 * MINUTE)
            cache.get()
        assert [(record.levelname, record.name) for record in caplog.records] == [("INFO", "alicred"), ("WARNING", "alicred")]
        assert "secret-" not in caplog.text
        assert "token-" not in caplog.text


class TestState:
    def test_it_tells_what_is_held_and_planned(self) -> None:
        bench = Bench(HOUR, DOWN)
        bench.cache.get()
        state = bench.cache.state()
        assert (state.phase, state.expires_at, state.window) == (Phase.FRESH, EPOCH + HOUR, 15 * MINUTE)
        assert (state.refresh_due_at, state.next_attempt_at) == (EPOCH + 45 * MINUTE, None)
        assert (state.refreshes, state.attempts, state.consecutive_failures, state.last_error) == (1, 1, 0, None)
        bench.at(45 * MINUTE)
        bench.cache.get()
        state = bench.cache.state()
        assert (state.refreshes, state.attempts, state.consecutive_failures, state.last_error) == (1, 2, 1, DOWN)
        assert state.next_attempt_at == EPOCH + 45 * MINUTE + SECOND

    def test_asking_it_starts_nothing(self) -> None:
        bench = Bench()
        bench.cache.state()
        assert bench.source.calls == 0


@pytest.mark.parametrize("copied", [lambda cache: pickle.loads(pickle.dumps(cache)), copy.copy, copy.deepcopy])
def test_a_copy_has_the_configuration_and_no_value(copied: object) -> None:
    policy = RefreshPolicy(max_wait=SECOND, mode=RefreshMode.INLINE)
    cache = CachingProvider(Held(), refresh=policy)
    assert cache.get() == credential(lifetime=None)
    twin = copied(cache)  # type: ignore[operator]
    assert twin.state().phase is Phase.EMPTY
    assert twin.get() == cache.get()
    assert (twin.name, cache.state().attempts) == ("held", 1)


class Held:
    name = "held"

    def get(self) -> Credential:
        return credential(lifetime=None)


def test_repr_shows_no_secret() -> None:
    bench = Bench()
    bench.cache.get()
    assert repr(bench.cache) == "<CachingProvider of script: fresh>"
    assert "secret" not in repr(bench.cache.state())


@pytest.mark.parametrize("source", [None, "env", Credential("a", "b"), Held, 5])
def test_what_is_no_provider_is_refused(source: object) -> None:
    with pytest.raises(ConfigurationError, match="must be a provider"):
        CachingProvider(source)  # type: ignore[type-var,arg-type]  # that is the point


def test_a_source_that_asks_its_own_cache_is_told_so_instead_of_waiting_for_itself() -> None:
    class Loop:
        name = "loop"
        cache: CachingProvider[Credential]

        def get(self) -> Credential:
            return self.cache.get()

    for mode in RefreshMode:
        loop = Loop()
        loop.cache = CachingProvider(loop, refresh=RefreshPolicy(mode=mode))
        with pytest.raises(ConfigurationError, match="asks the very provider that is waiting for it"):
            loop.cache.get()


@given(backoffs(jitter=st.just(0.0)), st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_rule_7_upstream_calls_are_bounded_by_the_policy_whatever_the_callers_do(backoff: Backoff, pauses: list[float]) -> None:
    bench = Bench(DOWN, failure_backoff=backoff)
    for pause in pauses:
        for _ in range(3):
            with pytest.raises(TransientError):
                bench.cache.get()
        bench.clock.advance(timedelta(seconds=pause))
    times = bench.source.times
    for failures, (earlier, later) in enumerate(pairwise(times), start=1):
        assert later - earlier >= backoff.delay(failures, 0).total_seconds() - 0.001


def test_a_source_that_keeps_its_value_to_the_end_is_not_asked_by_every_caller() -> None:
    kept = credential(lifetime=HOUR)
    bench = Bench(kept)
    bench.clock.advance(HOUR - 10 * SECOND)
    for _ in range(10_000):
        assert bench.cache.get() is kept
        bench.clock.advance(timedelta(milliseconds=1) if bench.clock.utcnow() < EPOCH + HOUR - SECOND else timedelta(0))
    assert bench.source.calls <= 6


def test_nothing_runs_while_nothing_is_refreshed() -> None:
    before = threading.active_count()
    bench = Bench(mode=RefreshMode.BACKGROUND)
    bench.cache.get()
    bench.cache.close()
    assert threading.active_count() == before
