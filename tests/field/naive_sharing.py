"""Caches that are shared between threads, tasks and processes, each with one mistake in how that is done. Time is as `Plain` has it."""

from __future__ import annotations

import asyncio
import atexit
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alicred import Credential
from tests.field.naive import Plain

# Threads


class Unlocked(Plain):
    """Nothing keeps a thousand threads that find nothing from fetching a thousand times: `Plain` is for one thread."""


class Locked(Plain):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lock = threading.Lock()

    def get(self) -> Credential:
        with self._lock:  # held while the source is asked: nobody is served meanwhile, and a child forked meanwhile has it held for ever
            return super().get()


class Convoy(Locked):
    def _seconds_to_pause(self) -> float:
        return 0  # the lock is all there is: who gets it next knows nothing of the failure, and waits for the dead source in its turn


class LosesPatience(Plain):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lock = threading.Lock()

    def get(self) -> Credential:
        mine = self._lock.acquire(timeout=0.2)  # five seconds in the field; who has waited for so long goes on without the lock
        try:
            return super().get()
        finally:
            if mine:
                self._lock.release()


class ThreadForEachRead(Plain):
    def get(self) -> Credential:
        if self._value is None or not self._is_due():
            return super().get()
        threading.Thread(target=self._refresh, daemon=True).start()  # nobody waits, and nobody looks whether one is under way
        return self._value


class Revives(Plain):
    def invalidate(self, value: Credential) -> None:
        if value == self._value:
            self._value, self._due_at = None, self._now()  # a refresh that is under way knows nothing of it, and keeps what it brings


# Tasks


class BlocksTheLoop(Plain):
    async def aget(self) -> Credential:
        return self.get()  # an async method with the blocking call in it


class LockAcrossAwait(Plain):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lock = threading.Lock()

    async def aget(self) -> Credential:
        mine = self._lock.acquire(timeout=0.04)  # a thread's lock, held across an await: the next task stops the loop that would free it
        try:
            return await asyncio.to_thread(self.get)
        finally:
            if mine:
                self._lock.release()


class FetchesForEachTask(Plain):
    async def aget(self) -> Credential:
        return await asyncio.to_thread(self.get)  # does not block, but every task that finds nothing fetches


# Processes


class DrawsWithTheValue(Plain):
    def _window(self, lifetime: float) -> float:
        return lifetime / 4 * (1 - random.random() / 5)  # drawn once for each value: every child inherits the same moment


class DrawsFromACopy(Plain):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._random = random.Random()
        self._pid = os.getpid()

    def get(self) -> Credential:
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._due_at -= 180 * self._random.random()  # drawn anew, but each child has the same copy of the generator
        return super().get()


class JoinedAtExit(Plain):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._pool = ThreadPoolExecutor(1)  # the interpreter waits for the threads of a pool, and so for the refresh

    def get(self) -> Credential:
        if self._value is None or not self._is_due():
            return super().get()
        self._pool.submit(self._refresh)
        return self._value


class SchedulerForEach(Plain):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._closed = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()  # holds the provider, and lives for as long as the process

    def _run(self) -> None:
        while not self._closed.wait(60):
            self.get()

    def close(self) -> None:
        self._closed.set()


class ClosedAtExit(Plain):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        atexit.register(self.close)  # the registry holds the provider until the process ends

    def close(self) -> None:
        atexit.unregister(self.close)
