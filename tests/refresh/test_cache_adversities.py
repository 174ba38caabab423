"""What nobody should do to a cache, and what it makes of it."""

from __future__ import annotations

import _thread
import asyncio
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
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
    DeniedError,
    MalformedResponseError,
    NotConfiguredError,
    OnDenied,
    Phase,
    ProviderError,
    RefreshFailed,
    RefreshMode,
    RefreshPolicy,
    RefreshStarted,
    RefreshSucceeded,
    TransientError,
)
from alicred._internal.forks import _reset_all
from alicred.errors import copy_for_caller
from alicred.refresh.flight import Flight, Outcome
from alicred.testing import FakeClock
from tests.strategies import EPOCH, credential
from tests.support import HOUR, SECOND, Gate, Script, ids, in_threads

MINUTE = timedelta(minutes=1)
TICK = timedelta(milliseconds=1)
DOWN = TransientError("the service is down")
STEADY = Backoff(initial=SECOND, maximum=MINUTE, jitter=0)
INLINE = RefreshPolicy(mode=RefreshMode.INLINE, jitter=0, failure_backoff=STEADY)


@pytest.mark.parametrize("mode", [mode.name for mode in RefreshMode])
def test_interrupts_at_random_moments_never_leave_a_flight_behind_that_nobody_runs(mode: str) -> None:
    program = f"""
        import random, signal, sys, time
        from datetime import timedelta
        from alicred import CachingProvider, Credential, RefreshMode, RefreshPolicy, RefreshTimeoutError

        armed = False

        def strike(*_):  # a signal that another thread received may be handled here a little later than it came
            if armed:
                raise KeyboardInterrupt

        class Source:
            name = "quick"
            def get(self):
                return Credential("id", "secret")

        sys.unraisablehook = lambda args: None  # one that strikes inside a weak reference's callback is none of ours
        signal.signal(signal.SIGALRM, strike)
        policy = RefreshPolicy(mode=RefreshMode.{mode}, max_wait=timedelta(milliseconds=500))
        interrupted = stuck = 0
        end = time.monotonic() + 2
        while time.monotonic() < end:
            cache = CachingProvider(Source(), refresh=policy, listener=lambda event: None)
            try:
                armed = True
                signal.setitimer(signal.ITIMER_REAL, random.uniform(5e-6, 3e-4))
                cache.get()
                signal.setitimer(signal.ITIMER_REAL, 0)
                armed = False
            except KeyboardInterrupt:
                armed = False
                interrupted += 1
            try:
                cache.get()
            except RefreshTimeoutError:
                stuck += 1
        print("enough" if interrupted > 100 else interrupted, stuck)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    # Unmeasured: an interrupt inside coverage's own bookkeeping would leave its lock held.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False, env=unmeasured)
    assert (done.stdout.strip(), done.stderr) == ("enough 0", "")


@pytest.mark.parametrize("mode", [mode.name for mode in RefreshMode])
def test_exceptions_that_another_thread_sets_never_leave_a_flight_behind_that_nothing_runs(mode: str) -> None:
    """As task queues do it to tasks that are over their time."""
    program = f"""
        import ctypes, random, sys, threading, time
        from datetime import timedelta
        from alicred import CachingProvider, Credential, RefreshMode, RefreshPolicy, RefreshTimeoutError
        from alicred.refresh import cache as cache_module

        class Over(BaseException):
            pass

        class Source:
            name = "quick"
            def get(self):
                return Credential("id", "secret")

        threading.excepthook = sys.unraisablehook = lambda args: None
        cache_module.LOOK_AGAIN_SECONDS = 0.02
        policy = RefreshPolicy(mode=RefreshMode.{mode}, max_wait=timedelta(seconds=3))
        hit = stuck = slow = 0
        end = time.monotonic() + 2
        while time.monotonic() < end:
            cache = CachingProvider(Source(), refresh=policy, listener=lambda event: None)
            finished = []
            begun = threading.Lock()
            begun.acquire()

            def task():
                global hit
                try:
                    begun.release()
                    cache.get()
                    while not finished:  # the exception may meet a thread that this one has started
                        pass
                except Over:
                    hit += 1

            thread = threading.Thread(target=task)
            thread.start()
            begun.acquire()
            for _ in range(random.randrange(2000)):
                pass
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Over))
            asked = time.monotonic()
            try:
                cache.get()
            except RefreshTimeoutError:
                stuck += 1
            slow += time.monotonic() - asked > 2.5
            finished.append(True)
            thread.join()
        print("enough" if hit > 20 else hit, stuck, slow)
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(command, capture_output=True, text=True, timeout=40, check=False, env=unmeasured)
    assert (done.stdout.strip(), done.stderr) == ("enough 0 0", "")


class TestLost:
    """A refresh whose clean-up does not come to its end, as when memory or stack are used up."""

    @pytest.mark.parametrize("mode", list(RefreshMode))
    @pytest.mark.parametrize("step", ["_end", "_discard", "_commit", "_fetch", "_start"])
    def test_the_next_callers_are_served(self, mode: RefreshMode, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
        no_pause = Backoff(initial=timedelta(0), maximum=timedelta(0))
        cache = CachingProvider(Script(HOUR), refresh=RefreshPolicy(mode=mode, max_wait=20 * SECOND, failure_backoff=no_pause))
        monkeypatch.setattr(threading, "excepthook", lambda args: None)
        monkeypatch.setattr("alicred.refresh.cache.LOOK_AGAIN_SECONDS", 0.05)
        with pytest.MonkeyPatch.context() as context:
            for name in {"_end", "_discard", step}:
                context.setattr(CachingProvider, name, self.broken_for_a_while(getattr(CachingProvider, name)))
            with suppress(Exhausted, AlicredError):
                cache.get()
        began = time.monotonic()
        assert ids(in_threads(4, cache.get)) <= {"id-1", "id-2"}
        assert time.monotonic() - began < 10

    def broken_for_a_while(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """*method*, but it raises, for a second: what waits is to look again."""
        until = time.monotonic() + 1

        def raising(*args: Any, **options: Any) -> Any:
            if time.monotonic() < until:
                raise Exhausted
            return method(*args, **options)

        return raising

    def test_a_close_waits_for_none_that_is_lost(self) -> None:
        cache = CachingProvider(Script(HOUR), refresh=RefreshPolicy(max_wait=timedelta(hours=1)))
        state, flight = cache._current(), Flight(timedelta(0))
        assert cache._change(state, state.snapshot.started(cache._now(), HOUR), flight, cache._now())
        began = time.monotonic()
        cache.close()
        assert time.monotonic() - began < 10
        assert flight.outcome is Outcome.SUPERSEDED


class Exhausted(BaseException):
    """Stands for what is used up."""


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
                assert "see why the service rejects it" in str(error)  # noqa: PT017  (there may be none)
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


class TestForeignCode:
    @pytest.mark.parametrize("kind", [RefreshStarted, RefreshSucceeded, RefreshFailed])
    @pytest.mark.parametrize("ending", [SystemExit, asyncio.CancelledError, GeneratorExit, ZeroDivisionError])
    @pytest.mark.parametrize("mode", list(RefreshMode))
    def test_a_listener_that_ends_its_thread_is_no_storm(self, mode: RefreshMode, ending: type[BaseException], kind: type) -> None:
        def listener(event: object) -> None:
            if isinstance(event, kind):
                raise ending

        source = Script(DOWN if kind is RefreshFailed else HOUR)
        cache = CachingProvider(source, listener=listener, refresh=attrs.evolve(INLINE, mode=mode, max_wait=SECOND))
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
            with pytest.raises(TransientError, match=r"down\. RefreshPolicy\.failure_backoff (raised|returned) .*: have Odd\.delay\(\)"):
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


class TestErrors:
    def test_notes_belong_to_one_error_object(self) -> None:
        error = TransientError("down")
        error.__notes__ = ["of the source"]  # type: ignore[attr-defined]  # Python 3.11 and newer
        first, second = copy_for_caller(error), copy_for_caller(error)
        first.__notes__.append("of a caller")  # type: ignore[attr-defined]
        assert second.__notes__ == error.__notes__ == ["of the source"]  # type: ignore[attr-defined]

    def test_slots_travel_too(self) -> None:
        class Slotted(ProviderError):
            __slots__ = ("shard",)

        error = Slotted("no")
        error.shard = 7
        assert copy_for_caller(error).shard == 7

    def test_one_that_cannot_be_made_is_stood_in_for(self) -> None:
        class Odd(DeniedError):
            def __new__(cls, *, vault: str, door: str) -> Odd:
                return super().__new__(cls)

            def __init__(self, *, vault: str, door: str) -> None:
                super().__init__(f"{vault} {door}", code="Sealed")

        twin = copy_for_caller(Odd(vault="blue", door="left"))
        assert type(twin) is DeniedError
        assert (str(twin), twin.code) == ("blue left (code Sealed)", "Sealed")

    def test_an_error_without_a_name_gets_the_caches(self) -> None:
        cache = CachingProvider(Script(DeniedError("no")), refresh=INLINE)
        with pytest.raises(DeniedError, match=r"^script: no$"):
            cache.get()

    def test_a_kept_error_keeps_no_local_variables_alive(self) -> None:
        class Source:
            name = "leaky"

            def get(self) -> Credential:
                key = "hush-hush"
                raise DeniedError(f"no, after {len(key)} characters")

        cache = CachingProvider(Source(), refresh=INLINE)
        with pytest.raises(DeniedError):
            cache.get()
        error = cache.state().last_error
        assert error is not None
        assert error.__traceback__ is None

    def test_one_error_object_that_is_raised_again_and_again_does_not_grow(self) -> None:
        clock = FakeClock()
        error = TransientError("down")
        cache = CachingProvider(Script(error), refresh=INLINE, clock=clock)
        lengths = set()
        for _ in range(20):
            with pytest.raises(TransientError):
                cache.get()
            clock.advance(2 * MINUTE)
            length, trace = 0, error.__traceback__
            while trace is not None:
                length, trace = length + 1, trace.tb_next
            lengths.add(length)
        assert max(lengths) < 20

    def test_a_denial_that_is_to_be_told_is_told_until_a_refresh_succeeds(self) -> None:
        clock = FakeClock()
        policy = attrs.evolve(INLINE, on_denied=OnDenied.RAISE)
        cache = CachingProvider(Script(HOUR, DeniedError("gone"), DOWN, HOUR, clock=clock), refresh=policy, clock=clock)
        cache.get()
        clock.advance(50 * MINUTE)
        with pytest.raises(DeniedError):
            cache.get()
        clock.advance(SECOND)
        with pytest.raises(TransientError):
            cache.get()
        clock.advance(2 * SECOND)
        assert cache.get().access_key_id == "id-4"

    def test_times_are_shown_in_utc_whatever_the_value_says(self) -> None:
        @attrs.frozen
        class Pass:
            expires_at: datetime

        class Source:
            name = "passes"

            def get(self) -> Pass:
                return Pass(EPOCH.astimezone(timezone(timedelta(hours=8))))

        with pytest.raises(MalformedResponseError, match="had ended at 2026-01-01 00:00:00 UTC"):
            CachingProvider(Source(), refresh=INLINE).get()


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

    with pytest.raises(ConfigurationError, match=r"listener is a coroutine function, .*: write it without async"):
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

    with pytest.raises(ConfigurationError, match=r"source: get\(\) of a Async is a coroutine function: write it without async"):
        CachingProvider(Async())  # type: ignore[type-var]  # that is the point
    for refresh in (INLINE, RefreshPolicy()):
        with pytest.raises(ConfigurationError, match=r"sly: get\(\) is a coroutine function: write it without async"):
            CachingProvider(Sly(), refresh=refresh).get()
