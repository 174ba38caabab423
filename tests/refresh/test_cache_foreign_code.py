"""Sources, listeners and arguments that do what they should not."""

from __future__ import annotations

import _thread
import asyncio
import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

import attrs
import pytest

from alicred import (
    SYSTEM_CLOCK,
    AlicredError,
    Backoff,
    CachingProvider,
    ChainPolicy,
    ChainProvider,
    ConfigurationError,
    Credential,
    ProviderError,
    RefreshMode,
    RefreshPolicy,
    TransientError,
)
from alicred._internal.forks import _reset_all
from alicred.events import RefreshFailed, RefreshStarted, RefreshSucceeded
from alicred.testing import FakeClock
from tests.refresh.adverse import DOWN, INLINE, MINUTE, TICK, Exhausted
from tests.strategies import credential
from tests.support import HOUR, SECOND, Gate, Script, in_threads


class TestForeignCode:
    @pytest.mark.parametrize("kind", [RefreshStarted, RefreshSucceeded, RefreshFailed])
    @pytest.mark.parametrize("ending", [SystemExit, asyncio.CancelledError, GeneratorExit, ZeroDivisionError])
    @pytest.mark.parametrize("mode", list(RefreshMode))
    def test_a_listener_that_ends_its_thread_is_no_storm(self, mode: RefreshMode, ending: type[BaseException], kind: type) -> None:
        def listener(event: object) -> None:
            if isinstance(event, kind):
                raise ending

        source = Script(DOWN if kind is RefreshFailed else HOUR)
        cache = CachingProvider(source, listener=listener, refresh=attrs.evolve(INLINE, mode=mode, max_wait=20 * SECOND))
        received = list[type]()
        for _ in range(5):
            try:
                received.append(type(cache.get()))
            except (AlicredError, ending) as error:
                received.append(type(error))
        usual = TransientError if kind is RefreshFailed else Credential
        if mode is RefreshMode.BACKGROUND or ending is not SystemExit:
            assert received == [usual] * 5
            assert source.calls == 1
        else:  # which a signal's handler may have raised: it goes on to the caller who runs the refresh
            assert received[0] is ending
            assert set(received[1:]) == ({ending} if kind is RefreshStarted else {usual})
            assert source.calls == (0 if kind is RefreshStarted else 1)

    @pytest.mark.parametrize("mode", list(RefreshMode))
    @pytest.mark.parametrize("ending", [SystemExit, asyncio.CancelledError, GeneratorExit, Exhausted])
    @pytest.mark.parametrize("where", ["source", "window", "backoff", "chain's listener"])
    def test_what_ends_a_thread_is_no_storm_wherever_it_is_raised(self, where: str, ending: type[BaseException], mode: RefreshMode) -> None:
        if mode is RefreshMode.INLINE and (where == "source" or (ending is Exhausted and where == "chain's listener")):
            pytest.skip("it goes on to the caller, whose own end it may be")
        clock = FakeClock()

        def raise_it(*_: object) -> object:
            raise ending

        def window(lifetime: timedelta) -> timedelta:
            if lifetime == HOUR:
                return MINUTE
            raise ending

        class Odd(Backoff):
            def delay(self, failures: int, u: float) -> timedelta:
                raise ending

        source = Script({"source": raise_it, "backoff": DOWN}.get(where, 2 * HOUR), clock=clock)
        listener = raise_it if where == "chain's listener" else None
        chain = ChainProvider(source, listener=listener, chain=ChainPolicy(sticky=False))  # type: ignore[arg-type]  # it returns nothing
        own: dict[str, Any] = {"window": {"ahead": window}, "backoff": {"failure_backoff": Odd()}}.get(where, {})
        policy = attrs.evolve(INLINE, mode=mode, max_wait=SECOND, **own)
        cache = CachingProvider(chain, clock=clock, refresh=policy)
        for _ in range(500):
            with suppress(AlicredError, ending):
                cache.get()
            clock.advance(TICK)
        assert source.calls <= 20

    @pytest.mark.parametrize("mode", list(RefreshMode))
    @pytest.mark.parametrize("answer", [ZeroDivisionError(), SystemExit(), float("nan"), None, -SECOND])
    def test_a_backoff_that_cannot_be_asked_is_no_storm(self, answer: object, mode: RefreshMode) -> None:
        class Odd(Backoff):
            def delay(self, failures: int, u: float) -> timedelta:
                if isinstance(answer, BaseException):
                    raise answer
                return answer  # type: ignore[return-value]  # that is the point

        clock = FakeClock()
        source = Script(DOWN, clock=clock)
        cache = CachingProvider(source, clock=clock, refresh=attrs.evolve(INLINE, mode=mode, failure_backoff=Odd()))
        for _ in range(1000):
            with pytest.raises(TransientError, match=r"down\. RefreshPolicy\.failure_backoff (raised|returned) .*\. Have Odd\.delay\(\)"):
                cache.get()
            clock.advance(TICK)
        assert source.calls <= 20

    def test_a_value_that_cannot_be_compared_is_a_failure_and_no_storm(self) -> None:
        class Odd:
            expires_at = None

            def __eq__(self, other: object) -> bool:
                raise ValueError("cannot be compared")

            __hash__ = object.__hash__

        class Source:
            name, calls = "odd", 0

            def get(self) -> Odd:
                self.calls += 1
                return Odd()

        source = Source()
        cache = CachingProvider(source, refresh=INLINE)
        cache.get()
        cache.invalidate()
        for _ in range(20):
            with pytest.raises(ProviderError, match="ValueError"):
                cache.get()
        assert source.calls == 2

    def test_a_window_that_raises_is_blamed_and_the_source_left_alone(self) -> None:
        def window(lifetime: timedelta) -> timedelta:
            if lifetime == HOUR:
                return MINUTE
            raise ZeroDivisionError

        source = Script(2 * HOUR)
        cache = CachingProvider(source, refresh=attrs.evolve(INLINE, ahead=window))
        for _ in range(5):
            with pytest.raises(ProviderError, match=r"RefreshPolicy\.ahead raised ZeroDivisionError"):
                cache.get()
        assert source.calls == 1

    @pytest.mark.parametrize("window", [lambda lifetime: 600, lambda: MINUTE, lambda lifetime: 1 / 0])
    def test_a_window_that_is_none_is_found_out_when_the_policy_is_made(self, window: object) -> None:
        with pytest.raises(ConfigurationError, match="function from a lifetime to one; for an hour"):
            RefreshPolicy(ahead=window)  # type: ignore[arg-type]  # that is the point

    def test_one_provider_that_cannot_be_reset_does_not_keep_the_others_from_it(self) -> None:
        calls = 0

        def window(lifetime: timedelta) -> timedelta:
            nonlocal calls
            calls += 1
            if calls > 3:
                raise ZeroDivisionError
            return MINUTE

        bad = CachingProvider(Script(), refresh=RefreshPolicy(ahead=window))
        bad.get()
        gate = Gate()
        good = CachingProvider(Script(gate))
        waiter = threading.Thread(target=lambda: in_threads(1, good.get))
        waiter.start()
        assert gate.entered.wait(5)
        calls = 99
        _reset_all()  # as a forked child does
        assert bad.get().access_key_id == "id-1"
        assert good._current().flight is None
        gate.open()
        waiter.join(5)

    def test_an_expired_value_is_not_served_where_the_caller_had_to_refresh_itself(self, monkeypatch: pytest.MonkeyPatch) -> None:
        clock = FakeClock()

        def slow() -> object:
            clock.advance(2 * HOUR)
            return DOWN

        cache = CachingProvider(Script(HOUR, slow, clock=clock), clock=clock, refresh=RefreshPolicy(jitter=0))
        cache.get()
        clock.advance(50 * MINUTE)

        def refuse(*_: object) -> int:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(_thread, "start_new_thread", refuse)
        with pytest.raises(TransientError):
            cache.get()


@pytest.mark.parametrize(
    "arguments",
    [
        {"clock": None}, {"clock": type(SYSTEM_CLOCK)}, {"clock": time}, {"listener": 5}, {"listener": "log"}, {"refresh": None},
        {"refresh": RefreshPolicy},
    ],
)  # fmt: skip
def test_arguments_of_the_wrong_type_are_refused_by_name(arguments: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=rf"CachingProvider\.{next(iter(arguments))} must be"):
        CachingProvider(Script(), **arguments)  # type: ignore[arg-type]  # that is the point


def test_a_listener_that_would_have_to_be_awaited_is_refused() -> None:
    async def listener(event: object) -> None: ...

    with pytest.raises(ConfigurationError, match=r"listener is a coroutine function, .*\. Write it without async"):
        CachingProvider(Script(), listener=listener)  # type: ignore[arg-type]  # that is the point


def test_a_source_that_is_a_coroutine_function_by_mistake_is_told_so() -> None:
    class Async:
        name = "async"

        async def get(self) -> Credential:
            return credential()

    class Sly:
        name = "sly"

        def get(self) -> Any:
            return Async().get()

    with pytest.raises(ConfigurationError, match=r"source: get\(\) of an Async is a coroutine function\. Write it without async"):
        CachingProvider(Async())  # type: ignore[type-var]  # that is the point
    for refresh in (INLINE, RefreshPolicy()):
        with pytest.raises(ConfigurationError, match=r"sly: get\(\) is a coroutine function\. Write it without async"):
            CachingProvider(Sly(), refresh=refresh).get()
