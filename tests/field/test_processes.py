"""Forks, the end of the program, and providers that are dropped."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import textwrap
import threading
import weakref
from datetime import timedelta
from pathlib import Path

import pytest

from alicred.testing import FakeClock
from tests.field import naive_sharing
from tests.field.harness import Callers, Subject, bites, inline
from tests.support import HOUR, SECOND, Gate, Script

ROOT = Path(__file__).parents[2]
MINUTE = timedelta(minutes=1)
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")


@needs_fork
@bites(naive_sharing.Locked, failing="the child hangs")
def test_a_fork_in_the_middle_of_a_refresh_leaves_the_child_usable(subject: Subject) -> None:
    gate = Gate()
    cache = subject.make(Script(gate, HOUR))
    refresher = Callers(1, cache.get)
    try:
        assert gate.entered.wait(20)
        assert subject.in_child(lambda: cache.get().access_key_id, may_hang=True) == "id-2"
    finally:
        gate.open()
        refresher.join()


@needs_fork
@bites(naive_sharing.DrawsWithTheValue, naive_sharing.DrawsFromACopy, failing="in step", alicred=inline)
def test_the_children_of_one_parent_do_not_refresh_in_step(subject: Subject) -> None:
    clock = FakeClock()
    source = Script(HOUR, clock=clock)
    cache = subject.make(source, clock=clock)
    cache.get()

    def refreshes_at() -> float:
        while source.calls == 1:
            clock.advance(SECOND)
            cache.get()
        return clock.monotonic()

    moments = [subject.in_child(refreshes_at) for _ in range(6)]
    assert max(moments) - min(moments) > 5, f"in step: {moments}"


@bites(naive_sharing.JoinedAtExit, failing="the program hangs")
def test_a_refresh_that_hangs_does_not_keep_the_program_from_its_end(subject: Subject) -> None:
    program = f"""
        import threading, time
        from datetime import timedelta
        from {subject.make.__module__} import {subject.make.__name__} as Cache
        from alicred import Credential
        from alicred.testing import FakeClock

        clock, refreshing = FakeClock(), threading.Event()

        class Source:
            name = "source"
            def get(self):
                if clock.utcnow() > began:
                    refreshing.set()
                    time.sleep(600)
                return Credential("id", "secret", "token", clock.utcnow() + timedelta(hours=1))

        began = clock.utcnow()
        cache = Cache(Source(), clock=clock)
        cache.get()
        clock.advance(timedelta(minutes=50))
        cache.get()
        refreshing.wait()
        print("done", flush=True)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"
            assert subject.comes(lambda: process.poll() is not None), "the program hangs at its end"
            assert process.returncode == 0
        finally:
            process.kill()


@pytest.mark.parametrize("busy", [False, True], ids=["at rest", "refreshing"])
@bites(naive_sharing.SchedulerForEach, naive_sharing.ClosedAtExit, failing="left behind")
def test_dropped_providers_leave_neither_objects_nor_threads_behind(subject: Subject, busy: bool) -> None:
    before, clock, gate = threading.active_count(), FakeClock(), Gate()
    caches = [subject.make(Script(HOUR, gate, clock=clock), clock=clock) for _ in range(20)]
    remains = [weakref.ref(cache) for cache in caches]
    for cache in caches:
        cache.get()
    readers = []
    if busy:
        clock.advance(50 * MINUTE)
        readers = [Callers(1, cache.get) for cache in caches]
        assert gate.entered.wait(20)
    del cache, caches
    gate.open()
    for reader in readers:
        reader.join()

    def nothing_is_left() -> bool:
        if threading.active_count() > before:
            return False
        gc.collect()
        return not any(each() for each in remains)

    try:
        assert subject.comes(nothing_is_left), "left behind"
    finally:
        for each in remains:
            if (left := each()) is not None:
                left.close()
