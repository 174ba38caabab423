"""The cache against the rules of the engine, on a clock that stands still: one caller, no waiting, no chance."""

from __future__ import annotations

import copy
import pickle
import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred import (
    Backoff,
    BearerToken,
    CachingProvider,
    ConfigurationError,
    Credential,
    Phase,
    RefreshMode,
    RefreshPolicy,
    TransientError,
)
from tests.refresh.bench import DOWN, MINUTE, Bench
from tests.strategies import EPOCH, backoffs, credential
from tests.support import HOUR, SECOND

MODES = pytest.mark.parametrize("mode", list(RefreshMode))


def test_the_source_is_not_asked_before_a_caller_asks() -> None:
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
