"""The cache under real tasks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from alicred import CachingProvider, ClosedError, Credential, DeniedError, ProviderError, RefreshMode, RefreshPolicy, TransientError
from alicred.testing import FakeClock
from tests.support import HOUR, Gate, Script, ids, in_threads

T = TypeVar("T")
MINUTE = timedelta(minutes=1)
BOTH_MODES = pytest.mark.parametrize("mode", list(RefreshMode))


def run(main: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(main)


async def turns(gate: Gate) -> None:
    """Open *gate* when the loop has had ten turns with somebody before it: a loop that is held has none, and nobody opens."""
    await asyncio.to_thread(gate.entered.wait, 20)
    for _ in range(10):
        await asyncio.sleep(0)
    gate.open()


def slow() -> timedelta:
    time.sleep(0.2)
    return HOUR


@BOTH_MODES
def test_200_tasks_on_a_cold_cache_make_one_call_and_do_not_hold_the_loop(mode: RefreshMode) -> None:
    gate = Gate()
    source = Script(gate)
    cache = CachingProvider(source, refresh=RefreshPolicy(mode=mode))

    async def main() -> list[Credential]:
        *results, _ = await asyncio.gather(*(cache.aget() for _ in range(200)), turns(gate))
        return results

    assert ids(run(main())) == {"id-1"}
    assert source.calls == 1


def test_tasks_and_threads_share_one_flight() -> None:
    source = Script(slow)
    cache = CachingProvider(source)

    async def main() -> list[Credential]:
        return await asyncio.gather(*(cache.aget() for _ in range(50)))

    from_threads: list[object] = []
    threads = threading.Thread(target=lambda: from_threads.extend(in_threads(50, cache.get)))
    threads.start()
    from_tasks = run(main())
    threads.join()
    assert ids(from_tasks) == ids(from_threads) == {"id-1"}
    assert source.calls == 1


def test_a_task_that_is_cancelled_ends_nothing() -> None:
    gate = Gate()
    source = Script(gate)
    cache = CachingProvider(source)

    async def main() -> list[object]:
        tasks = [asyncio.ensure_future(cache.aget()) for _ in range(20)]
        await asyncio.to_thread(gate.entered.wait, 5)
        for task in tasks[:10]:  # the one that started the flight among them
            task.cancel()
        await asyncio.sleep(0)
        gate.open()
        return await asyncio.gather(*tasks, return_exceptions=True)

    results = run(main())
    assert ids(results[:10]) == {"CancelledError"}
    assert ids(results[10:]) == {"id-1"}
    assert source.calls == 1
    assert cache.get().access_key_id == "id-1"


def test_a_time_limit_of_the_callers_own_ends_its_wait_alone() -> None:
    gate = Gate()
    cache = CachingProvider(Script(gate))

    async def main() -> str:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(cache.aget(), 0.05)
        gate.open()
        return (await cache.aget()).access_key_id

    assert run(main()) == "id-1"


def test_a_failed_flight_gives_every_task_an_error_of_its_own() -> None:
    gate = Gate(DeniedError("no"))
    cache = CachingProvider(Script(gate))

    async def main() -> list[object]:
        tasks = asyncio.gather(*(cache.aget() for _ in range(20)), return_exceptions=True)
        await asyncio.sleep(0.02)
        gate.open()
        return await tasks

    errors = run(main())
    assert ids(errors) == {"DeniedError"}
    assert len({id(error) for error in errors}) == 20


def test_a_waiting_task_gives_up_after_max_wait() -> None:
    gate = Gate()
    cache = CachingProvider(Script(gate), refresh=RefreshPolicy(max_wait=timedelta(milliseconds=100)))

    async def main() -> list[object]:
        return await asyncio.gather(*(cache.aget() for _ in range(5)), return_exceptions=True)

    began = time.monotonic()
    assert ids(run(main())) == {"RefreshTimeoutError"}
    assert time.monotonic() - began < 5
    gate.open()


@BOTH_MODES
def test_in_the_window_no_task_waits(mode: RefreshMode) -> None:
    clock, gate = FakeClock(), Gate()
    cache = CachingProvider(Script(HOUR, gate, clock=clock), clock=clock, refresh=RefreshPolicy(jitter=0, mode=mode))

    async def main() -> set[str]:
        await cache.aget()
        clock.advance(50 * MINUTE)
        return ids(await asyncio.gather(*(cache.aget() for _ in range(50))))

    assert run(main()) == {"id-1"}
    gate.open()


def test_a_loop_that_is_gone_when_the_flight_ends_disturbs_no_caller() -> None:
    gate = Gate()
    cache = CachingProvider(Script(gate))

    async def main() -> None:
        task = asyncio.ensure_future(cache.aget())
        await asyncio.sleep(0.02)
        del task

    run(main())
    gate.open()
    assert cache.get().access_key_id == "id-1"


def test_get_valid_for_and_close_are_there_for_tasks_too() -> None:
    source = Script(HOUR)
    cache = CachingProvider(source)

    async def main() -> None:
        assert (await cache.aget_valid_for(30 * MINUTE)).access_key_id == "id-1"
        with pytest.raises(ProviderError, match="2:00:00"):
            await cache.aget_valid_for(2 * HOUR)
        cache.close()
        with pytest.raises(ClosedError):
            await cache.aget()

    run(main())


def test_several_loops_share_one_provider() -> None:
    source = Script(slow)
    cache = CachingProvider(source)

    async def main() -> list[Credential]:
        return await asyncio.gather(*(cache.aget() for _ in range(20)))

    results = in_threads(4, lambda: run(main()))
    assert all(isinstance(result, list) and ids(result) == {"id-1"} for result in results)
    assert source.calls == 1


def test_errors_of_the_source_reach_the_task_as_they_are() -> None:
    cache = CachingProvider(Script(TransientError("down", code="Unreachable")))
    with pytest.raises(TransientError) as caught:
        run(cache.aget())
    assert caught.value.code == "Unreachable"
