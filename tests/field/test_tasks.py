"""A hundred tasks on a cold cache."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable
from datetime import timedelta

from tests.field import naive_sharing
from tests.field.harness import Subject, bites
from tests.support import HOUR, Script, ids


def ask_with_100_tasks(subject: Subject) -> tuple[Script, list[bool], list[object]]:
    """The source, whether the loop went on each time that the source was asked, and what the tasks got."""
    loop: asyncio.AbstractEventLoop
    went_on: list[bool] = []

    def slow() -> timedelta:
        turn = threading.Event()
        loop.call_soon_threadsafe(turn.set)
        went_on.append(subject.comes(turn.is_set))
        return HOUR

    source = Script(slow)
    cache = subject.make(source)

    async def main() -> list[object]:
        nonlocal loop
        loop = asyncio.get_running_loop()
        tasks: list[Awaitable[object]] = [cache.aget() for _ in range(100)]
        return await asyncio.gather(*tasks)

    answers = asyncio.run(main())
    return source, went_on, answers


@bites(naive_sharing.BlocksTheLoop, naive_sharing.LockAcrossAwait, failing="the loop stood still")
def test_a_refresh_does_not_stop_the_event_loop(subject: Subject) -> None:
    _, went_on, answers = ask_with_100_tasks(subject)
    assert all(went_on), "the loop stood still while the source was asked"
    assert ids(answers) == {"id-1"}


@bites(naive_sharing.FetchesForEachTask, failing="a call for each task")
def test_100_tasks_on_a_cold_cache_make_one_call(subject: Subject) -> None:
    source, _, _ = ask_with_100_tasks(subject)
    assert source.calls == 1, f"a call for each task: {source.calls}"
