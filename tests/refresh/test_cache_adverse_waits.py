"""Waits that end badly."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone

import attrs
import pytest

from alicred import (
    CachingProvider,
    Credential,
    Phase,
    ProviderError,
    RefreshMode,
    RefreshPolicy,
)
from alicred.testing import FakeClock
from tests.refresh.adverse import INLINE, MINUTE
from tests.support import HOUR, Gate, Script, ids, in_threads


class TestWaiting:
    def in_urgent(self, max_wait: timedelta) -> tuple[FakeClock, Gate, CachingProvider[Credential]]:
        """A cache in its last minute, whose refresh has been under way for nine tenths of *max_wait*."""
        clock, gate = FakeClock(), Gate()
        policy = RefreshPolicy(jitter=0, max_wait=max_wait)
        cache = CachingProvider(Script(HOUR, gate, clock=clock), clock=clock, refresh=policy)
        cache.get()
        clock.advance(58 * MINUTE)
        cache.get()
        assert gate.entered.wait(5)
        clock.advance(MINUTE + max_wait * 0.9)
        state = cache._current()
        snapshot = attrs.evolve(state.snapshot, waited_for_until=clock.monotonic() + max_wait.total_seconds() * 0.1)
        assert cache._change(state, snapshot, state.flight, clock.monotonic())
        assert cache.state().phase is Phase.URGENT
        return clock, gate, cache

    def test_who_holds_a_value_waits_for_an_old_flight_no_longer_than_the_first_would(self) -> None:
        _, gate, cache = self.in_urgent(timedelta(seconds=4))
        began = time.monotonic()
        assert cache.get().access_key_id == "id-1"
        assert 0.3 < time.monotonic() - began < 3
        gate.open()

    def test_who_waits_while_the_value_ends_goes_on_waiting(self) -> None:
        clock, gate, cache = self.in_urgent(timedelta(seconds=4))
        timers = [threading.Timer(0.1, clock.advance, (2 * MINUTE,)), threading.Timer(1.0, gate.open)]
        for timer in timers:
            timer.start()
        assert cache.get().access_key_id == "id-2"
        for timer in timers:
            timer.join()

    def test_an_inline_flight_that_was_overtaken_is_flown_again_however_long_it_took(self) -> None:
        gate = Gate()
        source = Script(gate, HOUR)
        cache = CachingProvider(source, refresh=attrs.evolve(INLINE, max_wait=timedelta(0), grace=HOUR))
        results: list[object] = []
        clock_free = threading.Thread(target=lambda: results.extend(in_threads(1, cache.get)))
        clock_free.start()
        assert gate.entered.wait(5)
        state = cache._current()
        snapshot = attrs.evolve(state.snapshot, generation=state.snapshot.generation + 1)  # as an invalidation does
        assert cache._change(state, snapshot, state.flight, cache._now())
        gate.open()
        clock_free.join(5)
        assert ids(results) == {"id-2"}

    @pytest.mark.parametrize("mode", list(RefreshMode))
    def test_the_longest_spans_are_no_trouble(self, mode: RefreshMode) -> None:
        longest = timedelta.max
        policy = RefreshPolicy(mode=mode, max_wait=longest, grace=longest, margin=longest, max_age=longest)
        cache = CachingProvider(Script(), refresh=policy)
        assert cache.get().access_key_id == "id-1"
        with pytest.raises(ProviderError, match="does not last that long"):
            cache.get_valid_for(longest)
        end = datetime.max.replace(tzinfo=timezone.utc)
        far = CachingProvider(Script(Credential("far", "secret", None, end)), refresh=RefreshPolicy(mode=mode, grace=longest))
        assert far.get().access_key_id == "far"
        assert far.state().phase is Phase.FRESH
