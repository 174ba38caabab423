"""What operators and single calls ask of a cache: a new value now, another patience, an end, and what is in it."""

from __future__ import annotations

import pickle
import threading
from datetime import timedelta

import pytest

from alicred import (
    Backoff,
    CachingProvider,
    ChainProvider,
    ClosedError,
    ConfigurationError,
    Credential,
    DeniedError,
    EnvironmentProvider,
    Phase,
    RefreshMode,
    RefreshPolicy,
    RefreshTimeoutError,
    RetryingProvider,
    RetryPolicy,
    TransientError,
)
from alicred.testing import FakeClock
from tests.libraries import Run, in_each_library
from tests.support import HOUR, SECOND, Gate, Pickled, Recorder, Script, ids, in_threads, wait_until

BOTH_MODES = pytest.mark.parametrize("mode", list(RefreshMode))


def waiting(cache: CachingProvider[Credential]) -> int:
    """How many callers wait for the refresh that is under way."""
    flight = cache._state.flight
    return 0 if flight is None else len(flight._waiters)


class TestRefresh:
    @BOTH_MODES
    def test_a_new_value_comes_now_whatever_the_phase(self, mode: RefreshMode) -> None:
        cache = CachingProvider(Script(), refresh=RefreshPolicy(mode=mode))
        assert [cache.get().access_key_id, cache.refresh().access_key_id, cache.get().access_key_id] == ["id-1", "id-2", "id-2"]

    @BOTH_MODES
    def test_a_back_off_does_not_hold_it(self, mode: RefreshMode) -> None:
        clock = FakeClock()
        source = Script(TransientError("down"), TransientError("still down"), HOUR)
        cache = CachingProvider(source, refresh=RefreshPolicy(mode=mode), clock=clock)
        with pytest.raises(TransientError, match="down"):
            cache.get()
        with pytest.raises(TransientError, match="down"):
            cache.get()
        assert source.calls == 1, "the back-off holds for everybody else"
        with pytest.raises(TransientError, match="still down"):
            cache.refresh()
        assert cache.refresh().access_key_id == cache.get().access_key_id == "id-3"

    @BOTH_MODES
    def test_a_failure_is_raised_and_the_held_value_stays_in_service(self, mode: RefreshMode) -> None:
        source = Script(HOUR, DeniedError("no"))
        cache = CachingProvider(source, refresh=RefreshPolicy(mode=mode))
        cache.get()
        with pytest.raises(DeniedError):
            cache.refresh()
        assert cache.get().access_key_id == "id-1"
        assert cache.state().consecutive_failures == 1

    @BOTH_MODES
    def test_there_is_one_at_a_time_all_the_same(self, mode: RefreshMode) -> None:
        gate = Gate()
        source = Script(HOUR, gate, HOUR)
        cache = CachingProvider(source, refresh=RefreshPolicy(mode=mode))
        cache.get()
        waiters = 7 if mode is RefreshMode.INLINE else 8  # who begins it inline runs it
        opener = threading.Thread(target=lambda: (wait_until(lambda: waiting(cache) == waiters), gate.open()))
        opener.start()
        assert ids(in_threads(8, cache.refresh)) == {"id-2"}
        opener.join()
        assert source.calls == 2

    def test_it_joins_a_refresh_that_a_get_has_begun(self) -> None:
        gate = Gate()
        source = Script(gate)
        cache = CachingProvider(source)
        opener = threading.Thread(target=lambda: (wait_until(lambda: waiting(cache) == 2), gate.open()))
        opener.start()
        first = threading.Thread(target=cache.get)
        first.start()
        gate.entered.wait(20)
        assert cache.refresh().access_key_id == "id-1"
        first.join(20)
        opener.join(20)
        assert source.calls == 1

    def test_nothing_comes_of_a_closed_one(self) -> None:
        cache = CachingProvider(Script())
        cache.close()
        with pytest.raises(ClosedError):
            cache.refresh()

    @in_each_library
    def test_tasks_do_as_threads_do(self, run: Run) -> None:
        source = Script(HOUR, HOUR, DeniedError("no"))
        cache = CachingProvider(source)

        async def main() -> list[str]:
            return [(await cache.aget()).access_key_id, (await cache.arefresh()).access_key_id]

        assert run(main) == ["id-1", "id-2"]
        with pytest.raises(DeniedError):
            run(cache.arefresh)


class TestMaxWait:
    @in_each_library
    def test_one_call_may_wait_for_less_than_the_policy_says(self, run: Run) -> None:
        gate = Gate()
        cache = CachingProvider(Script(gate), refresh=RefreshPolicy(max_wait=HOUR))
        with pytest.raises(RefreshTimeoutError, match=r"waited 0\.01 s for a refresh"):
            cache.get(max_wait=timedelta(milliseconds=10))

        async def main() -> None:
            await cache.aget(max_wait=timedelta(milliseconds=10))

        with pytest.raises(RefreshTimeoutError):
            run(main)
        gate.open()
        assert cache.get().access_key_id == "id-1"

    def test_a_value_that_is_held_is_served_whatever_it_says(self) -> None:
        cache = CachingProvider(Script())
        assert cache.get() is cache.get(max_wait=timedelta(0))

    def test_or_for_more(self) -> None:
        gate = Gate()
        cache = CachingProvider(Script(gate), refresh=RefreshPolicy(max_wait=timedelta(0)))
        with pytest.raises(RefreshTimeoutError):
            cache.get()
        threading.Timer(0.05, gate.open).start()
        assert cache.get(max_wait=20 * SECOND).access_key_id == "id-1"

    def test_a_time_out_is_one_of_pythons_too(self) -> None:
        gate = Gate()
        cache = CachingProvider(Script(gate))
        with pytest.raises(TimeoutError):
            cache.get(max_wait=timedelta(0))
        gate.open()

    @pytest.mark.parametrize("wrong", [-SECOND, 3])
    def test_a_wrong_one_is_refused(self, wrong: timedelta) -> None:
        cache = CachingProvider(Script())
        cache.get()
        with pytest.raises(ConfigurationError, match=r"max_wait must be a datetime\.timedelta of zero or more"):
            cache.get(max_wait=wrong)


class TestClosing:
    @in_each_library
    def test_an_async_block_closes_it(self, run: Run) -> None:
        cache = CachingProvider(Script())

        async def main() -> str:
            async with cache as same:
                assert same is cache
                return (await same.aget()).access_key_id

        assert run(main) == "id-1"
        assert cache.state().phase is Phase.CLOSED

    @in_each_library
    def test_it_waits_for_a_refresh_without_holding_the_loop(self, run: Run) -> None:
        gate = Gate()
        cache = CachingProvider(Script(gate))
        found: list[object] = []
        asking = threading.Thread(target=lambda: found.extend(in_threads(1, cache.get)))
        asking.start()
        gate.entered.wait(20)

        async def main() -> None:
            threading.Timer(0.05, gate.open).start()
            await cache.aclose()

        run(main)
        asking.join(20)
        assert isinstance(found[0], ClosedError)
        assert cache.state().phase is Phase.CLOSED


class TestNames:
    def test_a_name_stands_before_the_source(self) -> None:
        cache = CachingProvider(RetryingProvider(Script(), name="patient"), name="reports")
        assert cache.name == "reports"
        assert cache.get().provider_name == "reports/patient"
        assert CachingProvider(Script()).get().provider_name == ""

    def test_it_stands_in_events_and_errors_and_travels(self) -> None:
        heard = Recorder()
        cache = CachingProvider(Script(DeniedError("no")), name="reports", listener=heard)
        with pytest.raises(DeniedError, match=r"^reports: no"):
            cache.get()
        assert {event.provider_name for event in heard.events} == {"reports"}
        assert pickle.loads(pickle.dumps(CachingProvider(Pickled(), name="reports"))).name == "reports"
        assert pickle.loads(pickle.dumps(RetryingProvider(Pickled(), name="again"))).name == "again"

    @pytest.mark.parametrize("make", [CachingProvider, RetryingProvider])
    def test_an_empty_one_is_refused(self, make: type[CachingProvider[object]]) -> None:
        with pytest.raises(ConfigurationError, match=r"\.name is empty"):
            make(Script(), name="")  # type: ignore[type-var]


def test_a_cache_and_a_retry_explain_what_they_wrap() -> None:
    chain = ChainProvider(EnvironmentProvider({}), Script(DeniedError("no")), Script())
    provider = CachingProvider(RetryingProvider(chain, retry=RetryPolicy(attempts=1)))
    assert [report.outcome.value for report in provider.explain()] == ["not configured", "failed", "found"]
    (alone,) = CachingProvider(Script()).explain()
    assert (alone.name, alone.outcome.value) == ("script", "found")


def test_a_replay_says_how_old_it_is_and_when_the_next_attempt_is() -> None:
    clock = FakeClock()
    policy = RefreshPolicy(mode=RefreshMode.INLINE, failure_backoff=Backoff(initial=40 * SECOND, maximum=40 * SECOND, jitter=0))
    cache = CachingProvider(Script(TransientError("down", provider="sts", code="ServiceUnavailable")), refresh=policy, clock=clock)
    with pytest.raises(TransientError) as first:
        cache.get()
    clock.advance(12 * SECOND)
    with pytest.raises(TransientError) as second:
        cache.get()
    assert "ago" not in str(first.value)
    assert second.value.message == "down (failed 12 s ago; next attempt in 28 s)"
    clock.advance(27.5 * SECOND)
    with pytest.raises(TransientError, match=r"down \(failed 40 s ago; next attempt in 0\.5 s\)"):
        cache.get()
    state = cache.state()
    assert state.last_error is not None
    assert state.last_error.message == "down", "what is kept does not grow"
