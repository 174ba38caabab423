"""Callbacks of the official package's providers, which there are two of: a function, and one that is awaited."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from inspect import isawaitable
from typing import TYPE_CHECKING, Generic, ParamSpec

from alicred._internal.checks import is_coroutine_function
from alicred._internal.log import WARNING, log
from alicred._internal.tasks import is_in_trio
from alicred.compat.exceptions import CredentialValueError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from trio.lowlevel import TrioToken

P = ParamSpec("P")

_LONGEST = 10.0  # seconds; the keys are there to be served
# The event loop of the task whose question a refresh answers: a refresh runs in a copy of its asker's context.
_loop: ContextVar[AbstractEventLoop | None] = ContextVar("alicred.compat.loop", default=None)
_trio: ContextVar[TrioToken | None] = ContextVar("alicred.compat.trio", default=None)


@contextmanager
def asked_by_a_task() -> Generator[None]:
    """For the length of a ``with`` block, in a task: have callbacks that are awaited run on its event loop, or in its run of trio."""
    in_trio, loop = None, None
    if is_in_trio():
        from trio.lowlevel import current_trio_token

        in_trio = current_trio_token()
    else:
        from asyncio import get_running_loop

        loop = get_running_loop()
    of_trio, of_asyncio = _trio.set(in_trio), _loop.set(loop)
    try:
        yield
    finally:
        with suppress(ValueError):  # a task that was thrown away unfinished ends in a context that is not its own
            _loop.reset(of_asyncio)
            _trio.reset(of_trio)


class Callbacks(Generic[P]):
    """One of two callbacks: the caller, a thread or a task, decides; if there is only one, that one is called for both.

    It runs on the thread of the refresh; the one that is awaited runs on the event loop of the task that asked, else on one of its own.
    What it raises is logged by its type, and changes nothing else, ``CancelledError`` and ``SystemExit`` included: the keys are there to be
    served. Only an interrupt goes on to the caller.

    Args:
        what: Whose callbacks they are, for errors and the log.
        function: A function.
        coroutine_function: One whose result is awaited.

    Raises:
        CredentialValueError: One of the two cannot be called, or *function* would have to be awaited.
    """

    def __init__(self, what: str, function: Callable[P, None] | None, coroutine_function: Callable[P, Awaitable[None]] | None) -> None:
        for given in (function, coroutine_function):
            if given is not None and not callable(given):
                raise CredentialValueError(f"{what} must be a function, not {type(given).__name__}")
        if is_coroutine_function(function):
            raise CredentialValueError(f"{what} is a coroutine function, which is never awaited here. Pass it as {what}_async")
        self._what = what
        self._function = function
        self._coroutine_function = coroutine_function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> None:
        """Call the one whose turn it is."""
        loop, in_trio = _loop.get(), _trio.get()
        awaited, function = self._coroutine_function, self._function
        try:
            if awaited is not None and in_trio is not None:
                _run_in_trio(awaited, in_trio, *args, **kwargs)
            elif awaited is not None and (loop is not None or function is None):
                _run(awaited, loop, *args, **kwargs)
            elif function is not None:
                function(*args, **kwargs)
        except BaseException as error:
            if not _is_its_own(error):
                raise
            log(WARNING, "%s raised %s: what it was called for was not done", self._what, type(error).__name__)


def _run_in_trio(awaited: Callable[P, Awaitable[None]], token: TrioToken, *args: P.args, **kwargs: P.kwargs) -> None:
    import trio

    async def call() -> None:
        with trio.fail_after(_LONGEST):
            result: object = awaited(*args, **kwargs)
            if isawaitable(result):
                await result

    try:
        trio.from_thread.run(call, trio_token=token)
    except trio.RunFinishedError:
        trio.run(call)
    except trio.Cancelled as error:  # the run has ended in the middle of it
        raise TimeoutError from error


def _run(awaited: Callable[P, Awaitable[None]], loop: AbstractEventLoop | None, *args: P.args, **kwargs: P.kwargs) -> None:
    from asyncio import run, run_coroutine_threadsafe

    problems: list[BaseException] = []

    async def call() -> None:
        try:
            result: object = awaited(*args, **kwargs)
            if isawaitable(result):
                await result
        except BaseException as error:  # not to end the loop of the task that asked, as a SystemExit would
            problems.append(error)
            if not _is_its_own(error):
                raise

    if _has_running_loop():
        # A task has asked without awaiting, so that this thread is its loop's and the loop stands still: another thread, another loop.
        def work() -> None:
            try:
                run(call())
            except BaseException as error:  # noqa: BLE001  (handed over to the thread that waits)
                problems.append(error)

        thread = threading.Thread(target=work, name="alicred-callback", daemon=True)
        thread.start()
        thread.join(_LONGEST)
        if thread.is_alive():
            raise TimeoutError
    elif loop is None or not loop.is_running():
        run(call())
    else:
        done = run_coroutine_threadsafe(call(), loop)
        try:
            done.result(_LONGEST)
        finally:
            done.cancel()  # changes nothing about one that is done
    if problems:
        raise problems[0]


def _is_its_own(error: BaseException) -> bool:
    """Whether *error* is how a user's function may end, and no interrupt of the thread that it happens to run on."""
    from asyncio import CancelledError

    return isinstance(error, (Exception, CancelledError, SystemExit, GeneratorExit))


def _has_running_loop() -> bool:
    from asyncio import get_running_loop

    try:
        get_running_loop()
    except RuntimeError:
        return False
    return True
