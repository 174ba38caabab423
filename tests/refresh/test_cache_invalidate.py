"""``invalidate`` and ``get(valid_for=...)``."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alicred import (
    ConfigurationError,
    Phase,
    ProviderError,
    TransientError,
)
from tests.refresh.bench import DOWN, MINUTE, Bench
from tests.strategies import credential
from tests.support import HOUR, SECOND


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
            with pytest.raises(ProviderError, match="See why the service rejects it"):
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
