"""Ten thousand roles in one process: what each costs in memory, what ``pool.get(key)`` costs, and how many threads an outage takes."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import tracemalloc
from collections.abc import Callable
from datetime import timedelta

from alicred import CachingProvider, Credential, RefreshMode, RefreshPolicy
from alicred.policy import Limit
from alicred.pool import ProviderPool
from tools.bench.hot_path import Source
from tools.bench.measure import Report, interleaved, nanoseconds

ROLES = 10_000
CONCURRENT = 20
MOST_BYTES = 1500
MOST_TIMES = 2.5
INLINE = RefreshPolicy(mode=RefreshMode.INLINE)


class Hanging:
    """A source that answers when it is let go."""

    name = "bench"
    calls = 0

    def __init__(self, let_go: threading.Event) -> None:
        self._let_go = let_go
        self._source = Source()

    def get(self) -> Credential:
        Hanging.calls += 1
        self._let_go.wait()
        return self._source.get()


def memory(work: Callable[[], object]) -> int:
    """The bytes that are in use for what *work* returns."""
    gc.collect()
    tracemalloc.start()
    kept = work()
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return used


def with_values(limit: Limit | None) -> ProviderPool[str, Credential]:
    pool = ProviderPool(lambda key: Source(), capacity=ROLES, refresh=INLINE, limit=limit)
    for number in range(ROLES):
        pool.get(f"role-{number}")
    return pool


def bare() -> dict[str, tuple[Source, Credential]]:
    """What no pool can do without: the keys, the sources and the credentials, in a dictionary."""
    sources = {f"role-{number}": Source() for number in range(ROLES)}
    return {key: (source, source.get()) for key, source in sources.items()}


def outage() -> tuple[int, int, float, float, int]:
    """All ask while the service hangs, and again when it is back.

    Returns the most threads, the calls during the outage, the processor's seconds for that, the seconds until all are served
    afterwards, and errors then.
    """
    let_go = threading.Event()
    limit = Limit(concurrent=CONCURRENT)
    policy = RefreshPolicy(max_wait=timedelta(seconds=3))
    pool = ProviderPool(lambda key: Hanging(let_go), capacity=ROLES, limit=limit, refresh=policy)
    before, most, calls, worked, took, failed = threading.active_count(), 0, 0, 0.0, 0.0, 0
    Hanging.calls = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, threading.active_count() - before)
            await asyncio.sleep(0.01)

    async def ask(max_wait: timedelta | None) -> int:
        answers = await asyncio.gather(*(pool.aget(f"role-{number}", max_wait) for number in range(ROLES)), return_exceptions=True)
        return sum(isinstance(answer, BaseException) for answer in answers)

    async def run() -> None:
        nonlocal calls, worked, took, failed
        watching = asyncio.create_task(watch())
        began = time.process_time()
        await ask(None)
        calls, worked = Hanging.calls, time.process_time() - began
        let_go.set()
        began = time.perf_counter()
        failed = await ask(timedelta(minutes=2))
        took = time.perf_counter() - began
        watching.cancel()

    asyncio.run(run())
    pool.close()
    return most, calls, worked, took, failed


def measure(report: Report, *, rounds: int, number: int) -> None:
    floor, plain, limited = memory(bare), memory(lambda: with_values(None)), memory(lambda: with_values(Limit(concurrent=CONCURRENT)))
    for name, used in (("a pool", plain), ("a pool with a limit", limited)):
        report.say(
            f"{name:<22} {ROLES} roles: {(used - floor) / ROLES:5.0f} bytes each, beside key, source and credential ({floor / ROLES:.0f})"
        )
        report.bound(f"bytes for a role in {name}, beside its credential", (used - floor) / ROLES, MOST_BYTES)

    pool = with_values(None)
    cache = CachingProvider(Source())
    cache.get()
    keys = [f"role-{number}" for number in range(0, ROLES, ROLES // 100)]
    turn = 0

    def any_role() -> Credential:
        nonlocal turn
        turn = (turn + 1) % 100
        return pool.get(keys[turn])

    def no_role() -> Credential:
        nonlocal turn
        turn = (turn + 1) % 100
        keys[turn]
        return cache.get()

    took = interleaved(
        {
            "cache": nanoseconds(cache.get, number),
            "pool": nanoseconds(lambda: pool.get("role-77"), number),
            "cache, in a lambda": nanoseconds(lambda: cache.get(), number),
            "pool, 100 roles": nanoseconds(any_role, number),
            "cache, the same loop": nanoseconds(no_role, number),
        },
        rounds,
    )
    ratio = took["pool"] / took["cache, in a lambda"]
    report.say(f"pool.get(key)          {took['pool']:5.0f} ns   a cached get() {took['cache, in a lambda']:5.0f} ns   ratio {ratio:.2f}")
    report.bound("pool.get(key), times a cached get()", ratio, MOST_TIMES)

    most, calls, worked, seconds, failed = outage()
    report.say(
        f"{ROLES} roles asked for while the service hangs: {most} threads, {calls} calls, {worked:.1f} s of the processor;"
        f" it comes back: all are served after {seconds:.1f} s, {failed} errors"
    )
    report.bound(f"threads for {ROLES} roles in an outage, of a limit of {CONCURRENT}", most, CONCURRENT)
    report.bound(f"calls for {ROLES} roles in an outage, of a limit of {CONCURRENT}", calls, CONCURRENT)
    report.bound(f"errors of {ROLES} roles after an outage", failed, 0)
