"""``max_wait`` under clocks of trio and asyncio that do not go."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
import trio
import trio.testing

from alicred import CachingProvider, RefreshPolicy
from alicred.refresh.flight import Flight
from alicred.refresh.waiting import Wait, wait_in_task
from tests.libraries import in_tasks, run_asyncio
from tests.refresh.callers import asking
from tests.support import Gate, Script, ids


class Frozen(trio.abc.Clock):
    """A clock of trio's that stands still, as it does where a test tool has frozen the time."""

    def start_clock(self) -> None: ...

    def current_time(self) -> float:
        return 1e6

    def deadline_to_sleep_time(self, deadline: float) -> float:
        return max(0.0, deadline - 1e6)


CLOCKS = {
    "mock": trio.testing.MockClock(),
    "autojump": trio.testing.MockClock(autojump_threshold=0),
    "autojump of a running clock": trio.testing.MockClock(rate=1, autojump_threshold=0),
    "frozen": Frozen(),
}


@pytest.mark.parametrize("clock", CLOCKS.values(), ids=CLOCKS)
def test_max_wait_counts_real_time_and_moves_no_clock_of_trios(clock: trio.abc.Clock) -> None:
    gate = Gate()
    cache = CachingProvider(Script(gate), refresh=RefreshPolicy(max_wait=timedelta(milliseconds=100)))

    async def main() -> tuple[list[object], float]:
        before = trio.current_time()
        return await in_tasks(5, cache.aget), trio.current_time() - before

    began = time.monotonic()
    answers, moved = trio.run(main, clock=clock)
    took = time.monotonic() - began
    assert ids(answers) == {"RefreshTimeoutError"}
    assert 0.1 <= took < 5
    assert moved <= took
    gate.open()


def test_max_wait_counts_real_time_where_the_clock_of_asyncio_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    cache = CachingProvider(Script(gate), refresh=RefreshPolicy(max_wait=timedelta(milliseconds=100)))
    monkeypatch.setattr("time.monotonic", lambda: 1.7e9)
    answers = run_asyncio(lambda: in_tasks(5, cache.aget))
    monkeypatch.undo()
    gate.open()
    assert ids(answers) == {"RefreshTimeoutError"}


def test_where_no_thread_can_be_started_the_clock_of_trio_has_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    flight, clock = Flight(timedelta(0)), trio.testing.MockClock(autojump_threshold=0)

    def full(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    async def main() -> float:
        monkeypatch.setattr("alicred.refresh.waiting.start_thread", full)
        before = trio.current_time()
        await wait_in_task(asking(Wait(flight, 1000.0)))
        return trio.current_time() - before

    assert trio.run(main, clock=clock) == 1000
