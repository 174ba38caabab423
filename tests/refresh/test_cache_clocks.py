"""Clocks that are put right, stand still, or disagree with the service."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alicred import (
    CachingProvider,
    Credential,
    RefreshMode,
    RefreshPolicy,
    TransientError,
)
from alicred.testing import FakeClock
from tests.refresh.bench import DOWN, MINUTE, Bench
from tests.strategies import credential
from tests.support import HOUR, SECOND, Script


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
