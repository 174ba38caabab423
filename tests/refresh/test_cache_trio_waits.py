"""Waits of tasks: time limits, cancellation, forks, interrupts."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from math import inf

import anyio
import anyio.lowlevel
import pytest
import trio
import trio.testing

from alicred import CachingProvider
from alicred.refresh.flight import Flight, Outcome
from alicred.refresh.waiting import Wait, wait_in_task
from tests.libraries import Run, event, in_each_library
from tests.refresh.callers import asking
from tests.refresh.trio_support import waiters
from tests.support import Gate, Script


@in_each_library
def test_a_wait_ends_with_its_seconds_or_with_the_flight_and_can_be_repeated(run: Run) -> None:
    flight, ended = Flight(timedelta(0)), Flight(timedelta(0))
    ended.finish(Outcome.COMMITTED)

    async def main() -> float:
        began = time.monotonic()
        assert await wait_in_task(asking(Wait(flight, -1), Wait(flight, 0), Wait(flight, 0.05), Wait(flight, 0.05))) == "the answer"
        took = time.monotonic() - began
        await wait_in_task(asking(Wait(ended, 1e6), Wait(ended, inf)))
        return took

    assert 0.1 <= run(main) < 5
    assert flight._waiters == {}


@in_each_library
def test_each_wait_lets_the_other_tasks_go_on_and_can_be_cancelled(run: Run) -> None:
    ended = Flight(timedelta(0))
    ended.finish(Outcome.COMMITTED)

    async def main() -> None:
        done: list[str] = []

        async def other() -> None:
            done.append("other")

        async with anyio.create_task_group() as group:
            group.start_soon(other)
            await wait_in_task(asking(Wait(ended, 1.0), Wait(ended, 1.0), Wait(ended, 1.0)))
            assert done == ["other"]
        with anyio.CancelScope() as scope:
            scope.cancel()
            await wait_in_task(asking(Wait(ended, 1.0)))
        assert scope.cancelled_caught

    run(main)


class Clinging(Flight):
    """A flight that nobody can leave, so that it wakes those who have gone."""

    def leave(self, key: object) -> None: ...


@in_each_library
def test_a_run_that_has_ended_is_not_woken_and_disturbs_no_caller(run: Run) -> None:
    flight, woken = Clinging(timedelta(0)), list[str]()
    run(lambda: wait_in_task(asking(Wait(flight, 0.01))))
    assert len(flight._waiters) == 1
    flight._waiters = {"x": lambda: woken.append("x"), **flight._waiters, "y": lambda: woken.append("y")}
    flight.finish(Outcome.COMMITTED)
    assert sorted(woken) == ["x", "y"]


@in_each_library
def test_a_forked_child_does_not_touch_the_loop_of_its_parent(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    flight, pid = Flight(timedelta(0)), os.getpid()

    async def main() -> float:
        began = time.monotonic()

        async def end_it() -> None:
            await anyio.wait_all_tasks_blocked()
            monkeypatch.setattr("os.getpid", lambda: pid + 1)
            flight.finish(Outcome.COMMITTED)
            monkeypatch.undo()

        async with anyio.create_task_group() as group:
            group.start_soon(end_it)
            await wait_in_task(asking(Wait(flight, 0.3)))
        return time.monotonic() - began

    assert run(main) >= 0.3


def test_an_interrupt_of_trio_ends_the_run_and_not_the_flight() -> None:
    gate = Gate()
    source = Script(gate)
    cache = CachingProvider(source)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for _ in range(10):
                nursery.start_soon(cache.aget)
            await event(gate.entered.wait)
            signal.raise_signal(signal.SIGINT)  # to this thread: the system may give that of `os.kill` to any

    with pytest.raises(BaseException) as caught:  # noqa: PT011  (an interrupt, or a group with one in it)
        trio.run(main)
    assert "KeyboardInterrupt" in repr(caught.value)
    assert waiters(cache) == 0
    gate.open()
    assert cache.get().access_key_id == "id-1"
    assert source.calls == 1
