"""The cache under real threads."""

from __future__ import annotations

import _thread
import contextvars
import gc
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from datetime import timedelta
from itertools import pairwise

import pytest

from alicred import (
    Backoff,
    CachingProvider,
    ClosedError,
    Credential,
    DeniedError,
    Phase,
    ProviderError,
    RefreshMode,
    RefreshPolicy,
    RefreshTimeoutError,
    TransientError,
)
from alicred.testing import FakeClock
from tests.support import HOUR, SECOND, Gate, Recorder, Script, ids, in_threads, wait_until

MINUTE = timedelta(minutes=1)
DOWN = TransientError("the service is down")
BOTH_MODES = pytest.mark.parametrize("mode", list(RefreshMode))
SLOW_BACKOFF = Backoff(initial=MINUTE, maximum=HOUR, jitter=0)


def policy(**settings: object) -> RefreshPolicy:
    return RefreshPolicy(**{"jitter": 0.0, "failure_backoff": SLOW_BACKOFF, **settings})  # type: ignore[arg-type]


def held_since(clock: FakeClock, source: Script, age: timedelta, **settings: object) -> CachingProvider[Credential]:
    """A cache that holds the first value of *source* for *age*."""
    cache = CachingProvider(source, refresh=policy(**settings), clock=clock)
    cache.get()
    clock.advance(age)
    return cache


@BOTH_MODES
def test_500_threads_on_a_cold_cache_make_one_call(mode: RefreshMode) -> None:
    def slow() -> timedelta:
        time.sleep(0.2)
        return HOUR

    source = Script(slow)
    cache = CachingProvider(source, refresh=policy(mode=mode))
    results = in_threads(500, cache.get)
    assert ids(results) == {"id-1"}
    assert source.calls == 1


def test_200_reads_of_a_session_of_900_seconds_make_one_call() -> None:
    source = Script(timedelta(seconds=900))
    cache = CachingProvider(source)
    assert ids(cache.get() for _ in range(200)) == {"id-1"}
    assert source.calls == 1


@BOTH_MODES
def test_callers_of_a_failed_flight_get_errors_of_their_own_with_one_cause(mode: RefreshMode) -> None:
    gate = Gate(DeniedError("no", code="NoPermission"))
    cache = CachingProvider(Script(gate), refresh=policy(mode=mode))
    opener = threading.Timer(0.1, gate.open)
    opener.start()
    errors = in_threads(50, cache.get)
    opener.join()
    assert ids(errors) == {"DeniedError"}
    assert len({id(error) for error in errors}) == 50
    assert len({id(error.__cause__) for error in errors if isinstance(error, BaseException)}) == 1


def test_in_the_window_no_caller_waits() -> None:
    clock, gate = FakeClock(), Gate()
    source = Script(HOUR, gate, clock=clock)
    cache = held_since(clock, source, 50 * MINUTE)
    began = time.monotonic()
    assert ids(in_threads(64, cache.get)) == {"id-1"}
    assert time.monotonic() - began < 5  # nobody has opened the gate
    assert gate.entered.wait(5)
    assert source.calls == 2
    gate.open()
    wait_until(lambda: cache.state().refreshes == 2)
    assert cache.get().access_key_id == "id-2"


def test_in_inline_mode_the_one_that_refreshes_pays_and_the_others_do_not_wait() -> None:
    clock, gate = FakeClock(), Gate()
    source = Script(HOUR, gate, clock=clock)
    cache = held_since(clock, source, 50 * MINUTE, mode=RefreshMode.INLINE)
    paid: list[Credential] = []
    payer = threading.Thread(target=lambda: paid.append(cache.get()))
    payer.start()
    assert gate.entered.wait(5)
    assert ids(in_threads(32, cache.get)) == {"id-1"}
    assert paid == []
    gate.open()
    payer.join()
    assert ids(paid) == {"id-2"}


@pytest.mark.parametrize("upstream", ["fails", "hangs"])
def test_an_upstream_that_is_gone_for_the_whole_window_is_noticed_by_no_caller(upstream: str) -> None:
    clock, gate = FakeClock(), Gate(DOWN)
    backoff = Backoff(initial=SECOND, maximum=MINUTE, jitter=0)
    source = Script(HOUR, gate if upstream == "hangs" else DOWN, clock=clock)
    cache = held_since(clock, source, 45 * MINUTE, failure_backoff=backoff)
    slowest = 0.0
    for _ in range(15 * 60 - 1):
        began = time.monotonic()
        assert cache.get().access_key_id == "id-1"
        slowest = max(slowest, time.monotonic() - began)
        wait_until(lambda: upstream == "hangs" or cache.state().consecutive_failures == cache.state().attempts - 1)
        clock.advance(SECOND)
    assert slowest < 10  # max_wait is 30 s
    if upstream == "hangs":
        assert gate.entered.wait(5)
        assert source.calls == 2
        gate.open()
    else:
        gaps = [later - earlier for earlier, later in pairwise(source.times[1:])]
        assert gaps == [1, 2, 4, 8, 16, 32, *[60] * (len(gaps) - 6)]
    clock.advance(SECOND)
    wait_until(lambda: cache.state().phase is Phase.EXPIRED)
    with pytest.raises(TransientError):
        cache.get()


def test_on_a_cold_cache_no_caller_waits_for_a_hanging_upstream_longer_than_max_wait() -> None:
    gate = Gate()
    source = Script(gate)
    cache = CachingProvider(source, refresh=policy(max_wait=timedelta(milliseconds=200)))
    began = time.monotonic()
    results = in_threads(8, cache.get)
    assert 0.19 < time.monotonic() - began < 5
    assert ids(results) == {"RefreshTimeoutError"}
    assert source.calls == 1
    gate.open()
    wait_until(lambda: cache.state().phase is Phase.FRESH)
    assert cache.get().access_key_id == "id-1"


def test_giving_up_in_urgent_gets_the_held_value() -> None:
    clock, gate = FakeClock(), Gate()
    cache = held_since(clock, Script(HOUR, gate, clock=clock), 59.5 * MINUTE, max_wait=timedelta(milliseconds=100))
    assert cache.state().phase is Phase.URGENT
    assert ids(in_threads(8, cache.get)) == {"id-1"}
    gate.open()


def test_in_urgent_callers_wait_for_the_new_value() -> None:
    clock, gate = FakeClock(), Gate()
    cache = held_since(clock, Script(HOUR, gate, clock=clock), 59.5 * MINUTE)
    threading.Timer(0.1, gate.open).start()
    assert ids(in_threads(8, cache.get)) == {"id-2"}


def test_in_urgent_a_failed_refresh_leaves_the_held_value() -> None:
    clock, gate = FakeClock(), Gate(DOWN)
    cache = held_since(clock, Script(HOUR, gate, clock=clock), 59.5 * MINUTE)
    threading.Timer(0.1, gate.open).start()
    assert ids(in_threads(8, cache.get)) == {"id-1"}


@BOTH_MODES
def test_a_late_flight_revives_nothing_that_was_invalidated(mode: RefreshMode) -> None:
    clock, gate = FakeClock(), Gate()
    source = Script(HOUR, gate, HOUR, clock=clock)
    cache = held_since(clock, source, 50 * MINUTE, mode=mode)
    refresher = threading.Thread(target=cache.get)
    refresher.start()
    assert gate.entered.wait(5)
    assert cache.invalidate()
    results: list[Credential] = []
    waiter = threading.Thread(target=lambda: results.append(cache.get()))
    waiter.start()
    gate.open()
    waiter.join()
    refresher.join()
    assert ids(results) == {"id-3"}
    assert cache.get().access_key_id == "id-3"
    assert source.calls == 3


def test_a_late_flight_revives_nothing_that_was_closed() -> None:
    gate = Gate()
    cache = CachingProvider(Script(gate), refresh=policy(max_wait=timedelta(milliseconds=100)))
    waiters = threading.Thread(target=lambda: in_threads(1, cache.get))
    waiters.start()
    assert gate.entered.wait(5)
    began = time.monotonic()
    cache.close()
    assert time.monotonic() - began >= 0.09  # it has waited for the flight, for max_wait
    gate.open()
    waiters.join()
    assert cache.state().phase is Phase.CLOSED
    with pytest.raises(ClosedError):
        cache.get()


def test_a_flight_that_fails_after_the_close_is_not_reported() -> None:
    gate, heard = Gate(DOWN), Recorder()
    cache = CachingProvider(Script(gate), refresh=policy(max_wait=timedelta(milliseconds=50)), listener=heard)
    waiters = threading.Thread(target=lambda: in_threads(1, cache.get))
    waiters.start()
    assert gate.entered.wait(5)
    cache.close()
    gate.open()
    waiters.join()
    wait_until(lambda: not any(thread.name.startswith("alicred-") for thread in threading.enumerate()))
    assert [type(event).__name__ for event in heard.events] == ["RefreshStarted"]
    assert cache.state().last_error is None


def test_close_waits_for_the_refresh_that_is_under_way() -> None:
    gate = Gate()
    cache = CachingProvider(Script(gate))
    results: list[object] = []
    waiter = threading.Thread(target=lambda: results.extend(in_threads(3, cache.get)))
    waiter.start()
    assert gate.entered.wait(5)
    threading.Timer(0.1, gate.open).start()
    cache.close()
    assert gate.opened.is_set()
    waiter.join()
    assert ids(results) == {"ClosedError"}


def test_a_refresh_runs_in_a_copy_of_the_asking_callers_context() -> None:
    tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant")

    class Source:
        name = "tenants"

        def get(self) -> Credential:
            seen = tenant.get()
            tenant.set("changed")
            return Credential(seen, "secret")

    tenant.set("blue")
    assert CachingProvider(Source()).get().access_key_id == "blue"
    assert tenant.get() == "blue"


@BOTH_MODES
def test_an_interrupt_of_a_caller_passes_through_and_leaves_the_cache_in_order(mode: RefreshMode) -> None:
    """The interrupt strikes inside the source (INLINE) or while the caller waits for the flight (BACKGROUND)."""
    program = f"""
        import signal, threading, time
        from alicred import CachingProvider, Credential, RefreshMode, RefreshPolicy

        class Source:
            name, calls = "slow", 0
            def get(self):
                self.calls += 1
                if self.calls == 1:
                    signal.raise_signal(signal.SIGINT) if {mode is RefreshMode.INLINE} else signal.setitimer(signal.ITIMER_REAL, 0.1)
                    time.sleep(0.5)
                return Credential(f"id-{{self.calls}}", "secret")

        for number in (signal.SIGALRM, signal.SIGINT):  # which a program in the background may have been started without
            signal.signal(number, signal.default_int_handler)
        cache = CachingProvider(Source(), refresh=RefreshPolicy(mode=RefreshMode.{mode.name}))
        try:
            cache.get()
        except KeyboardInterrupt:
            print("interrupted", cache.get().access_key_id, cache.state().consecutive_failures)
    """
    # In BACKGROUND the flight goes on and its value is the one; INLINE it died with the interrupt, and the next caller's is.
    expected = "interrupted id-1 0" if mode is RefreshMode.BACKGROUND else "interrupted id-2 0"
    assert run(program) == expected


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_what_no_caller_can_receive_counts_as_a_failure(raised: type[BaseException]) -> None:
    cache = CachingProvider(Script(raised()), refresh=policy())
    with pytest.raises(ProviderError, match=f"the source ended with {raised.__name__}"):
        cache.get()
    assert cache.state().consecutive_failures == 1


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt])
def test_inline_it_passes_through_its_caller_and_the_others_start_again(raised: type[BaseException]) -> None:
    gate = Gate(raised())
    source = Script(gate, HOUR)
    cache = CachingProvider(source, refresh=policy(mode=RefreshMode.INLINE))
    outcome: list[object] = []
    first = threading.Thread(target=lambda: outcome.extend(in_threads(1, cache.get)))
    first.start()
    assert gate.entered.wait(5)
    others: list[object] = []
    second = threading.Thread(target=lambda: others.extend(in_threads(5, cache.get)))
    second.start()
    gate.open()
    first.join()
    second.join()
    assert ids(outcome) == {raised.__name__}
    assert ids(others) == {"id-2"}
    assert cache.state().consecutive_failures == 0


def test_where_no_thread_can_be_started_the_caller_refreshes_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    cache = CachingProvider(Script(), refresh=policy())
    monkeypatch.setattr(_thread, "start_new_thread", refuse)
    assert cache.get().access_key_id == "id-1"
    assert cache.state().attempts == 1


def test_where_only_one_thread_can_be_started_the_refresh_runs_on_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    cache = CachingProvider(Script(), refresh=policy())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert cache.get().access_key_id == "id-1"


def test_while_the_interpreter_ends_no_thread_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    asked_on: list[int] = []
    cache = CachingProvider(Script(lambda: asked_on.append(threading.get_ident()) or HOUR), refresh=policy())
    monkeypatch.setattr(sys, "is_finalizing", lambda: True)
    cache.get()
    assert asked_on == [threading.get_ident()]


def test_an_interrupt_before_the_thread_runs_leaves_no_flight_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    cache = CachingProvider(Script(), refresh=policy())
    with monkeypatch.context() as patched:
        patched.setattr(_thread, "start_new_thread", interrupted)
        with pytest.raises(KeyboardInterrupt):
            cache.get()
    assert cache.get().access_key_id == "id-1"


def test_a_refresh_runs_on_a_thread_with_a_name_that_tells_what_it_is() -> None:
    names: list[str] = []
    CachingProvider(Script(lambda: names.append(threading.current_thread().name) or HOUR)).get()
    assert names == ["alicred-refresh-script"]


def test_a_listener_may_ask_the_provider_it_listens_to() -> None:
    seen: list[str] = []
    cache: CachingProvider[Credential]

    def listener(event: object) -> None:
        if type(event).__name__ == "RefreshSucceeded":
            seen.append(cache.get().access_key_id)

    cache = CachingProvider(Script(), listener=listener)
    cache.get()
    assert seen == ["id-1"]


def test_a_dropped_provider_leaves_nothing_behind() -> None:
    heard = Recorder()
    cache = CachingProvider(Script(), listener=heard)
    cache.get()
    wait_until(lambda: not any(thread.name.startswith("alicred-") for thread in threading.enumerate()))
    gone = weakref.ref(cache)
    del cache
    gc.collect()
    assert gone() is None


def test_many_threads_over_many_short_sessions_see_only_whole_and_valid_values() -> None:
    source = Script(timedelta(milliseconds=150))
    cache = CachingProvider(source, refresh=RefreshPolicy(failure_backoff=Backoff(initial=SECOND)))
    stop = time.monotonic() + 1.5
    wrong: list[Credential] = []

    def work() -> int:
        count = 0
        while time.monotonic() < stop:
            value = cache.get()
            number = value.access_key_id.removeprefix("id-")
            if (value.access_key_secret, value.security_token) != (f"secret-{number}", f"token-{number}"):
                wrong.append(value)
            count += 1
        return count

    results = in_threads(16, work)
    assert wrong == []
    assert all(isinstance(result, int) and result > 0 for result in results)
    assert 8 <= source.calls <= 40


def run(program: str, seconds: float = 20) -> str:
    """What a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)], capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_a_refresh_that_hangs_does_not_keep_the_interpreter_from_exiting() -> None:
    program = """
        import threading, time
        from alicred import CachingProvider, RefreshPolicy, RefreshTimeoutError
        from datetime import timedelta

        class Source:
            name = "hanging"
            def get(self):
                time.sleep(600)

        try:
            CachingProvider(Source(), refresh=RefreshPolicy(max_wait=timedelta(milliseconds=50))).get()
        except RefreshTimeoutError:
            print("timed out")
    """
    began = time.monotonic()
    assert run(program) == "timed out"
    assert time.monotonic() - began < 10


def test_a_provider_that_is_asked_while_the_interpreter_exits_still_answers() -> None:
    program = """
        import atexit
        from alicred import CachingProvider, Credential

        class Source:
            name = "late"
            def get(self):
                return Credential("id", "secret")

        cache = CachingProvider(Source())

        class Last:
            def __del__(self):
                print(cache.get().access_key_id)

        import builtins
        builtins.last = Last()
        atexit.register(lambda: print("exit", cache.state().phase.value))
    """
    assert run(program) in ("exit empty\nid", "exit empty")


@pytest.mark.parametrize("error", [RefreshTimeoutError])
def test_a_timed_out_wait_may_be_tried_again(error: type[ProviderError]) -> None:
    assert error("waited").retryable
