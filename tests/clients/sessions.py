"""Sessions that end while clients work, and an upstream that is slow: what a cache in front of them is for."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Awaitable, Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import attrs

from alicred import Credential, RefreshPolicy
from tests.clients.support import THREADS, Keys

TICK = 0.1  # seconds
# For sessions of five seconds and a source that takes one: it has answered long before anybody has to wait for it.
WELL_AHEAD = RefreshPolicy(ahead=timedelta(seconds=4.5), jitter=0)


class Early:
    """A provider of what *keys* has, each said to end a while before the service refuses it, so that no test hangs on a slow machine."""

    name = "early"

    def __init__(self, keys: Keys, early: timedelta = timedelta(seconds=1)) -> None:
        self._keys = keys
        self._early = early

    def get(self) -> Credential:
        minted = self._keys.get()
        assert minted.expires_at is not None
        return attrs.evolve(minted, expires_at=minted.expires_at - self._early)


class Lives(Keys):
    """Keys of which each is good for as long as one says when it is minted."""

    def lasting(self, span: timedelta) -> Callable[[], Credential]:
        """A step of a `Script`: a new key that is good for *span*."""

        def mint() -> Credential:
            self._lasts = span
            return self.get()

        return mint


def for_a_while(seconds: float, call: Callable[[str], object]) -> list[int]:
    """Call from several threads again and again; how often each has."""
    until = time.monotonic() + seconds

    def work(number: int) -> int:
        calls = 0
        while time.monotonic() < until:
            calls += 1
            call(f"worker{number}x{calls}")
            time.sleep(0.02)
        return calls

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, range(THREADS)))


class Slow:
    """A source that takes about a second, and on an event loop that stands still for as long as *patience*.

    An answer comes when the loop has ticked ten times since it was asked. So what matters is not how fast the machine is, but whether
    the loop goes on.
    """

    name = "slow"

    def __init__(self, source: Early | Keys, patience: float = 10) -> None:
        self._source = source
        self._patience = patience
        self._lock = threading.Lock()
        self._waiting: list[tuple[int, threading.Event]] = []
        self._ticks = 0
        self._over = False
        self.lag = 0.0  # seconds by which the worst tick was late
        self.calls = 0
        self.in_vain = 0  # how often the loop stood still

    def get(self) -> Credential:
        answered = threading.Event()
        with self._lock:
            self.calls += 1
            self._waiting.append((self._ticks + 10, answered))
            if self._over:
                answered.set()
        if not answered.wait(self._patience):
            self.in_vain += 1
        return self._source.get()

    def went_on(self) -> bool:
        """Whether the loop did all the time. No question of how fast the machine is: the bound is half of the patience."""
        return self.in_vain == 0 and self.lag < self._patience / 2

    @contextlib.contextmanager
    def watching(self) -> Generator[None, None, None]:
        """Tick on the loop that is running. Afterwards, nobody has to wait any more."""
        ticker = asyncio.ensure_future(self._tick())
        try:
            yield
        finally:
            ticker.cancel()
            with self._lock:
                self._over = True
                for _, answered in self._waiting:
                    answered.set()

    async def _tick(self) -> None:
        while True:
            begun = time.monotonic()
            await asyncio.sleep(TICK)
            self.lag = max(self.lag, time.monotonic() - begun - TICK)
            with self._lock:
                self._ticks += 1
                for due, answered in self._waiting:
                    if due <= self._ticks:
                        answered.set()


async def in_tasks_for_a_while(seconds: float, call: Callable[[str], Awaitable[object]], tasks: int = 5) -> None:
    """Call from several tasks again and again."""
    until = time.monotonic() + seconds

    async def work(number: int) -> None:
        calls = 0
        while time.monotonic() < until:
            calls += 1
            await call(f"task{number}x{calls}")
            await asyncio.sleep(0.05)

    await asyncio.gather(*(work(number) for number in range(tasks)))
