"""The libraries that run tasks, and the ways into each. Inside a run, tests use anyio, which speaks to both."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Protocol, TypeVar

import anyio
import pytest
import trio

from alicred import AlicredError

T = TypeVar("T")


class Run(Protocol):
    """Runs an async function to its end."""

    def __call__(self, main: Callable[[], Coroutine[Any, Any, T]], /) -> T: ...


def run_asyncio(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return asyncio.run(main())


def run_trio(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return trio.run(main)


def run_anyio_on_asyncio(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return anyio.run(main, backend="asyncio")


def run_anyio_on_trio(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    return anyio.run(main, backend="trio")


RUNS: tuple[Run, ...] = (run_asyncio, run_trio, run_anyio_on_asyncio, run_anyio_on_trio)
in_each_library = pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__.removeprefix("run_"))


async def in_tasks(count: int, ask: Callable[[], Awaitable[object]]) -> list[object]:
    """What each of *count* tasks gets: a value or an error."""
    results: list[object] = []

    async def one() -> None:
        try:
            results.append(await ask())
        except AlicredError as error:
            results.append(error)

    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(one)
    return results


async def event(is_set: Callable[[float], bool]) -> None:
    """Wait for an event of threads, such as ``gate.entered.wait``."""
    assert await anyio.to_thread.run_sync(is_set, 20), "what was waited for did not happen"
