"""Tasks of asyncio and of trio: which library runs the current one, and how it runs work on a thread. Loads neither library by itself."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import TypeVar, cast

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """What *work* answers on a thread, in a copy of the task's context. A task that is cancelled meanwhile does not wait for it."""
    if is_in_trio():
        import trio

        return await trio.to_thread.run_sync(work, abandon_on_cancel=True)
    from asyncio import to_thread  # only who awaits needs it

    return await to_thread(off_loop, work)


def off_loop(work: Callable[[], T]) -> T:
    """Call *work* on a thread of its own, in a copy of a task's context, in which nothing says any more that a task runs there.

    sniffio, and anyio with it, keep in the context which library runs. A source could start no loop of its own with ``anyio.run()``.
    """
    library: object = getattr(sys.modules.get("sniffio"), "current_async_library_cvar", None)
    if isinstance(library, ContextVar):
        cast("ContextVar[str | None]", library).set(None)  # as sniffio documents it
    try:
        return work()
    except StopIteration as error:  # before CPython 3.12, asyncio never told the task: it waited for ever
        raise RuntimeError("StopIteration, raised on a thread, cannot go on into a task") from error


def is_in_trio() -> bool:
    """Whether the calling task is one of trio's. If not, it is asyncio's."""
    of_trio = _current_task("trio.lowlevel")
    if of_trio is None:
        return False
    of_asyncio = _current_task("asyncio")
    if of_asyncio is None:
        return True
    # One library's loop runs inside a task of the other's (trio-asyncio, say): of the two tasks, the inner one is who asks.
    get_coro: object = getattr(of_asyncio, "get_coro", None)
    outermost = {_frame(getattr(of_trio, "coro", None)): True, _frame(get_coro() if callable(get_coro) else None): False}
    frame: FrameType | None = sys._getframe()  # pyright: ignore[reportPrivateUsage]  (`inspect.currentframe` is the same, and slower)
    while frame is not None and frame not in outermost:
        frame = frame.f_back
    return outermost.get(frame, True)


def _current_task(module: str) -> object:
    """The task of the library of *module* that runs on this thread at the moment; ``None`` if there is none."""
    ask: object = getattr(sys.modules.get(module), "current_task", None)
    try:
        return ask() if callable(ask) else None
    except RuntimeError:  # no task of trio's, or no event loop
        return None


def _frame(coroutine: object) -> FrameType | None:
    frame: object = getattr(coroutine, "cr_frame", None)
    return frame if isinstance(frame, FrameType) else None
