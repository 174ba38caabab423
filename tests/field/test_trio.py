"""Tasks of trio on a cold cache."""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import anyio
import anyio.lowlevel
import trio
import trio.testing

from tests.field import naive_trio
from tests.field.harness import LONG, SHORT, Subject, bites, outcome
from tests.libraries import event, in_tasks
from tests.support import HOUR, Gate, Script, ids


def runs(main: Callable[[], Coroutine[Any, Any, object]]) -> object:
    """What a run of trio comes to: its answer or its error."""
    try:
        return outcome(lambda: trio.run(main))
    except Exception as error:
        return error


@bites(naive_trio.KnowsAsyncioAlone, failing="RuntimeError")
def test_a_task_of_trio_is_served(subject: Subject) -> None:
    answer = runs(subject.make(Script(HOUR)).aget)
    assert ids([answer]) == {"id-1"}, f"{type(answer).__name__}: {answer}"


@bites(naive_trio.BlocksTheRun, failing="trio stood still")
def test_a_refresh_does_not_stop_the_tasks_of_trio(subject: Subject) -> None:
    token: trio.lowlevel.TrioToken
    went_on: list[bool] = []

    def slow() -> timedelta:
        turn = threading.Event()
        token.run_sync_soon(turn.set)
        went_on.append(subject.comes(turn.is_set))
        return HOUR

    source = Script(slow)
    cache = subject.make(source)

    async def main() -> list[object]:
        nonlocal token
        token = trio.lowlevel.current_trio_token()
        return await in_tasks(100, cache.aget)

    answers = trio.run(main)
    assert went_on == [True], "trio stood still while the source was asked"
    assert (ids(answers), source.calls) == ({"id-1"}, 1)


@bites(naive_trio.KeepsItsCaller, failing="the deadline passed")
def test_a_deadline_of_trio_is_kept_while_the_source_hangs(subject: Subject) -> None:
    gate = Gate()
    cache = subject.make(Script(gate))
    late = threading.Timer(SHORT if subject.naive else LONG, gate.open)

    async def main() -> None:
        with trio.move_on_after(0.05):
            await cache.aget()

    late.start()
    trio.run(main)
    in_time = not gate.opened.is_set()
    late.cancel()
    gate.open()
    assert in_time, "the deadline passed, and the task went on waiting for the source"


@bites(naive_trio.FetchesInATask, failing="the others")
def test_a_task_of_trio_that_is_cancelled_does_not_take_the_refresh_along(subject: Subject) -> None:
    gate = Gate()
    source = Script(gate)
    cache = subject.make(source)
    answers: list[object] = []

    async def wait() -> None:
        with trio.move_on_after(SHORT if subject.naive else LONG):
            answers.append(await cache.aget())

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            with trio.move_on_after(0.05):
                await cache.aget()
            await event(gate.entered.wait)
            for _ in range(10):
                nursery.start_soon(wait)
            await trio.testing.wait_all_tasks_blocked()
            gate.open()

    trio.run(main)
    assert len(answers) == 10, "the others wait for a refresh that was cancelled with the task that began it"
    assert (ids(answers), source.calls) == ({"id-1"}, 1)


@bites(naive_trio.CountsOnTheLoop, failing="the clock was moved")
def test_a_wait_does_not_move_a_clock_of_trios_that_jumps(subject: Subject) -> None:
    gate = Gate()
    cache = subject.make(Script(gate))
    threading.Timer(0.2, gate.open).start()

    async def main() -> float:
        before = trio.current_time()
        await in_tasks(1, cache.aget)
        return trio.current_time() - before

    moved = trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    assert moved == 0, f"the clock was moved by {moved} seconds"


@bites(naive_trio.CopiesTheContext, failing="the source could not run")
def test_a_source_that_an_anyio_task_asks_may_use_anyio_itself(subject: Subject) -> None:
    problems: list[str] = []

    def fetch() -> timedelta:
        try:
            anyio.run(anyio.lowlevel.checkpoint)
        except RuntimeError as error:
            problems.append(str(error))
        return HOUR

    cache = subject.make(Script(fetch))
    answer = anyio.run(cache.aget, backend="trio")
    assert problems == [], f"the source could not run: {problems}"
    assert ids([answer]) == {"id-1"}
