"""Caches for tasks of trio, each with one mistake in how a task waits. Time is as `Plain` has it."""

from __future__ import annotations

import asyncio
import threading
from contextvars import copy_context
from functools import partial
from typing import Any

import trio

from alicred import Credential, ProviderError
from tests.field.naive import Plain


class KnowsAsyncioAlone(Plain):
    async def aget(self) -> Credential:
        return await asyncio.to_thread(self.get)  # there is no loop of asyncio's under trio


class BlocksTheRun(Plain):
    async def aget(self) -> Credential:
        return self.get()  # an async method with the blocking call in it


class KeepsItsCaller(Plain):
    async def aget(self) -> Credential:
        return await trio.to_thread.run_sync(self.get)  # trio's default: who is cancelled waits for the thread all the same


class FetchesInATask(Plain):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._under_way: trio.Event | None = None

    async def aget(self) -> Credential:
        if self._under_way is None:
            self._under_way = trio.Event()
            await trio.to_thread.run_sync(self.get, abandon_on_cancel=True)  # the first caller's task is the refresh: it ends with it
            self._under_way.set()
        await self._under_way.wait()
        return self.get()


class CountsOnTheLoop(Plain):
    async def aget(self) -> Credential:
        with trio.move_on_after(30):  # on whatever clock trio has: a test's, it may be, which jumps as soon as all tasks wait
            return await trio.to_thread.run_sync(self.get, abandon_on_cancel=True)
        raise ProviderError("waited in vain")


class CopiesTheContext(Plain):
    async def aget(self) -> Credential:
        done, token = trio.Event(), trio.lowlevel.current_trio_token()
        context = copy_context()  # and with it what anyio notes there: that this is a task

        def work() -> None:
            self.get()
            token.run_sync_soon(done.set)

        threading.Thread(target=partial(context.run, work)).start()
        await done.wait()
        return self.get()
