"""``close``, events and ``state``."""

from __future__ import annotations

import logging

import pytest

from alicred import CachingProvider, ClosedError, Phase, RefreshMode, RefreshPolicy
from alicred.events import RefreshFailed, RefreshStarted, RefreshSucceeded
from alicred.testing import FakeClock
from tests.refresh.bench import DOWN, MINUTE, Bench
from tests.strategies import EPOCH
from tests.support import HOUR, SECOND, Script


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
