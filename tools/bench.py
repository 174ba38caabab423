"""``make bench``: the hot path against the floor, interleaved in one run, as ratios.

The floor is what no cache can do without: a bare class that reads the same clock once and compares.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import statistics
import subprocess
import sys
import threading
import time
import timeit
from collections.abc import Callable
from datetime import timedelta

from alicred import SYSTEM_CLOCK, CachingProvider, Credential
from alicred.credential import Expiring

HOUR = timedelta(hours=1)


class Floor:
    """One clock read, one comparison."""

    __slots__ = ("_now", "_until", "_value")

    def __init__(self, value: Expiring) -> None:
        self._now = SYSTEM_CLOCK.monotonic
        self._until = self._now() + HOUR.total_seconds()
        self._value = value

    def get(self) -> Expiring:
        if self._now() < self._until:
            return self._value
        raise RuntimeError("the floor knows no refresh")

    async def aget(self) -> Expiring:
        if self._now() < self._until:
            return self._value
        raise RuntimeError("the floor knows no refresh")


class Source:
    name = "bench"

    def __init__(self, pause: float = 0.0) -> None:
        self.calls = 0
        self._pause = pause

    def get(self) -> Credential:
        self.calls += 1
        time.sleep(self._pause)
        return Credential("id", "secret", "token", SYSTEM_CLOCK.utcnow() + HOUR)


def interleaved(contestants: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median over *rounds* of what each contestant measures, taken in turns so that noise hits all alike."""
    seen: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, measure in contestants.items():
            seen[name].append(measure())
    return {name: statistics.median(values) for name, values in seen.items()}


def calls(function: Callable[[], object], number: int) -> Callable[[], float]:
    return lambda: timeit.timeit(function, number=number) / number * 1e9


def awaits(function: Callable[[], object], number: int) -> Callable[[], float]:
    async def loop() -> float:
        began = time.perf_counter()
        for _ in range(number):
            await function()  # type: ignore[misc]  # a coroutine function, seen as any other
        return (time.perf_counter() - began) / number * 1e9

    return lambda: asyncio.run(loop())


def hot_path(rounds: int, number: int) -> None:
    source = Source()
    cache = CachingProvider(source)
    floor = Floor(cache.get())
    sync = interleaved({"floor": calls(floor.get, number), "cache": calls(cache.get, number)}, rounds)
    tasks = interleaved({"floor": awaits(floor.aget, number), "cache": awaits(cache.aget, number)}, rounds)
    for name, took in (("cached get() ", sync), ("cached aget()", tasks)):
        print(f"{name}    {took['cache']:7.0f} ns   floor {took['floor']:7.0f} ns   ratio {took['cache'] / took['floor']:.2f}")


def stampede(threads: int) -> None:
    source = Source(0.2)
    cache = CachingProvider(source)
    waits: list[float] = []
    barrier = threading.Barrier(threads)

    def work() -> None:
        barrier.wait()
        began = time.perf_counter()
        cache.get()
        waits.append(time.perf_counter() - began)

    pool = [threading.Thread(target=work) for _ in range(threads)]
    for thread in pool:
        thread.start()
    for thread in pool:
        thread.join()
    print(f"cold stampede    {threads} threads, upstream 200 ms: {source.calls} call, longest wait {max(waits) * 1e3:.0f} ms")


def imports(rounds: int) -> None:
    def start(program: str) -> Callable[[], float]:
        def measure() -> float:
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", program], check=True)
            return (time.perf_counter() - began) * 1e3

        return measure

    took = interleaved({"bare": start("pass"), "attrs": start("import attrs"), "alicred": start("import alicred")}, rounds)
    attrs, alicred = took["attrs"] - took["bare"], took["alicred"] - took["bare"]
    print(f"import alicred   {alicred:7.1f} ms   import attrs {attrs:.1f} ms   ratio {alicred / attrs:.2f}   (over a bare interpreter)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--number", type=int, default=50_000, help="calls in each round")
    options = parser.parse_args()
    print(f"{platform.python_implementation()} {platform.python_version()}, medians of {options.rounds} interleaved rounds")
    hot_path(options.rounds, options.number)
    stampede(1000)
    imports(min(options.rounds, 15))


if __name__ == "__main__":
    main()
