"""Flights: claimed once, finished once, heard by everybody who waits."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from datetime import timedelta

import pytest

from alicred import CachingProvider, TransientError
from alicred._internal.frames import this_frame
from alicred._internal.real_time import monotonic
from alicred.refresh.flight import LATE_THREAD_SECONDS, Flight, Outcome
from alicred.refresh.waiting import Wait, wait_in_task
from tests.support import Gate, Script, ids, in_threads


def test_one_thread_alone_gets_hold_of_it() -> None:
    flight, barrier = Flight(timedelta(0)), threading.Barrier(16)

    def claim() -> bool:
        claimed = flight.claim()
        barrier.wait(5)  # a thread's number is given anew when it ends
        return claimed

    assert sorted(map(str, in_threads(16, claim))) == ["False"] * 15 + ["True"]


def test_one_that_no_frame_began_or_whose_beginner_has_ended_is_lost() -> None:
    def beginner(flight: Flight) -> bool:
        flight.begin(0, this_frame())
        return flight.is_lost()

    assert Flight(timedelta(0)).is_lost()
    flight = Flight(timedelta(0))
    assert not beginner(flight)
    assert flight.is_lost()
    flight.finish(Outcome.COMMITTED)
    assert not flight.is_lost()


def test_one_that_waits_for_its_thread_is_lost_only_if_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def run() -> None: ...

    flight = Flight(timedelta(0))
    flight.launched(run)
    assert not flight.is_lost()
    later = monotonic() + LATE_THREAD_SECONDS + 1
    monkeypatch.setattr("alicred.refresh.flight.monotonic", lambda: later)
    assert flight.is_lost()


def test_one_whose_thread_has_ended_before_it_began_is_lost() -> None:
    def run() -> None: ...

    flight = Flight(timedelta(0))
    flight.launched(run)
    assert not flight.is_lost()
    del run
    assert flight.is_lost()


def test_one_whose_runner_has_ended_without_a_word_is_lost_also_if_its_thread_goes_on() -> None:
    def run(flight: Flight) -> bool:
        assert flight.claim()
        return flight.is_lost() or any(in_threads(1, flight.is_lost))

    flight = Flight(timedelta(0))
    assert not run(flight)
    assert flight.is_lost()
    assert flight.is_run_by_this_thread()
    assert not flight.claim()


def test_one_that_is_over_keeps_no_frame_alive() -> None:
    class Local: ...

    def run(flight: Flight) -> weakref.ref[Local]:
        local = Local()
        flight.begin(0, this_frame())
        assert flight.claim()
        flight.finish(Outcome.COMMITTED)
        return weakref.ref(local)

    gc.disable()
    try:
        assert run(Flight(timedelta(0)))() is None
    finally:
        gc.enable()


def test_its_runner_is_the_thread_that_claimed_it_until_it_ends() -> None:
    flight = Flight(timedelta(0))
    assert not flight.is_run_by_this_thread()
    flight.claim()
    assert flight.is_run_by_this_thread()
    assert in_threads(1, flight.is_run_by_this_thread) == [False]
    flight.finish(Outcome.COMMITTED)
    assert not flight.is_run_by_this_thread()


def test_its_end_wakes_those_who_joined_and_not_those_who_left() -> None:
    flight, woken = Flight(timedelta(0)), list[str]()
    flight.join("a", lambda: woken.append("a"))
    flight.join("b", lambda: woken.append("b"))
    flight.leave("a")
    assert flight.outcome is None
    error = TransientError("down")
    flight.finish(Outcome.FAILED, error)
    assert woken == ["b"]
    assert (flight.outcome, flight.error) == (Outcome.FAILED, error)


def test_a_thread_that_stops_waiting_leaves_nothing_behind() -> None:
    flight = Flight(timedelta(0))
    flight.wait(0.01)
    assert flight._waiters == {}


def test_who_joins_after_the_end_is_woken_at_once_and_only_once() -> None:
    flight, woken = Flight(timedelta(0)), list[str]()
    flight.finish(Outcome.COMMITTED)
    flight.join("late", lambda: woken.append("late"))
    flight.leave("late")
    assert woken == ["late"]


def test_joining_and_ending_at_the_same_time_loses_no_waiter() -> None:
    for _ in range(300):
        flight, woken = Flight(timedelta(0)), threading.Event()
        ender = threading.Thread(target=flight.finish, args=(Outcome.COMMITTED,))
        ender.start()
        flight.join("x", woken.set)
        ender.join()
        assert woken.is_set()


def test_a_task_that_stops_waiting_leaves_nothing_behind() -> None:
    flight = Flight(timedelta(0))

    def asking():  # type: ignore[no-untyped-def]  # a generator that waits once
        yield Wait(flight, 30)

    async def main() -> int:
        task = asyncio.ensure_future(wait_in_task(asking()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        joined = len(flight._waiters)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return joined

    assert asyncio.run(main()) == 1
    assert flight._waiters == {}


def test_a_loop_that_was_closed_over_a_waiting_task_does_not_keep_others_from_being_woken() -> None:
    gate = Gate()
    cache = CachingProvider(Script(gate))
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)  # which would tell of the task that is left pending
    task = loop.create_task(cache.aget())
    loop.run_until_complete(asyncio.sleep(0.02))
    assert gate.entered.wait(5)
    loop.close()
    results: list[object] = []
    waiter = threading.Thread(target=lambda: results.extend(in_threads(4, cache.get)))
    waiter.start()
    gate.open()
    waiter.join(10)
    assert ids(results) == {"id-1"}
    del task
