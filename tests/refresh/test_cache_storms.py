"""Many failures at once, and how often the source is called."""

from __future__ import annotations

from contextlib import suppress

import attrs
import pytest

from alicred import (
    AlicredError,
    CachingProvider,
    ChainProvider,
    MalformedResponseError,
    NotConfiguredError,
    ProviderError,
    RefreshMode,
)
from alicred.testing import FakeClock
from tests.refresh.adverse import INLINE, MINUTE, TICK
from tests.strategies import credential
from tests.support import HOUR, SECOND, Script


class TestStorms:
    @pytest.mark.parametrize("held", [True, False])
    @pytest.mark.parametrize("mode", list(RefreshMode))
    def test_a_service_that_says_that_nothing_is_set_up_is_asked_at_the_pace_of_the_backoff(self, mode: RefreshMode, held: bool) -> None:
        clock = FakeClock()
        nothing = NotConfiguredError("no role is attached", answered=True)
        source = Script(*([HOUR] if held else []), nothing, clock=clock)
        cache = CachingProvider(ChainProvider(source), clock=clock, refresh=attrs.evolve(INLINE, mode=mode))
        if held:
            cache.get()
            clock.advance(50 * MINUTE)
        for _ in range(500):
            with suppress(AlicredError):
                cache.get()
            clock.advance(TICK)
        assert source.calls <= 3

    def test_asking_for_more_than_a_session_lasts_asks_the_source_at_the_pace_of_the_backoff(self) -> None:
        clock = FakeClock()
        source = Script(HOUR, clock=clock)
        cache = CachingProvider(source, refresh=INLINE, clock=clock)
        for _ in range(3000):
            with pytest.raises(ProviderError, match="2:00:00"):
                cache.get_valid_for(2 * HOUR)
            clock.advance(100 * TICK)
        gaps = [later - earlier for earlier, later in zip(source.times, source.times[1:], strict=False)]
        assert gaps == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60, 60], abs=0.2)
        assert cache.get().access_key_id  # and nobody else notices

    def test_a_span_that_a_fresh_value_does_last_for_is_served_all_the_same(self) -> None:
        clock = FakeClock()
        cache = CachingProvider(Script(HOUR, clock=clock), refresh=INLINE, clock=clock)
        with pytest.raises(ProviderError):
            cache.get_valid_for(2 * HOUR)
        clock.advance(100 * TICK)
        assert cache.get_valid_for(HOUR).access_key_id == "id-2"

    def test_after_a_failed_span_an_invalidated_value_is_replaced_at_once(self) -> None:
        clock = FakeClock()
        cache = CachingProvider(Script(HOUR, clock=clock), refresh=INLINE, clock=clock)
        with pytest.raises(ProviderError):
            cache.get_valid_for(2 * HOUR)
        cache.invalidate(cache.get())
        assert cache.get().access_key_id == "id-2"

    def test_a_service_that_rejects_everything_does_not_turn_every_worker_into_a_call(self) -> None:
        clock = FakeClock()
        source = Script(HOUR, clock=clock)
        cache = CachingProvider(source, refresh=INLINE, clock=clock)
        for _ in range(3000):
            try:
                cache.invalidate(cache.get())
            except ProviderError as error:
                assert "See why the service rejects it" in str(error)  # noqa: PT017  (there may be none)
            clock.advance(100 * TICK)
        assert source.calls <= 3 + 3000 * 0.1 / 60 + 7

    def test_two_rejections_in_a_row_are_free_and_so_is_one_now_and_then(self) -> None:
        clock = FakeClock()
        cache = CachingProvider(Script(HOUR, clock=clock), refresh=INLINE, clock=clock)
        for _ in range(2):
            cache.invalidate(cache.get())
        cache.get()
        for _ in range(10):
            clock.advance(2 * MINUTE)
            assert cache.invalidate(cache.get())
            assert cache.get().access_key_id

    def test_a_value_that_was_not_rejected_ends_the_row(self) -> None:
        clock = FakeClock()
        cache = CachingProvider(Script(40 * SECOND, clock=clock), refresh=INLINE, clock=clock)
        for _ in range(6):
            for _ in range(2):
                assert cache.invalidate(cache.get())
            cache.get()
            clock.advance(35 * SECOND)
            cache.get()

    def test_keys_that_rotate_under_one_end_are_no_repetition(self) -> None:
        clock = FakeClock()
        numbers = iter(range(1, 1000))
        source = Script(lambda: credential(next(numbers), HOUR), clock=clock)
        policy = attrs.evolve(INLINE, max_age=30 * SECOND)
        cache = CachingProvider(source, refresh=policy, clock=clock)
        for number in range(1, 11):
            assert cache.get().access_key_id == f"id-{number}"
            clock.advance(30 * SECOND)
        cache.get()
        assert cache.invalidate()
        assert cache.get().access_key_id == "id-12"

    def test_values_that_end_before_they_can_be_used_are_an_error_in_the_end(self) -> None:
        clock = FakeClock()
        source = Script(TICK, clock=clock)

        def slow(event: object) -> None:
            clock.advance(2 * TICK)

        cache = CachingProvider(source, refresh=INLINE, clock=clock, listener=slow)
        with pytest.raises(MalformedResponseError, match="end before they can be used"):
            cache.get()
        assert source.calls == 3
