"""A value without an end, and ``recheck``."""

from __future__ import annotations

import contextlib
import logging
from datetime import timedelta

import pytest

from alicred import (
    CachingProvider,
    ConfigurationError,
    DeniedError,
    NotConfiguredError,
    Phase,
    ProviderError,
    RefreshMode,
    RefreshPolicy,
)
from alicred.testing import FakeClock
from tests.refresh.bench import DOWN, FIXED, MINUTE, Bench
from tests.strategies import credential
from tests.support import SECOND, Script


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

    def test_the_same_key_again_counts_as_a_refresh_and_holds_nothing_back(self, caplog: pytest.LogCaptureFixture) -> None:
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
