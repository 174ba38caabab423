"""The cache under tasks of trio and of asyncio, with and without anyio: the same promises in each."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import timedelta

import anyio
import anyio.lowlevel
import pytest

from alicred import CachingProvider, ClosedError, DeniedError, ProviderError, RefreshMode, RefreshPolicy
from alicred.provider import ask_in_task
from alicred.testing import FakeClock
from tests.libraries import Run, event, in_each_library, in_tasks, run_asyncio, run_trio
from tests.refresh.trio_support import waiters
from tests.support import HOUR, Gate, Script, ids, in_threads, wait_until

MINUTE = timedelta(minutes=1)
BOTH_MODES = pytest.mark.parametrize("mode", list(RefreshMode))


@in_each_library
@BOTH_MODES
def test_100_tasks_on_a_cold_cache_make_one_call_and_the_loop_goes_on(run: Run, mode: RefreshMode) -> None:
    gate = Gate()
    source = Script(gate)
    cache = CachingProvider(source, refresh=RefreshPolicy(mode=mode))

    async def turns() -> None:
        await event(gate.entered.wait)
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
        gate.open()  # a loop that is held never comes to this

    async def main() -> list[object]:
        async with anyio.create_task_group() as group:
            group.start_soon(turns)
            return await in_tasks(100, cache.aget)
        raise AssertionError

    assert ids(run(main)) == {"id-1"}
    assert source.calls == 1


def test_tasks_of_all_libraries_and_threads_share_one_flight() -> None:
    gate = Gate()
    source = Script(gate)
    cache = CachingProvider(source)
    ways: list[Callable[[], object]] = [
        cache.get,
        lambda: run_asyncio(lambda: in_tasks(20, cache.aget)),
        lambda: run_trio(lambda: in_tasks(20, cache.aget)),
    ]
    results: list[object] = []
    threads = [threading.Thread(target=lambda way=way: results.extend(in_threads(2, way))) for way in ways]
    for thread in threads:
        thread.start()
    wait_until(lambda: waiters(cache) == 2 + 40 + 40)
    gate.open()
    for thread in threads:
        thread.join()
    answers = [each for result in results for each in (result if isinstance(result, list) else [result])]
    assert (len(answers), ids(answers), source.calls) == (82, {"id-1"}, 1)


@in_each_library
def test_a_task_that_is_cancelled_ends_nothing_and_leaves_nothing_behind(run: Run) -> None:
    gate = Gate()
    source = Script(gate)
    cache = CachingProvider(source)

    async def main() -> list[object]:
        answers: list[object] = []

        async def wait() -> None:
            answers.append(await cache.aget())

        async with anyio.create_task_group() as others:
            async with anyio.create_task_group() as cancelled:
                for _ in range(10):  # the one that starts the flight among them
                    cancelled.start_soon(wait)
                await event(gate.entered.wait)
                for _ in range(10):
                    others.start_soon(wait)
                await anyio.wait_all_tasks_blocked()
                assert waiters(cache) == 20
                cancelled.cancel_scope.cancel()
            assert waiters(cache) == 10
            assert answers == []
            gate.open()
        return answers

    answers = run(main)
    assert (len(answers), ids(answers), source.calls) == (10, {"id-1"}, 1)


@in_each_library
def test_a_time_limit_of_the_callers_own_ends_its_wait_alone(run: Run) -> None:
    gate = Gate()
    cache = CachingProvider(Script(gate))

    async def main() -> str:
        with anyio.move_on_after(0.05) as limit:
            await cache.aget()
        assert limit.cancelled_caught
        assert waiters(cache) == 0
        with pytest.raises(TimeoutError):
            with anyio.fail_after(0.05):
                await cache.aget()
        gate.open()
        return (await cache.aget()).access_key_id

    assert run(main) == "id-1"


@in_each_library
def test_who_is_cancelled_already_does_not_wait_and_still_has_the_refresh_started(run: Run) -> None:
    gate = Gate()
    source = Script(gate)
    cache = CachingProvider(source)

    async def main() -> str:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await cache.aget()
        assert scope.cancelled_caught
        gate.open()
        return (await cache.aget()).access_key_id

    assert run(main) == "id-1"
    assert source.calls == 1


@in_each_library
def test_a_waiting_task_gives_up_after_max_wait(run: Run) -> None:
    gate = Gate()
    cache = CachingProvider(Script(gate), refresh=RefreshPolicy(max_wait=timedelta(milliseconds=100)))
    began = time.monotonic()
    assert ids(run(lambda: in_tasks(5, cache.aget))) == {"RefreshTimeoutError"}
    assert 0.1 <= time.monotonic() - began < 5
    gate.open()


@in_each_library
def test_a_failed_flight_gives_every_task_an_error_of_its_own(run: Run) -> None:
    gate = Gate(DeniedError("no"))
    cache = CachingProvider(Script(gate))

    async def main() -> list[object]:
        async with anyio.create_task_group() as group:

            async def open_gate() -> None:
                await anyio.wait_all_tasks_blocked()
                gate.open()

            group.start_soon(open_gate)
            return await in_tasks(20, cache.aget)
        raise AssertionError

    errors = run(main)
    assert ids(errors) == {"DeniedError"}
    assert len({id(error) for error in errors}) == 20


@in_each_library
@BOTH_MODES
def test_in_the_window_no_task_waits(run: Run, mode: RefreshMode) -> None:
    clock, gate = FakeClock(), Gate()
    cache = CachingProvider(Script(HOUR, gate, clock=clock), clock=clock, refresh=RefreshPolicy(jitter=0, mode=mode))

    async def main() -> list[object]:
        await cache.aget()
        clock.advance(50 * MINUTE)
        return await in_tasks(50, cache.aget)

    assert ids(run(main)) == {"id-1"}
    gate.open()


@in_each_library
def test_the_other_methods_are_there_in_each_library(run: Run) -> None:
    cache = CachingProvider(Script(HOUR))

    async def main() -> None:
        assert (await cache.aget_valid_for(30 * MINUTE)).access_key_id == "id-1"
        with pytest.raises(ProviderError, match="2:00:00"):
            await cache.aget_valid_for(2 * HOUR)
        cache.close()
        with pytest.raises(ClosedError):
            await cache.aget()

    run(main)


@in_each_library
def test_one_cache_serves_one_run_after_the_other(run: Run) -> None:
    cache = CachingProvider(Script(HOUR))
    assert ids(run(lambda: in_tasks(3, cache.aget))) == {"id-1"}
    cache.invalidate()
    assert ids(run(lambda: in_tasks(3, cache.aget))) == {"id-2"}


# What a source sees

ASKER: ContextVar[str] = ContextVar("asker", default="nobody")


@in_each_library
@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_source_has_the_context_of_its_asker_and_may_run_a_loop_of_its_own(run: Run, cached: bool, backend: str) -> None:
    seen: list[str] = []

    async def fetch() -> timedelta:
        await anyio.lowlevel.checkpoint()
        seen.append(ASKER.get())
        return HOUR

    source = Script(lambda: anyio.run(fetch, backend=backend))
    provider = CachingProvider(source) if cached else source

    async def main() -> str:
        ASKER.set("this task")
        return (await ask_in_task(provider)).access_key_id

    assert run(main) == "id-1"
    assert seen == ["this task"]


@in_each_library
def test_a_source_without_aget_is_asked_on_a_thread_and_not_waited_for_once_cancelled(run: Run) -> None:
    gate = Gate()
    source = Script(gate)

    async def main() -> str:
        with anyio.move_on_after(0.05) as limit:
            await ask_in_task(source)
        assert limit.cancelled_caught
        gate.open()
        return (await ask_in_task(source)).access_key_id

    assert run(main) == "id-2"


@in_each_library
def test_a_source_that_runs_out_of_an_iterator_hangs_no_task(run: Run) -> None:
    source = Script(lambda: next(iter([])))

    async def main() -> None:
        with anyio.fail_after(20), pytest.raises(RuntimeError) as caught:
            await ask_in_task(source)
        assert isinstance(caught.value.__cause__, StopIteration)

    run(main)


IMPORTS = """
import sys
from alicred import CachingProvider, Credential, StaticProvider

class Source:
    name = "source"
    def get(self):
        return Credential("id", "secret")

async def main():
    await CachingProvider(Source()).aget()

if {library!r} == "asyncio":
    import asyncio
    asyncio.run(main())
else:
    import trio
    before = set(sys.modules)
    trio.run(main)
    assert "asyncio" not in set(sys.modules) - before
print(sorted({{"anyio", "trio", "sniffio"}} & set(sys.modules)))
"""


@pytest.mark.parametrize(("library", "loaded"), [("asyncio", []), ("trio", ["sniffio", "trio"])])
def test_no_library_is_loaded_that_the_program_does_not_use(library: str, loaded: list[str]) -> None:
    program = IMPORTS.format(library=library)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (str(loaded), "")
