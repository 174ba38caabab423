"""One library inside the other, and neither."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import trio
import trio.testing

from alicred import CachingProvider, Credential
from alicred._internal.tasks import is_in_trio
from tests.libraries import in_tasks
from tests.refresh.trio_support import waiters
from tests.support import HOUR, Gate, Script, ids


def test_asyncio_inside_a_task_of_trio_and_the_other_way_round() -> None:
    found: list[tuple[str, bool, str]] = []

    async def ask(where: str) -> None:
        found.append((where, is_in_trio(), (await CachingProvider(Script(HOUR)).aget()).access_key_id))

    async def asyncio_in_trio() -> None:
        asyncio.run(ask("asyncio in trio"))
        await ask("trio, afterwards")

    async def trio_in_asyncio() -> None:
        trio.run(ask, "trio in asyncio")
        await ask("asyncio, afterwards")

    trio.run(asyncio_in_trio)
    asyncio.run(trio_in_asyncio())
    assert found == [
        ("asyncio in trio", False, "id-1"),
        ("trio, afterwards", True, "id-1"),
        ("trio in asyncio", True, "id-1"),
        ("asyncio, afterwards", False, "id-1"),
    ]


def test_trio_as_a_guest_of_asyncio() -> None:
    gate = Gate()
    source = Script(gate)
    cache = CachingProvider(source)

    async def host() -> list[object]:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        trio.lowlevel.start_guest_run(
            in_tasks, 10, cache.aget, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=done.set_result
        )
        own = [asyncio.ensure_future(cache.aget()) for _ in range(10)]
        while waiters(cache) < 20:  # noqa: ASYNC110
            await asyncio.sleep(0.002)
        gate.open()
        of_guest: list[object] = (await done).unwrap()
        return [*of_guest, *await asyncio.gather(*own)]

    answers = asyncio.run(host())
    assert (len(answers), ids(answers), source.calls) == (20, {"id-1"}, 1)


class ByHand:
    """Drives a coroutine without a loop, to see whose task it takes itself for."""

    @staticmethod
    def run(coroutine: Coroutine[Any, Any, object]) -> object:
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value
        raise AssertionError("it waits")


def test_who_runs_in_no_library_is_served_what_is_held_and_is_not_taken_for_trios() -> None:
    cache = CachingProvider(Script(HOUR))
    cache.get()
    assert not is_in_trio()
    value = ByHand.run(cache.aget())
    assert isinstance(value, Credential)
