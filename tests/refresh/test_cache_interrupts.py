"""Interrupts and threads that cannot be started: no flight is left behind that nothing runs."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from alicred import (
    AlicredError,
    Backoff,
    CachingProvider,
    RefreshMode,
    RefreshPolicy,
)
from alicred.refresh.flight import Flight, Outcome
from tests.refresh.adverse import Exhausted
from tests.support import HOUR, SECOND, Script, ids, in_threads


@pytest.mark.slow
@pytest.mark.parametrize("mode", [mode.name for mode in RefreshMode])
def test_interrupts_at_random_moments_never_leave_a_flight_behind_that_no_thread_runs(mode: str) -> None:
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
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=unmeasured)
    assert (done.stdout.strip(), done.stderr) == ("enough 0", "")


@pytest.mark.slow
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
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=unmeasured)
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
