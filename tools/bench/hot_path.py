"""A cached ``get()`` and ``aget()`` against the floor."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from alicred import SYSTEM_CLOCK, CachingProvider, Credential
from alicred.credential import Expiring
from tools.bench.measure import Report, interleaved, nanoseconds

HOUR = timedelta(hours=1)
AT_MOST = 1.15


class Floor:
    """What no cache can do without: a bare class that reads the same clock once and compares."""

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
    """A source that takes *pause* seconds without using the processor."""

    name = "bench"

    def __init__(self, pause: float = 0.0) -> None:
        self.calls = 0
        self._pause = pause

    def get(self) -> Credential:
        self.calls += 1
        time.sleep(self._pause)
        return Credential("id", "secret", "token", SYSTEM_CLOCK.utcnow() + HOUR)


def awaited(function: Callable[[], Awaitable[object]], number: int) -> Callable[[], float]:
    async def loop() -> float:
        began = time.perf_counter()
        for _ in range(number):
            await function()
        return (time.perf_counter() - began) / number * 1e9

    return lambda: asyncio.run(loop())


def measure(report: Report, *, rounds: int, number: int) -> None:
    cache = CachingProvider(Source())
    floor = Floor(cache.get())
    for name, contestants in (
        ("cached get()", {"floor": nanoseconds(floor.get, number), "cache": nanoseconds(cache.get, number)}),
        ("cached aget()", {"floor": awaited(floor.aget, number), "cache": awaited(cache.aget, number)}),
    ):
        took = interleaved(contestants, rounds)
        ratio = took["cache"] / took["floor"]
        report.say(f"{name:<16} {took['cache']:7.0f} ns   the floor {took['floor']:7.0f} ns   ratio {ratio:.2f}")
        report.ratios[name] = ratio
        report.bound(f"{name}, times the floor", ratio, AT_MOST)
