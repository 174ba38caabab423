"""Many threads at once, on a cold cache, at the refresh edge, and behind a service that hangs."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from functools import partial

from alicred import CachingProvider, RefreshPolicy, TransientError
from alicred.testing import FakeClock
from tests.field import naive_sharing
from tests.field.harness import Callers, Subject, bites
from tests.strategies import credential
from tests.support import HOUR, SECOND, Gate, Script, ids, in_threads

MINUTE = timedelta(minutes=1)
DOWN = TransientError("the service is down")
impatient = partial(CachingProvider, refresh=RefreshPolicy(max_wait=SECOND / 5))


@bites(naive_sharing.Unlocked, failing="a stampede")
def test_1000_threads_on_a_cold_cache_make_one_call(subject: Subject) -> None:
    def slow() -> timedelta:
        time.sleep(0.2)
        return HOUR

    source = Script(slow)
    cache = subject.make(source)
    answers = in_threads(1000, cache.get)
    assert source.calls == 1, f"a stampede of {source.calls} calls"
    assert ids(answers) == {"id-1"}


@bites(naive_sharing.Locked, failing="callers wait")
def test_of_128_callers_at_the_refresh_edge_none_waits(subject: Subject) -> None:
    clock, gate = FakeClock(), Gate()
    source = Script(HOUR, gate, clock=clock)
    cache = subject.make(source, clock=clock)
    cache.get()
    clock.advance(50 * MINUTE)
    callers = Callers(128, cache.get)
    try:
        assert subject.comes(callers.have_answers), "callers wait for the refresh, though what is held is good"
        assert ids(callers.join()) == {"id-1"}
        assert subject.comes(lambda: source.calls == 2), "the refresh is under way"
    finally:
        gate.open()
        callers.join()


@bites(naive_sharing.ThreadForEachRead, failing="a thread for every read")
def test_reads_while_a_refresh_is_under_way_start_no_further_threads(subject: Subject) -> None:
    clock, gate = FakeClock(), Gate()
    source = Script(HOUR, gate, clock=clock)
    cache = subject.make(source, clock=clock)
    cache.get()
    clock.advance(50 * MINUTE)
    before = threading.active_count()
    try:
        for _ in range(100):
            cache.get()
        assert gate.entered.wait(20)
        assert subject.stays_away(lambda: threading.active_count() - before > 2), "a thread for every read"
        assert source.calls == 2
    finally:
        gate.open()


@bites(naive_sharing.LosesPatience, failing="went upstream", alicred=impatient)
def test_who_gives_up_waiting_does_not_go_upstream_as_well(subject: Subject) -> None:
    gate = Gate()
    source = Script(gate)
    cache = subject.make(source)
    callers = Callers(8, cache.get)
    try:
        assert gate.entered.wait(20)
        assert subject.stays_away(lambda: source.calls > 1), "went upstream one after the other, once they had waited for a while"
        assert subject.comes(callers.have_answers)
        assert ids(callers.join()) == {"RefreshTimeoutError"}
    finally:
        gate.open()
        callers.join()


@bites(naive_sharing.Convoy, failing="the last caller waited")
def test_waiters_behind_a_dead_service_learn_of_it_together(subject: Subject) -> None:
    clock = FakeClock()

    def time_out() -> TransientError:
        clock.advance(5 * SECOND)
        return DOWN

    cache = subject.make(Script(time_out, clock=clock), clock=clock)
    began = clock.monotonic()
    answers = in_threads(8, cache.get)
    waited = clock.monotonic() - began
    assert waited == 5, f"the last caller waited for {waited:.0f} s, one time-out after the other"
    assert ids(answers) == {"TransientError"}


@bites(naive_sharing.Revives, failing="back in service")
def test_a_refresh_that_comes_late_revives_nothing_that_was_invalidated(subject: Subject) -> None:
    clock = FakeClock()
    rejected, fresh = credential(1), credential(2)
    gate = Gate(rejected)  # asked for before the rejection, answered after it
    cache = subject.make(Script(rejected, gate, fresh, clock=clock), clock=clock)
    cache.get()
    clock.advance(50 * MINUTE)
    reader = Callers(1, cache.get)
    assert gate.entered.wait(20)
    cache.invalidate(rejected)
    gate.open()
    reader.join()
    assert cache.get() == fresh, "back in service, though it had been rejected"
