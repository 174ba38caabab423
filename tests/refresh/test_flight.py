"""Flights: claimed once, finished once, heard by everybody who waits."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

from alicred import CachingProvider, TransientError
from alicred.refresh.flight import Flight, Outcome
from alicred.refresh.waiting import Wait, wait_in_task
from tests.support import Gate, Script, ids, in_threads


def test_one_thread_alone_gets_hold_of_it() -> None:
    flight, barrier = Flight(timedelta(0)), threading.Barrier(16)

    def claim() -> bool:
        claimed = flight.claim()
        barrier.wait(5)  # a thread's number is given anew when it ends
        return claimed

    assert sorted(map(str, in_threads(16, claim))) == ["False"] * 15 + ["True"]


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


def test_joining_and_ending_at_the_same_time_loses_nobody() -> None:
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


def test_a_loop_that_was_closed_over_a_waiting_task_keeps_nobody_from_being_woken() -> None:
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
