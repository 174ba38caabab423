"""The cache in forked, forkserver and spawned processes."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta

import pytest

from alicred import CachingProvider, Credential, RefreshMode, RefreshPolicy
from alicred.testing import FakeClock
from tests.forked import in_child, in_raw_child
from tests.support import HOUR, Gate, Script

MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")


class Process:
    """A source that tells in which process it was asked."""

    name = "process"

    def get(self) -> Credential:
        return Credential(f"id-{os.getpid()}", "secret")


@pytest.mark.parametrize("mode", list(RefreshMode))
def test_a_fork_in_the_middle_of_a_first_refresh_leaves_the_child_usable(mode: RefreshMode) -> None:
    gate = Gate()
    cache = CachingProvider(Script(gate, HOUR), refresh=RefreshPolicy(mode=mode))
    refresher = threading.Thread(target=cache.get)
    refresher.start()
    assert gate.entered.wait(5)
    began = time.monotonic()
    assert in_child(lambda: cache.get().access_key_id) == "id-2"
    assert time.monotonic() - began < 5  # nobody has waited for the parent's refresh
    gate.open()
    refresher.join()
    assert cache.get().access_key_id == "id-1"


def test_a_value_held_before_the_fork_is_served_after_it_without_a_call() -> None:
    clock = FakeClock()
    source = Script(HOUR, clock=clock)
    cache = CachingProvider(source, clock=clock)
    cache.get()
    assert in_child(lambda: (cache.get().access_key_id, source.calls)) == ("id-1", 1)


def test_a_fork_in_the_middle_of_a_refresh_ahead_leaves_the_child_served_and_refreshing() -> None:
    clock, gate = FakeClock(), Gate()
    cache = CachingProvider(Script(HOUR, gate, HOUR, clock=clock), clock=clock, refresh=RefreshPolicy(jitter=0))
    cache.get()
    clock.advance(50 * MINUTE)
    cache.get()
    assert gate.entered.wait(5)

    def child() -> tuple[str, str]:
        first = cache.get().access_key_id
        while cache.state().refreshes == 1:
            time.sleep(0.005)
        return first, cache.get().access_key_id

    assert in_child(child) == ("id-1", "id-3")
    gate.open()


def test_children_that_no_hook_has_told_use_no_flight_of_the_parents() -> None:
    clock, gate = FakeClock(), Gate()
    cache = CachingProvider(Script(HOUR, gate, HOUR, clock=clock), clock=clock, refresh=RefreshPolicy(jitter=0))
    cache.get()
    clock.advance(2 * HOUR)
    refresher = threading.Thread(target=cache.get)
    refresher.start()
    assert gate.entered.wait(5)
    assert in_raw_child(lambda: cache.get().access_key_id) == "id-3"
    gate.open()
    refresher.join()


def test_children_that_no_hook_has_told_do_not_refresh_in_step() -> None:
    clock = FakeClock()
    cache = CachingProvider(Script(HOUR, clock=clock), clock=clock, refresh=RefreshPolicy(jitter=0.4, mode=RefreshMode.INLINE))
    cache.get()
    due = cache.state().refresh_due_at
    assert due is not None

    def child() -> object:
        clock.advance(due - clock.utcnow())
        cache.get()
        return cache.state().refresh_due_at, cache.state().refreshes

    answers = [in_raw_child(child) for _ in range(8)]
    assert len(set(answers)) == 8
    assert {answer[1] for answer in answers if isinstance(answer, tuple)} == {1}  # each has put its refresh off, by a draw of its own


def test_children_of_one_parent_do_not_refresh_in_step() -> None:
    clock = FakeClock()
    cache = CachingProvider(Script(HOUR, clock=clock), clock=clock, refresh=RefreshPolicy(jitter=1))
    cache.get()
    due = [in_child(lambda: cache.state().refresh_due_at) for _ in range(8)]
    assert len(set(due)) == 8
    assert cache.state().refresh_due_at not in due


def test_children_of_one_parent_do_not_look_again_in_step() -> None:
    clock = FakeClock()
    cache = CachingProvider(Script(None, clock=clock), clock=clock, refresh=RefreshPolicy(jitter=1))
    cache.get()
    clock.advance(HOUR)  # the look is due in the parent, and in each child as it is forked
    due = [in_child(lambda: cache.state().refresh_due_at) for _ in range(8)]
    assert len(set(due)) == 8


def test_a_closed_provider_is_closed_in_the_child_too() -> None:
    cache = CachingProvider(Script())
    cache.close()
    assert str(in_child(cache.get)).startswith("ClosedError")


def test_a_provider_dropped_before_the_fork_is_no_trouble_after_it() -> None:
    for _ in range(100):
        CachingProvider(Script())
    assert in_child(lambda: "alive") == "alive"


def _id_and_pid(cache: CachingProvider[Credential]) -> tuple[str, int]:
    return cache.get().access_key_id, os.getpid()


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_it_travels_to_process_pools_of_every_start_method(method: str) -> None:
    cache = CachingProvider(Process(), refresh=RefreshPolicy(max_wait=MINUTE))
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(2, mp_context=context) as pool:
        answers = list(pool.map(_id_and_pid, [cache] * 4))
    assert all(answer == (f"id-{answer[1]}", answer[1]) for answer in answers)
    assert os.getpid() not in {pid for _, pid in answers}
    assert cache.state().attempts == 0


def test_nothing_is_registered_before_the_first_provider_exists() -> None:
    program = (
        "import os, threading; calls = []; os.register_at_fork = lambda **k: calls.extend(str(f.__module__) for f in k.values());"
        "ours = lambda: [name for name in calls if name.startswith('alicred')];"
        "import alicred; assert not ours(); from tests.support import Script; assert not ours();"
        "[alicred.CachingProvider(Script()) for _ in range(3)]; assert len(ours()) == 1, ours(); print('once')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("once", "")


def test_every_one_of_the_first_providers_is_known_to_a_child_however_they_were_made_at_once() -> None:
    """A second thread makes its provider, and forks, before the first line of `watch`, before the second, and so on."""
    program = """
        import os, sys, threading
        from alicred import CachingProvider, Credential, StaticProvider
        from alicred._internal import forks

        made, unknown = [], []

        def make_and_fork():
            made.append(CachingProvider(StaticProvider(Credential("id", "secret"))))
            states = [each._state for each in made]
            child = os.fork()
            if child == 0:
                os._exit(sum(each._state is state for each, state in zip(made, states)))
            unknown.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

        def surprised(line):
            left = line

            def trace(frame, event, arg):
                nonlocal left
                if frame.f_code is not forks.watch.__code__:
                    return None
                if event == "line":
                    left -= 1
                    if left == 0:
                        other = threading.Thread(target=make_and_fork)
                        other.start()
                        other.join()
                return trace

            sys.settrace(trace)
            make_and_fork()
            return left > 0, len(made), sum(unknown)

        for line in range(1, 100):
            reading, writing = os.pipe()
            if os.fork() == 0:  # here nothing has been registered yet
                os.write(writing, repr(surprised(line)).encode())
                os._exit(0)
            os.close(writing)
            is_past_the_end, count, lost = eval(os.read(reading, 1000))
            os.wait()
            if is_past_the_end:
                break
            assert count == 2
            if lost:
                print("lost before line", line, "of watch:", lost)
        print("enough" if line > 3 else line)
    """
    # Unmeasured: coverage traces too.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=unmeasured)
    assert (done.stdout, done.stderr) == ("enough\n", "")
