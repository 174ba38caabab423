"""A stale value: how long it is served, and when a refusal ends it."""

from __future__ import annotations

import pytest

from alicred import DeniedError, OnDenied, Phase, TransientError
from alicred.events import ServedStale
from tests.refresh.bench import DOWN, MINUTE, Bench
from tests.support import HOUR, SECOND


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
