"""One process of a run: its providers, its callers, and what it looks like from outside while they call."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from alicred import (
    Backoff,
    CachingProvider,
    Credential,
    EcsRamRoleProvider,
    FractionWindow,
    HttpClient,
    ImdsClient,
    Phase,
    RamRoleArnProvider,
    RefreshPolicy,
    RetryingProvider,
    RetryPolicy,
    StaticProvider,
    StsClient,
)
from alicred.provider import Provider
from soaking import plants
from soaking.plan import Invalidation

if TYPE_CHECKING:
    from multiprocessing.sharedctypes import Synchronized

REFRESH = RefreshPolicy(
    ahead=FractionWindow(0.8),
    failure_backoff=Backoff(initial=timedelta(milliseconds=100), maximum=timedelta(milliseconds=500)),
)
RETRY = RetryPolicy(backoff=Backoff(initial=timedelta(milliseconds=50), maximum=timedelta(milliseconds=200)), budget=timedelta(seconds=2))
PATIENCE = timedelta(seconds=1)  # of the clients that fetch credentials
SENDERS = 4  # threads that send what the tasks have signed
HELD = (Phase.FRESH, Phase.AGING)


class Queue(Protocol):
    """Where samples go."""

    def put(self, obj: object, /) -> None: ...


@attrs.frozen(kw_only=True)
class Settings:
    """What a process is told. Spans in seconds."""

    endpoint: str
    plain_endpoint: str
    ca_file: str
    key: Credential = attrs.field(repr=False)
    role_arn: str
    seconds: float
    threads: int
    tasks: int
    pause: float
    seed: int
    plants: tuple[str, ...]
    invalidations: tuple[Invalidation, ...]


class Start:
    """The moment at which a run begins, the same in all processes."""

    def __init__(self, moment: Synchronized[float]) -> None:
        self._moment = moment

    def give(self) -> float:
        """Begin in a moment: when that is, on the monotonic clock."""
        self._moment.value = began = time.monotonic() + 0.3
        return began

    def wait(self) -> float:
        """Wait for it."""
        while not self._moment.value:
            time.sleep(0.02)
        time.sleep(max(0.0, self._moment.value - time.monotonic()))
        return self._moment.value


@attrs.define
class Tally:
    """What one caller has seen. Each has its own, so that no lock is needed."""

    calls: int = 0
    failed: int = 0
    invalidated: int = 0
    in_flight: int = 0
    wait_held: float = 0.0
    wait_urgent: float = 0.0
    wait_empty: float = 0.0
    errors: Counter[str] = attrs.field(factory=Counter)

    def waited(self, phase: Phase, seconds: float) -> None:
        """Keep the longest wait of a caller that found the provider in *phase*."""
        name = "wait_held" if phase in HELD else "wait_urgent" if phase is Phase.URGENT else "wait_empty"
        setattr(self, name, max(getattr(self, name), seconds))

    def failure(self, error: Exception) -> None:
        """One more call that came to nothing."""
        self.failed += 1
        if len(self.errors) < 10:
            self.errors[f"{type(error).__name__}: {error}"] += 1


@attrs.frozen(kw_only=True)
class Sample:
    """What a process looks like at one moment."""

    process: str
    at: float
    calls: int
    failed: int
    invalidated: int
    wait_held: float
    wait_urgent: float
    wait_empty: float
    refreshes: int
    attempts: int
    errors: dict[str, int]
    threads: int
    """Less those that refresh."""
    descriptors: int
    """Less the connections that are in use."""
    memory: int
    """Resident, in bytes (VmRSS)."""
    anonymous: int
    """The part of it that no file stands behind (RssAnon): what a leak is made of. The rest grows whenever code runs for the first time."""
    objects: int
    """What the garbage collector knows; 0 where it was not asked."""


class Providers:
    """The two shared providers of a process and everything that talks. They may be used before a fork."""

    def __init__(self, settings: Settings) -> None:
        logging.getLogger("alicred").addHandler(logging.NullHandler())  # the report says what happens
        http = HttpClient(ca_file=settings.ca_file, trust_environment=False, read_timeout=PATIENCE)
        sts = StsClient(settings.endpoint, http=http)
        imds = ImdsClient(settings.plain_endpoint, connect_timeout=PATIENCE, read_timeout=PATIENCE)
        calls = HttpClient(trust_environment=False, read_timeout=timedelta(seconds=30), connect_timeout=timedelta(seconds=30))
        role = RamRoleArnProvider(StaticProvider(settings.key), role_arn=settings.role_arn, sts=sts)
        self.cached = {
            "sts": self._cache(RetryingProvider(role, retry=RETRY), settings),
            "metadata": self._cache(RetryingProvider(EcsRamRoleProvider(imds=imds), retry=RETRY), settings),
        }
        self.shown: dict[str, Any] = dict(self.cached)
        if "expired" in settings.plants:
            self.shown["sts"] = plants.Naive(role)
        self.caller = StsClient(settings.plain_endpoint, http=calls)

    def _cache(self, source: Provider[Credential], settings: Settings) -> CachingProvider[Credential]:
        return CachingProvider(source, refresh=REFRESH, listener=plants.listener(settings.plants))


class Worker:
    """The callers of one process, and the thread that watches them."""

    def __init__(self, name: str, number: int, settings: Settings, providers: Providers, queue: Queue) -> None:
        self._name = name
        self._number = number
        self._settings = settings
        self._providers = providers
        self._queue = queue
        self._tallies: list[Tally] = []
        self._stopping = threading.Event()
        self._parent = os.getppid()
        self._began = 0.0

    def run(self, start: Start) -> None:
        """Call until the end of the run."""
        settings = self._settings
        pool = [threading.Thread(target=self._thread, args=(number,), daemon=True) for number in range(settings.threads)]
        pool.append(threading.Thread(target=lambda: asyncio.run(self._all_tasks()), daemon=True))
        pool.append(threading.Thread(target=self._invalidate, daemon=True))
        self._queue.put(self._name)
        self._began = start.wait()
        ends = self._began + settings.seconds
        for thread in pool:
            thread.start()
        number, interval = 0, max(0.1, min(1.0, settings.seconds / 90))
        while (now := time.monotonic()) < ends and os.getppid() == self._parent:
            time.sleep(min(interval, max(0.0, ends - now)))
            self._queue.put(self._sample(with_objects=number % 10 == 0))
            number += 1
        self._stopping.set()
        for thread in pool:
            thread.join()
        for provider in self._providers.cached.values():
            provider.close()
        self._queue.put(self._sample(with_objects=False))

    # --- callers ------------------------------------------------------------------------------------------------------------------

    def _tally(self) -> Tally:
        tally = Tally()
        self._tallies.append(tally)
        return tally

    def _random(self, number: int) -> Random:
        return Random(self._settings.seed * 1_000_003 + self._number * 10_007 + number)

    def _which(self, number: int) -> str:
        return ("sts", "metadata")[number % 2]

    def _thread(self, number: int) -> None:
        tally, random, which = self._tally(), self._random(number), self._which(number)
        provider, cached = self._providers.shown[which], self._providers.cached[which]
        pause = random.uniform(0, self._settings.pause)
        while not self._stopping.wait(pause):
            pause = random.uniform(0.5, 1.5) * self._settings.pause
            try:
                phase, began = cached.state().phase, time.monotonic()
                credential = provider.get()
                tally.waited(phase, time.monotonic() - began)
                self._call(tally, credential)
            except Exception as error:  # noqa: BLE001  (whatever a caller sees belongs into the table)
                tally.failure(error)

    async def _all_tasks(self) -> None:
        with ThreadPoolExecutor(SENDERS) as senders:
            there = threading.Barrier(SENDERS)  # all of them from the beginning, so that none is taken for a leak
            list(senders.map(lambda _: there.wait(), range(SENDERS)))
            await asyncio.gather(*(self._task(number, senders) for number in range(self._settings.tasks)))

    async def _task(self, number: int, senders: ThreadPoolExecutor) -> None:
        tally, random, which = self._tally(), self._random(100_000 + number), self._which(number)
        cached = self._providers.cached[which]
        pause = random.uniform(0, self._settings.pause)
        while not self._stopping.is_set():
            await asyncio.sleep(min(pause, 0.5))
            pause -= 0.5
            if pause > 0:
                continue
            pause = random.uniform(0.5, 1.5) * self._settings.pause
            try:
                phase, began = cached.state().phase, time.monotonic()
                credential = await cached.aget()
                tally.waited(phase, time.monotonic() - began)
                await asyncio.get_running_loop().run_in_executor(senders, self._call, tally, credential)
            except Exception as error:  # noqa: BLE001  (as above)
                tally.failure(error)

    def _call(self, tally: Tally, credential: Credential) -> None:
        tally.in_flight = 1
        try:
            self._providers.caller.get_caller_identity(credential)
            tally.calls += 1
        finally:
            tally.in_flight = 0

    def _invalidate(self) -> None:
        tally = self._tally()
        for each in self._settings.invalidations:
            if each.process != self._number or self._stopping.wait(max(0.0, self._began + each.at - time.monotonic())):
                continue
            if time.monotonic() - self._began < each.at + 0.5:  # later it might meet the next trouble
                provider = self._providers.cached[each.provider]
                tally.invalidated += provider.invalidate()
        self._stopping.wait()

    # --- what it looks like -------------------------------------------------------------------------------------------------------

    def _sample(self, *, with_objects: bool) -> Sample:
        tallies = list(self._tallies)
        states = [provider.state() for provider in self._providers.cached.values()]
        errors: Counter[str] = Counter()
        for tally in tallies:
            errors.update(dict(tally.errors))
        # Each number is of a moment of its own, a little after the other. In the middle of many samples the differences are gone.
        refreshing = sum(thread.name.startswith("alicred-") for thread in threading.enumerate())
        in_use = sum(tally.in_flight for tally in tallies) + refreshing
        status = _status()
        return Sample(
            process=self._name,
            at=time.monotonic() - self._began,
            calls=sum(tally.calls for tally in tallies),
            failed=sum(tally.failed for tally in tallies),
            invalidated=sum(tally.invalidated for tally in tallies),
            wait_held=_longest(tallies, lambda tally: tally.wait_held),
            wait_urgent=_longest(tallies, lambda tally: tally.wait_urgent),
            wait_empty=_longest(tallies, lambda tally: tally.wait_empty),
            refreshes=sum(state.refreshes for state in states),
            attempts=sum(state.attempts for state in states),
            errors=dict(errors),
            threads=status["Threads"] - refreshing,
            descriptors=len(os.listdir("/proc/self/fd")) - in_use,
            memory=status["VmRSS"] * 1024,
            anonymous=status["RssAnon"] * 1024,
            objects=len(gc.get_objects()) if with_objects else 0,
        )


def _longest(tallies: list[Tally], of: Callable[[Tally], float]) -> float:
    return max(map(of, tallies), default=0.0)


def _status() -> dict[str, int]:
    with open("/proc/self/status", encoding="ascii", errors="replace") as lines:
        pairs = (line.partition(":") for line in lines)
        return {name: int(value.split()[0]) for name, _, value in pairs if name in ("Threads", "VmRSS", "RssAnon")}


def spawned(name: str, number: int, settings: Settings, queue: Queue, start: Start) -> None:
    """A process with providers of its own."""
    Worker(name, number, settings, Providers(settings), queue).run(start)


def prefork(names: list[str], first_number: int, settings: Settings, queue: Queue, start: Start) -> None:
    """A process that uses its providers and then forks its workers, as a server does. Waits for them."""
    providers = Providers(settings)
    for provider in providers.cached.values():
        provider.get()
    providers.caller.get_caller_identity(providers.cached["sts"].get())
    children = []
    for number, name in enumerate(names, first_number):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                Worker(name, number, settings, providers, queue).run(start)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if any(codes):
        raise SystemExit(f"forked workers ended with {codes}")
