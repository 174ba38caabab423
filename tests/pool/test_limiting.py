"""Turns: who asks its source when, how many at once, and what a turn that nobody ends comes to."""

from __future__ import annotations

import asyncio
import ctypes
import pickle
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from alicred import (
    SYSTEM_CLOCK,
    AlicredError,
    Backoff,
    CachingProvider,
    Clock,
    ConfigurationError,
    Credential,
    ProviderError,
    RefreshMode,
    RefreshPolicy,
    RetryingProvider,
    RetryPolicy,
    TransientError,
)
from alicred.events import RefreshDeferred, RefreshFailed, RefreshSucceeded, TurnAwaited
from alicred.limiting import LimitingProvider
from alicred.limiting import line as line_module
from alicred.limiting.line import line_of
from alicred.policy import Limit
from alicred.refresh.need import Deferred, Need, ask_for
from alicred.testing import FakeClock
from tests.forked import in_child, in_raw_child
from tests.sharing.fleets import needs_make_fleet
from tests.support import HOUR, SECOND, Gate, Pickled, Recorder, Script, in_threads

MINUTE = timedelta(minutes=1)
INLINE = RefreshPolicy(mode=RefreshMode.INLINE, jitter=0)
USABLE = Need(usable=True, until_urgent=HOUR)


def until(true: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until something is *true*."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it has not come true"
        time.sleep(0.005)


def waiting(limit: Limit) -> int:
    return line_of(limit).counts()[1]


def turns(limit: Limit) -> int:
    return line_of(limit).counts()[0]


def noting(note: Callable[[], None]) -> Callable[[], timedelta]:
    """A step of a script that calls *note*, and then brings a value for an hour."""

    def step() -> timedelta:
        note()
        return HOUR

    return step


class Held:
    """A turn that another thread has, until the end of the block."""

    def __init__(self, limit: Limit, clock: Clock = SYSTEM_CLOCK) -> None:
        self.gate = Gate()
        self.thread = threading.Thread(target=LimitingProvider(Script(self.gate), limit, clock=clock).get)

    def __enter__(self) -> Held:
        self.thread.start()
        assert self.gate.entered.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self.gate.open()
        self.thread.join()


# --- a second's worth ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "pause", "begun"),
    [
        (Limit(per_second=2), 0, [0, 0.5, 1, 1.5]),
        (Limit(per_second=0.5), 0, [0, 2, 4, 6]),
        (Limit(per_second=2, burst=3), 0, [0, 0, 0, 0.5]),
        (Limit(per_second=2), 0.4, [0, 0.5, 1, 1.5]),
        (Limit(per_second=2), 3, [0, 3, 6, 9]),
        (Limit(per_second=1, burst=2), 1.5, [0, 1.5, 3, 4.5]),
        (Limit(), 0, [0, 0, 0, 0]),
        (Limit(concurrent=1), 0, [0, 0, 0, 0]),
    ],
)
def test_beginnings_are_so_far_apart(limit: Limit, pause: float, begun: list[float]) -> None:
    """Each of four providers asks as soon as it may, *pause* seconds after the one before it asked."""
    clock = FakeClock()
    start = clock.monotonic()
    source = Script(HOUR, clock=clock)
    for number in range(4):
        clock.advance(max(timedelta(0), timedelta(seconds=start + number * pause - clock.monotonic())))
        LimitingProvider(source, limit, clock=clock).get()
    assert [moment - start for moment in source.times] == pytest.approx(begun)


def test_after_a_quiet_time_no_more_come_at_one_moment_than_burst() -> None:
    clock, limit = FakeClock(), Limit(per_second=1, burst=2)
    source = Script(HOUR, clock=clock)
    for _ in range(2):
        clock.advance(HOUR)
        start = clock.monotonic()
        for _ in range(4):
            LimitingProvider(source, limit, clock=clock).get()
        assert [moment - start for moment in source.times[-4:]] == pytest.approx([0, 0, 1, 2])


def test_in_any_second_of_many_threads_no_more_begin_than_allowed() -> None:
    limit = Limit(per_second=50, burst=5)
    begun: list[float] = []
    source = Script(noting(lambda: begun.append(time.monotonic())))
    in_threads(40, LimitingProvider(source, limit).get)
    assert len(begun) == 40
    assert begun[-1] - begun[0] >= (40 - 5) / 50 - 0.01


# --- at once ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("concurrent", [1, 3])
def test_no_more_are_at_it_at_once_than_allowed(concurrent: int) -> None:
    limit, lock = Limit(concurrent=concurrent), threading.Lock()
    now = most = 0

    def step() -> timedelta:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return HOUR

    results = in_threads(12, lambda: LimitingProvider(Script(step), limit).get())
    assert [result for result in results if isinstance(result, BaseException)] == []
    assert most == concurrent
    assert line_of(limit).counts() == (0, 0)


def test_who_came_first_is_first() -> None:
    limit = Limit(concurrent=1)
    order: list[int] = []

    def ask(number: int) -> None:
        LimitingProvider(Script(noting(lambda: order.append(number))), limit).get()

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    with Held(limit):
        for number, thread in enumerate(threads, 1):
            thread.start()
            until(lambda number=number: waiting(limit) == number)  # type: ignore[misc]
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def test_two_limits_of_the_same_numbers_know_nothing_of_each_other() -> None:
    with Held(Limit(concurrent=1)):
        LimitingProvider(Script(HOUR), Limit(concurrent=1)).get()


# --- a value is held meanwhile ------------------------------------------------------------------------------------------------------


def test_with_a_usable_value_it_defers_instead_of_waiting() -> None:
    limit, source = Limit(concurrent=1), Script(HOUR)
    with Held(limit):
        began = time.monotonic()
        with pytest.raises(Deferred) as caught:
            ask_for(LimitingProvider(source, limit, name="reports"), USABLE)
        assert time.monotonic() - began < 5
    error = caught.value
    assert (error.reason, error.provider, source.calls) == ("LIMITED", "reports", 0)
    assert timedelta(0) < error.until <= 5 * SECOND
    assert str(error) == (
        "reports: its turn under the Limit has not come yet (1 in line). Ask again later, or allow more per_second or concurrent [Deferred]"
    )


def test_deferred_for_the_sake_of_a_second_it_comes_again_when_the_second_is_over() -> None:
    clock, limit = FakeClock(), Limit(per_second=1)
    LimitingProvider(Script(HOUR), limit, clock=clock).get()
    late = LimitingProvider(Script(HOUR), limit, clock=clock)
    with pytest.raises(Deferred) as caught:
        ask_for(late, USABLE)
    clock.advance(max(SECOND, caught.value.until))
    ask_for(late, USABLE)
    assert clock.sleeps == ()


def test_who_was_deferred_keeps_its_turn() -> None:
    limit = Limit(concurrent=1)
    order: list[str] = []
    early = LimitingProvider(Script(noting(lambda: order.append("early"))), limit)
    late = LimitingProvider(Script(noting(lambda: order.append("late"))), limit)
    with Held(limit):
        with pytest.raises(Deferred) as caught:
            ask_for(early, USABLE)
        thread = threading.Thread(target=late.get)
        thread.start()
        until(lambda: waiting(limit) == 2)
    time.sleep(min(0.3, caught.value.until.total_seconds()))
    assert order == [], "the turn is kept"
    ask_for(early, USABLE)
    thread.join(20)
    assert order == ["early", "late"]


def test_a_turn_is_not_kept_for_long_for_who_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "_SLACK", 0.05)
    monkeypatch.setattr(line_module, "_LONGEST", 0.1)
    limit = Limit(concurrent=1)
    early, late = LimitingProvider(Script(HOUR), limit), Script(HOUR)
    with Held(limit), pytest.raises(Deferred):
        ask_for(early, USABLE)
    LimitingProvider(late, limit).get()
    assert late.calls == 1
    ask_for(early, USABLE)
    assert line_of(limit).counts() == (0, 0), "it has had its place until now"


def test_a_place_is_forgotten_in_time() -> None:
    clock, limit = FakeClock(), Limit(concurrent=1)
    with Held(limit, clock), pytest.raises(Deferred):
        ask_for(LimitingProvider(Script(HOUR), limit, clock=clock), USABLE)
    assert waiting(limit) == 1
    clock.advance(HOUR)
    LimitingProvider(Script(HOUR), limit, clock=clock).get()
    assert waiting(limit) == 0


def test_without_a_value_a_thread_waits_and_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "LONGEST_WAIT", 0.1)
    limit = Limit(concurrent=1)
    with Held(limit), pytest.raises(ProviderError, match="its turn under the Limit has not come yet"):
        LimitingProvider(Script(HOUR), limit).get()


def test_inline_a_cache_that_holds_a_value_goes_on_with_it() -> None:
    clock, limit, heard = FakeClock(), Limit(concurrent=1), Recorder()
    source = Script(HOUR, clock=clock)
    cache = CachingProvider(LimitingProvider(source, limit, clock=clock), refresh=INLINE, clock=clock, listener=heard)
    first = cache.get()
    clock.advance(timedelta(minutes=50))
    with Held(limit, clock):
        assert cache.get() is first
        clock.advance(timedelta(minutes=9))  # URGENT
        assert cache.get() is first
    assert [event.reason for event in heard.of(RefreshDeferred)] == ["LIMITED", "LIMITED"]
    assert heard.of(RefreshFailed) == []
    clock.advance(10 * SECOND)
    assert cache.get() is not first
    assert source.calls == 2


# --- below a cache, without a thread ------------------------------------------------------------------------------------------------


def refreshes() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("alicred-refresh")]


@pytest.mark.parametrize("concurrent", [1, 4])
def test_refreshes_that_wait_for_their_turn_have_no_thread(concurrent: int) -> None:
    limit, gate, before = Limit(concurrent=concurrent), Gate(), threading.active_count()
    policy = RefreshPolicy(max_wait=20 * SECOND)
    caches = [CachingProvider(LimitingProvider(Script(gate), limit), refresh=policy) for _ in range(100)]

    async def ask_all() -> list[Credential]:
        tasks = [asyncio.create_task(cache.aget()) for cache in caches]
        await asyncio.sleep(0.3)
        assert len(refreshes()) == concurrent
        assert threading.active_count() == before + concurrent
        assert line_of(limit).counts() == (concurrent, 100 - concurrent)
        gate.open()
        return await asyncio.gather(*tasks)

    assert len(asyncio.run(ask_all())) == 100
    until(lambda: line_of(limit).counts() == (0, 0) and not refreshes())


def test_a_usable_value_is_served_without_waiting_for_a_turn() -> None:
    clock, limit, heard = FakeClock(), Limit(concurrent=1), Recorder()
    source = Script(HOUR, clock=clock)
    cache = CachingProvider(LimitingProvider(source, limit, clock=clock), clock=clock, listener=heard)
    first = cache.get()
    with Held(limit, clock):
        for minutes in (50, 8):  # AGING, URGENT
            clock.advance(timedelta(minutes=minutes))
            began = time.monotonic()
            assert cache.get() is first
            assert asyncio.run(cache.aget()) is first
            assert time.monotonic() - began < 5
        assert waiting(limit) == 1, "one place for the one refresh"
        assert refreshes() == []
    until(lambda: len(heard.of(RefreshSucceeded)) == 2)
    assert cache.get() is not first


def test_one_that_becomes_urgent_first_does_not_wait_for_its_turn_either() -> None:
    clock, limit = FakeClock(), Limit(concurrent=1)
    cache = CachingProvider(LimitingProvider(Script(HOUR, clock=clock), limit, clock=clock), clock=clock)
    first = cache.get()
    clock.advance(timedelta(minutes=59))
    with Held(limit, clock):
        began = time.monotonic()
        assert cache.get() is first
        assert time.monotonic() - began < 5


def test_who_holds_nothing_waits_no_longer_than_max_wait_and_the_turn_comes_all_the_same() -> None:
    limit, source = Limit(concurrent=1), Script(HOUR)
    cache = CachingProvider(LimitingProvider(source, limit))
    with Held(limit):
        with pytest.raises(TimeoutError):
            cache.get(max_wait=timedelta(milliseconds=50))
        assert source.calls == 0
    until(lambda: cache.state().refreshes == 1)
    assert source.calls == 1


def test_a_turn_that_begins_later_has_one_thread_that_sleeps_for_all() -> None:
    limit = Limit(per_second=20)
    caches = [CachingProvider(LimitingProvider(Script(HOUR), limit)) for _ in range(10)]

    async def ask_all() -> int:
        tasks = [asyncio.create_task(cache.aget()) for cache in caches]
        await asyncio.sleep(0.02)
        most = 0
        while not all(task.done() for task in tasks):
            most = max(most, len(refreshes()))
            await asyncio.sleep(0.005)
        return most

    began = time.monotonic()
    assert asyncio.run(ask_all()) <= 2
    assert time.monotonic() - began >= 9 / 20 - 0.01


def test_a_cache_that_is_closed_takes_its_refresh_out_of_the_line() -> None:
    limit, source = Limit(concurrent=1), Script(HOUR)
    cache = CachingProvider(LimitingProvider(source, limit))
    with Held(limit):
        with pytest.raises(TimeoutError):
            cache.get(max_wait=timedelta(0))
        began = time.monotonic()
        cache.close()
        assert time.monotonic() - began < 5, "it waits for no turn"
    LimitingProvider(Script(HOUR), limit).get()
    assert (source.calls, line_of(limit).counts()) == (0, (0, 0))


def test_a_refresh_that_was_rejected_in_the_line_is_asked_for_once() -> None:
    limit, source = Limit(concurrent=1), Script(HOUR)
    cache = CachingProvider(LimitingProvider(source, limit))
    first = cache.get()
    with Held(limit):
        assert cache.invalidate(first)
        with pytest.raises(TimeoutError):
            cache.get(max_wait=timedelta(0))
    until(lambda: cache.state().refreshes == 2)
    assert cache.get() != first
    assert source.calls == 2


def test_where_no_thread_can_be_started_the_caller_takes_the_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(run: object, name: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(line_module, "start_thread", full)
    limit, source = Limit(concurrent=1), Script(HOUR)
    CachingProvider(LimitingProvider(source, limit)).get()
    assert line_of(limit).counts() == (0, 0)


def test_a_waiting_refresh_for_which_no_thread_can_be_started_is_run_by_who_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    limit, source = Limit(concurrent=1), Script(HOUR)
    cache = CachingProvider(LimitingProvider(source, limit))
    with Held(limit):
        with pytest.raises(TimeoutError):
            cache.get(max_wait=timedelta(0))
        monkeypatch.setattr(line_module, "start_thread", lambda run, name: in_vain())
    until(lambda: turns(limit) == 0)
    cache.get()


def in_vain() -> None:
    raise RuntimeError("can't start new thread")


# --- a turn within a turn -----------------------------------------------------------------------------------------------------------


def test_retries_inside_a_turn_take_no_second_one_and_are_paid_for() -> None:
    clock, limit = FakeClock(), Limit(per_second=1, concurrent=1)
    failing = TransientError("not now")
    source = Script(failing, failing, HOUR, clock=clock)
    retry = RetryPolicy(attempts=3, backoff=Backoff(initial=timedelta(0), maximum=timedelta(0)))
    inner = RetryingProvider(LimitingProvider(source, limit, clock=clock), retry=retry, clock=clock)
    start = clock.monotonic()
    LimitingProvider(inner, limit, clock=clock).get()
    assert [moment - start for moment in source.times] == pytest.approx([0, 1, 2])


def test_the_same_below_a_cache() -> None:
    limit = Limit(per_second=20, concurrent=1)
    times: list[float] = []

    def step() -> object:
        times.append(time.monotonic())
        return TransientError("not now") if len(times) < 3 else HOUR

    retry = RetryPolicy(attempts=3, backoff=Backoff(initial=timedelta(0), maximum=timedelta(0)))
    inner = RetryingProvider(LimitingProvider(Script(step), limit), retry=retry)
    CachingProvider(LimitingProvider(inner, limit)).get()
    assert times[2] - times[0] >= 2 / 20 - 0.005


# --- whatever happens ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("raised", [TransientError("no"), ValueError("no"), KeyboardInterrupt(), SystemExit()])
def test_a_turn_ends_with_what_is_raised_in_it(raised: BaseException) -> None:
    limit = Limit(concurrent=1)
    with pytest.raises((ProviderError, KeyboardInterrupt, SystemExit)):
        LimitingProvider(Script(raised), limit).get()
    LimitingProvider(Script(HOUR), limit).get()


def test_who_is_interrupted_while_it_waits_leaves_the_line() -> None:
    limit = Limit(concurrent=1)
    ended = threading.Event()

    def ask() -> None:
        try:
            LimitingProvider(Script(HOUR), limit).get()
        except KeyboardInterrupt:
            ended.set()

    with Held(limit):
        thread = threading.Thread(target=ask)
        thread.start()
        until(lambda: waiting(limit) == 1)
        assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(KeyboardInterrupt)) == 1
        assert ended.wait(20)
        assert waiting(limit) == 0
    LimitingProvider(Script(HOUR), limit).get()


def test_a_turn_whose_end_was_not_announced_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Limit(concurrent=1)
    with monkeypatch.context() as patched:
        patched.setattr(line_module.Line, "leave", lambda *_: None)
        LimitingProvider(Script(HOUR), limit).get()
        assert turns(limit) == 1
    LimitingProvider(Script(HOUR), limit).get()


def test_a_waiting_refresh_finds_out_too(monkeypatch: pytest.MonkeyPatch) -> None:
    limit, source = Limit(concurrent=1), Script(HOUR)
    cache = CachingProvider(LimitingProvider(source, limit))
    with Held(limit):
        with pytest.raises(TimeoutError):
            cache.get(max_wait=timedelta(0))
        monkeypatch.setattr(line_module.Line, "leave", lambda *_: None)
    assert waiting(limit) == 1
    cache.get()


class Stop(BaseException):
    """What interrupts a thread anywhere."""


# They meet threads too that have hardly begun, of which the interpreter says so.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::pytest.PytestUnhandledThreadExceptionWarning")
@needs_make_fleet
def test_interrupts_at_any_moment_neither_lose_a_turn_nor_add_one() -> None:
    limit, end = Limit(concurrent=3), time.monotonic() + 3
    at_it: set[object] = set()
    errors: list[AlicredError] = []
    most = interrupted = 0

    class Source:
        """Without a lock, which an interrupt could leave held."""

        name = "source"

        def get(self) -> Credential:
            nonlocal most
            at_it.add(self)
            try:
                most = max(most, len(at_it))
                time.sleep(random.random() * 0.002)
            finally:
                at_it.discard(self)
            return Credential("id", "secret", "token", SYSTEM_CLOCK.utcnow() + HOUR)

    policy = RefreshPolicy(max_wait=20 * SECOND, failure_backoff=Backoff(initial=timedelta(0), maximum=timedelta(0)))
    caches = [CachingProvider(LimitingProvider(Source(), limit), refresh=policy) for _ in range(20)]

    def ask() -> None:
        nonlocal interrupted
        while time.monotonic() < end:
            try:
                if random.random() < 0.5:
                    LimitingProvider(Source(), limit).get()
                else:
                    cache = random.choice(caches)
                    cache.invalidate()
                    cache.get()
            except Stop:
                interrupted += 1
            except AlicredError as error:
                errors.append(error)

    def ask_again() -> None:
        while time.monotonic() < end:
            with suppress(Stop):
                ask()

    threads = [threading.Thread(target=ask_again, daemon=True) for _ in range(8)]
    for thread in threads:
        thread.start()
    while time.monotonic() < end - 0.5:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(random.choice(threads).ident or 0), ctypes.py_object(Stop))
        time.sleep(0.003)
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "it hangs"
    assert errors == []
    assert most == 3
    assert interrupted > 50
    for cache in caches:
        cache.invalidate()
        cache.get()
    until(lambda: line_of(limit).counts() == (0, 0))


@pytest.mark.parametrize("fork", [in_child, in_raw_child])
def test_a_forked_child_starts_with_nothing_taken(fork: Callable[[Callable[[], object]], object]) -> None:
    limit = Limit(concurrent=1, per_second=0.001)
    cache = CachingProvider(LimitingProvider(Script(HOUR), limit))
    with Held(limit):
        with pytest.raises(TimeoutError):
            cache.get(max_wait=timedelta(0))

        def ask() -> object:
            return cache.get(max_wait=10 * SECOND).access_key_id, line_of(limit).counts()[1]

        assert fork(ask) == ("id-1", 0)
        assert waiting(limit) == 1, "the parent's line is as it was"
        cache.close()


# --- what it is ---------------------------------------------------------------------------------------------------------------------


def test_the_listener_is_notified_of_a_wait() -> None:
    limit, heard = Limit(concurrent=1), Recorder()
    late = LimitingProvider(Script(HOUR), limit, name="late", listener=heard)
    thread = threading.Thread(target=late.get)
    with Held(limit):
        thread.start()
        until(lambda: waiting(limit) == 1)
        time.sleep(0.05)
    thread.join()
    (event,) = heard.of(TurnAwaited)
    assert (event.provider_name, event.waiting) == ("late", 0)
    assert 0.05 <= event.seconds < 20
    late.get()
    assert len(heard.events) == 1


def test_a_given_name_goes_before_that_of_the_value() -> None:
    assert LimitingProvider(Script(HOUR), Limit(), name="reports").get().provider_name == "reports"
    assert LimitingProvider(Script(HOUR), Limit()).name == "script"


def test_it_can_be_pickled_and_those_that_share_a_limit_still_do() -> None:
    limit = Limit(concurrent=1)
    first, second = pickle.loads(pickle.dumps([LimitingProvider(Pickled(), limit, name="a"), LimitingProvider(Pickled(), limit)]))
    assert first._limit is second._limit
    assert (first.name, first.get().access_key_id) == ("a", "id-1")


def test_it_explains_what_its_source_says_without_a_turn() -> None:
    limit = Limit(concurrent=1)
    with Held(limit):
        (report,) = LimitingProvider(Script(HOUR), limit).explain()
    assert report.chosen
    assert repr(LimitingProvider(Script(HOUR), limit)) == "<LimitingProvider of script: Limit(per_second=None, burst=1, concurrent=1)>"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("source", Limit()), "LimitingProvider.source must be a provider"),
        ((Pickled(), 100), "LimitingProvider.limit must be a Limit, not an int"),
    ],
)
def test_what_it_refuses(arguments: tuple[object, object], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        LimitingProvider(*arguments)  # type: ignore[arg-type]
