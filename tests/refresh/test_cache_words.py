"""What a cache says, field by field: to its listener, to its callers, and to whoever pickles it."""

from __future__ import annotations

import asyncio
import pickle
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from alicred import (
    AlicredError,
    Backoff,
    CachingProvider,
    ClosedError,
    ConfigurationError,
    Credential,
    FixedWindow,
    MalformedResponseError,
    ProviderError,
    RefreshMode,
    RefreshPolicy,
    RefreshTimeoutError,
    TransientError,
)
from alicred.events import Event, RefreshFailed, RefreshStarted, RefreshSucceeded, ServedStale
from alicred.provider import success_report
from alicred.testing import FakeClock
from tests.strategies import credential
from tests.support import HOUR, SECOND, Gate, Recorder, Script, in_threads, wait_until

INLINE = RefreshPolicy(mode=RefreshMode.INLINE, jitter=0, failure_backoff=Backoff(initial=4 * SECOND, maximum=HOUR, jitter=0))
DOWN = TransientError("down")


def cached(*steps: object, policy: RefreshPolicy = INLINE) -> tuple[CachingProvider[Credential], FakeClock, Recorder, Script]:
    clock, heard = FakeClock(), Recorder()
    source = Script(*steps, clock=clock)
    return CachingProvider(source, refresh=policy, clock=clock, listener=heard), clock, heard, source


class TestEvents:
    def test_of_a_refresh_that_succeeds(self) -> None:
        def slow() -> object:
            clock.advance(2 * SECOND)
            return HOUR

        cache, clock, heard, _ = cached(slow)
        began = clock.utcnow()
        value = cache.get()
        assert heard.events == [
            RefreshStarted(provider_name="script", attempt=1),
            RefreshSucceeded(
                provider_name="script",
                refreshes=1,
                expires_at=began + 2 * SECOND + HOUR,
                refresh_due_at=began + 2 * SECOND + timedelta(minutes=45),
                seconds=2.0,
                found=success_report("script", value),
                changed=True,
            ),
        ]

    def test_of_refreshes_that_fail(self) -> None:
        def slow() -> object:
            clock.advance(2 * SECOND)
            return DOWN

        cache, clock, heard, _ = cached(slow)
        for _ in range(2):
            with pytest.raises(TransientError):
                cache.get()
            clock.advance(4 * SECOND)
        first, second = heard.of(RefreshFailed)
        assert heard.of(RefreshStarted) == [RefreshStarted(provider_name="script", attempt=number) for number in (1, 2)]
        assert (first.provider_name, first.error, first.consecutive_failures) == ("script", DOWN, 1)
        assert (first.next_attempt_at, first.usable, first.seconds) == (clock.utcnow() - 6 * SECOND, False, 2.0)
        assert (second.consecutive_failures, second.next_attempt_at) == (2, clock.utcnow() + 4 * SECOND)

    def test_of_a_refresh_that_fails_while_a_value_is_held(self) -> None:
        cache, clock, heard, _ = cached(HOUR, DOWN)
        cache.get()
        clock.advance(timedelta(minutes=50))
        cache.get()
        [failed] = heard.of(RefreshFailed)
        assert failed.usable is True

    def test_of_servings_past_the_end(self) -> None:
        cache, clock, heard, _ = cached(
            HOUR, DOWN, policy=RefreshPolicy(mode=RefreshMode.INLINE, failure_backoff=INLINE.failure_backoff, grace=HOUR)
        )
        value = cache.get()
        clock.advance(HOUR + SECOND)
        assert [cache.get(), cache.get()] == [value, value]
        assert heard.of(ServedStale) == [ServedStale(provider_name="script", expires_at=value.expires_at, times=times) for times in (1, 2)]


class TestErrors:
    def failure(self, ask: Callable[[], object], kind: type[AlicredError]) -> AlicredError:
        with pytest.raises(kind) as caught:
            ask()
        assert caught.value.provider == "script"
        return caught.value

    def test_a_closed_cache_is_named(self) -> None:
        cache, *_ = cached(HOUR)
        cache.close()
        self.failure(cache.get, ClosedError)

    def test_so_is_one_whose_values_are_too_short(self) -> None:
        cache, *_ = cached(HOUR)
        for _ in range(2):  # after a refresh, and inside the back-off
            error = self.failure(lambda: cache.get_valid_for(2 * HOUR), ProviderError)
            assert "2:00:00" in str(error)

    def test_so_is_one_whose_values_are_rejected_and_how_long_it_waits(self) -> None:
        cache, clock, _, _ = cached(HOUR)
        for _ in range(2):
            cache.get()
            cache.invalidate()
        cache.get()
        cache.invalidate()
        clock.advance(SECOND)
        assert "asked again in 3.0 s" in str(self.failure(cache.get, ProviderError))

    def test_so_is_one_whose_values_end_at_once(self) -> None:
        clock = FakeClock()
        cache: CachingProvider[Credential] = CachingProvider(
            Script(SECOND, clock=clock), refresh=INLINE, clock=clock, listener=lambda event: clock.advance(2 * SECOND)
        )
        self.failure(cache.get, MalformedResponseError)

    def test_so_is_one_that_a_caller_waits_for_in_vain(self) -> None:
        gate = Gate()
        cache = CachingProvider(Script(gate), refresh=RefreshPolicy(max_wait=timedelta(0)))
        try:
            assert "waited 0 s" in str(self.failure(cache.get, RefreshTimeoutError))
        finally:
            gate.open()
            wait_until(lambda: cache.state().refreshes == 1)

    def test_so_is_one_whose_source_asks_it(self) -> None:
        cache, *_ = cached(lambda: cache.get())
        error = self.failure(cache.get, ConfigurationError)
        assert "asks the very provider" in str(error)

    def test_so_is_one_whose_source_raises_something_foreign_or_returns_no_value(self) -> None:
        foreign, *_ = cached(KeyError("x"))
        assert "KeyError" in str(self.failure(foreign.get, ProviderError))

        class Odd(Script):
            def get(self) -> Credential:
                return "a token"  # type: ignore[return-value]  # that is the point

        self.failure(CachingProvider(Odd(), refresh=INLINE).get, MalformedResponseError)

    def test_so_is_one_whose_source_exits_on_a_thread(self) -> None:
        source = Script(SystemExit(3))
        error = self.failure(CachingProvider(source, refresh=RefreshPolicy()).get, ProviderError)
        assert "SystemExit" in str(error)
        assert error.__cause__ is not None
        assert isinstance(error.__cause__.__cause__, SystemExit)

    def test_so_is_one_whose_value_had_ended(self) -> None:
        cache, *_ = cached(-SECOND)
        self.failure(cache.get, MalformedResponseError)

    def test_so_is_one_whose_window_raises(self) -> None:
        def window(lifetime: timedelta) -> timedelta:
            if lifetime < HOUR:
                raise ZeroDivisionError
            return SECOND

        cache, *_ = cached(SECOND, policy=RefreshPolicy(ahead=window, mode=RefreshMode.INLINE))
        error = self.failure(cache.get, ProviderError)
        assert "RefreshPolicy.ahead raised ZeroDivisionError" in str(error)

    @pytest.mark.parametrize("span", [-SECOND, 60, None])
    def test_a_span_that_is_none_is_refused(self, span: object) -> None:
        cache, *_ = cached(HOUR)
        with pytest.raises(ConfigurationError, match=r"^span must be a datetime\.timedelta of zero or more, not "):
            cache.get_valid_for(span)  # type: ignore[arg-type]  # that is the point

    @pytest.mark.parametrize(("name", "value"), [("source", None), ("refresh", SECOND), ("clock", 3), ("listener", "print")])
    def test_a_wrong_argument_is_named(self, name: str, value: object) -> None:
        with pytest.raises(ConfigurationError, match=rf"^CachingProvider\.{name} must be "):
            CachingProvider(**{"source": Script(), name: value})  # type: ignore[arg-type]  # that is the point


class Where(Script):
    """Remembers on which threads it was asked, by their names."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[str] = []

    def get(self) -> Credential:
        self.threads.append(threading.current_thread().name)
        return super().get()


Cache = CachingProvider[Credential]
SYNC: list[Callable[[Cache], object]] = [
    lambda cache: cache.get(),
    lambda cache: cache.get_valid_for(timedelta(0)),
    lambda cache: cache.get_valid_for(SECOND),
]
TASKS: list[Callable[[Cache], object]] = [
    lambda cache: asyncio.run(cache.aget()),
    lambda cache: asyncio.run(cache.aget_valid_for(timedelta(0))),
    lambda cache: asyncio.run(cache.aget_valid_for(SECOND)),
]


class TestWhereItRuns:
    @pytest.mark.parametrize(("mode", "here"), [(RefreshMode.INLINE, True), (RefreshMode.BACKGROUND, False)])
    @pytest.mark.parametrize("ask", SYNC)
    def test_for_a_thread_it_is_where_the_policy_says(self, ask: Callable[[Cache], object], mode: RefreshMode, here: bool) -> None:
        source = Where()
        ask(CachingProvider(source, refresh=RefreshPolicy(mode=mode)))
        assert source.threads == [threading.current_thread().name if here else "alicred-refresh-script"]

    @pytest.mark.parametrize("mode", RefreshMode)
    @pytest.mark.parametrize("ask", TASKS)
    def test_for_a_task_it_is_a_thread_of_its_own_always(self, ask: Callable[[Cache], object], mode: RefreshMode) -> None:
        source = Where()
        ask(CachingProvider(source, refresh=RefreshPolicy(mode=mode)))
        assert source.threads == ["alicred-refresh-script"]


@pytest.mark.parametrize("ask", [SYNC[0], TASKS[0]])
def test_the_refresh_is_due_at_its_moment_and_not_after_it(ask: Callable[[Cache], object]) -> None:
    cache, clock, _, source = cached(40 * SECOND, policy=RefreshPolicy(ahead=FixedWindow(10 * SECOND), jitter=0))
    ask(cache)
    clock.advance(30 * SECOND - timedelta(microseconds=1))
    ask(cache)
    assert cache.state().attempts == 1
    clock.advance(timedelta(microseconds=1))
    ask(cache)
    wait_until(lambda: source.calls == 2 and cache.state().refreshes == 2)


def test_the_wall_clock_is_looked_at_once_a_minute_and_no_more_often() -> None:
    cache, clock, _, source = cached(HOUR)
    cache.get()
    clock.advance(59 * SECOND)
    clock.step_wall(2 * HOUR)
    cache.get_valid_for(SECOND)  # which goes another way than a plain get()
    assert (source.calls, cache.state().phase.value) == (1, "fresh")
    clock.advance(SECOND)
    assert (cache.get().access_key_id, source.calls) == ("id-2", 2)


HEARD: list[Event] = []


class Picklable:
    name = "picklable"

    def get(self) -> Credential:
        return credential(lifetime=None)


def hear(event: Event) -> None:
    HEARD.append(event)


def test_a_pickle_takes_policy_clock_and_listener_along() -> None:
    HEARD.clear()
    cache = CachingProvider(Picklable(), refresh=INLINE, clock=FakeClock(), listener=hear)
    twin = pickle.loads(pickle.dumps(cache))
    assert (twin._refresh, type(twin._clock), twin._listener) == (INLINE, FakeClock, hear)
    assert twin.get() == credential(lifetime=None)
    assert [type(event) for event in HEARD] == [RefreshStarted, RefreshSucceeded]
    assert repr(twin) == "<CachingProvider of picklable: fresh>"


def test_closing_waits_for_the_refresh_that_is_under_way() -> None:
    gate = Gate()
    cache = CachingProvider(Script(gate))
    asking = threading.Thread(target=lambda: in_threads(1, cache.get))
    asking.start()
    assert gate.entered.wait(10)
    closing = threading.Thread(target=cache.close)
    closing.start()
    wait_until(lambda: cache.state().phase.value == "closed")
    closing.join(0.05)
    assert closing.is_alive()
    gate.open()
    closing.join(10)
    assert not closing.is_alive()
    asking.join(10)
