"""Which frames a failed refresh empties of their local variables: its own, and no others."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from concurrent.futures import Future
from contextlib import suppress
from datetime import timedelta
from types import FrameType
from typing import cast

import attrs
import pytest

from alicred import (
    AlicredError,
    CachingProvider,
    ChainPolicy,
    ChainProvider,
    Credential,
    OnError,
    RefreshMode,
    RefreshPolicy,
    TransientError,
)
from alicred.testing import FakeClock

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup, ExceptionGroup

MODES = list(RefreshMode)
SECRET = "hush-hush"
INLINE = RefreshPolicy(mode=RefreshMode.INLINE)


@attrs.define
class Source:
    """A source that does what it is told."""

    ask: Callable[[], object]
    name: str = "vault"

    def get(self) -> Credential:
        self.ask()
        raise AssertionError("nothing was raised")


def refused(password: str) -> None:
    raise OSError(f"no, after {len(password)} characters")


def refusal(password: str) -> OSError:
    """As raised by a call that has ended, and held with its frames."""
    try:
        refused(password)
    except OSError as error:
        return error
    raise AssertionError


def frames(error: BaseException) -> Iterator[FrameType]:
    """Those that a tool which records local variables can find."""
    seen: list[BaseException] = []
    left: list[BaseException | None] = [error]
    while left:
        link = left.pop()
        if link is None or any(link is other for other in seen):
            continue
        seen.append(link)
        left += [link.__cause__, link.__context__]
        if isinstance(link, BaseExceptionGroup):
            left += link.exceptions
        trace = link.__traceback__
        while trace is not None:
            yield trace.tb_frame
            trace = trace.tb_next


def holders(error: BaseException) -> list[str]:
    """The functions whose frames hold the secret."""
    return [frame.f_code.co_name for frame in frames(error) if SECRET in frame.f_locals.values()]


def failure(source: Source | ChainProvider[Credential], mode: RefreshMode = RefreshMode.INLINE) -> AlicredError:
    """The error of a cache around *source*."""
    with pytest.raises(AlicredError) as caught:
        CachingProvider(source, refresh=RefreshPolicy(mode=mode)).get()
    return caught.value


def with_a_cause() -> None:
    raise TransientError("down") from refusal(SECRET)


def with_a_context_beside_the_cause() -> None:
    cause = refusal("other")
    try:
        refused(SECRET)
    except OSError:
        raise TransientError("down") from cause


def with_a_group() -> None:
    raise TransientError("down") from ExceptionGroup("all have failed", [refusal(SECRET), ExceptionGroup("inner", [refusal(SECRET)])])


def with_a_cause_of_a_member_of_a_group() -> None:
    def wrapped() -> Exception:
        error = ValueError()
        error.__cause__ = refusal(SECRET)
        return error

    raise TransientError("down") from ExceptionGroup("all have failed", [wrapped()])


def with_a_circle() -> None:
    error, cause = TransientError("down"), refusal(SECRET)
    cause.__cause__ = error
    raise error from cause


def with_a_foreign_group() -> None:
    raise ExceptionGroup("all have failed", [refusal(SECRET)])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "ask",
    [
        with_a_cause,
        with_a_context_beside_the_cause,
        with_a_group,
        with_a_cause_of_a_member_of_a_group,
        with_a_circle,
        with_a_foreign_group,
    ],
)
def test_everything_that_an_error_refers_to_is_emptied(ask: Callable[[], None], mode: RefreshMode) -> None:
    error = failure(Source(ask), mode)
    assert "refused" in [frame.f_code.co_name for frame in frames(error)], "the frames themselves are kept"
    assert holders(error) == []


def test_what_the_sources_of_a_chain_raised_is_emptied() -> None:
    policy = ChainPolicy(on_error=OnError.CONTINUE)
    error = failure(ChainProvider(Source(with_a_cause), Source(lambda: refused(SECRET)), chain=policy))
    reported = error.__cause__
    assert [holders(report.error) for report in reported.reports] == [[], []]  # type: ignore[union-attr]  # a ChainError


@pytest.mark.parametrize("members", [None, 7, (7, None), "text", property(lambda error: 1 / 0)])
def test_what_only_looks_like_a_group_is_none(members: object) -> None:
    class Odd(TransientError):
        exceptions = members

    def ask() -> None:
        raise Odd("down")

    assert isinstance(failure(Source(ask)), Odd)


# --- the caller's own frames --------------------------------------------------------------------------------------------------------


def rejected(order: int) -> None:
    raise KeyError(order)


def orders(error: BaseException) -> list[object]:
    return [frame.f_locals["order"] for frame in frames(error) if frame.f_code.co_name == "rejected" and "order" in frame.f_locals]


def in_a_handler(ask: Callable[[], None], mode: RefreshMode = RefreshMode.INLINE) -> tuple[BaseException, AlicredError]:
    """What a caller is handling, with a context of its own, and what the cache raises meanwhile."""
    try:
        try:
            rejected(41)
        except KeyError:
            rejected(42)
    except KeyError as handled:
        return handled, failure(Source(ask), mode)
    raise AssertionError


@pytest.mark.parametrize("mode", MODES)
def test_what_the_caller_is_handling_keeps_its_locals(mode: RefreshMode) -> None:
    handled, error = in_a_handler(lambda: refused(SECRET), mode)
    assert orders(handled) == [42, 41]
    assert holders(error) == []


def test_so_it_does_where_the_source_raises_it_again() -> None:
    def what_is_being_handled() -> None:
        raise

    def again(key: str) -> None:
        what_is_being_handled()

    handled, error = in_a_handler(lambda: again(SECRET))
    assert orders(handled) == [42, 41]
    assert "again" in [frame.f_code.co_name for frame in frames(error)]
    assert holders(error) == []


def test_a_source_that_raises_one_error_again_and_again_is_emptied_for_a_caller_who_is_handling_it() -> None:
    lost = OSError("lost")

    def fail(key: str) -> None:
        raise lost

    clock = FakeClock()
    cache = CachingProvider(Source(lambda: fail(SECRET)), refresh=INLINE, clock=clock)
    try:
        cache.get()
    except AlicredError:
        clock.advance(timedelta(hours=1))
        with pytest.raises(AlicredError):
            cache.get()
    assert [frame.f_code.co_name for frame in frames(lost)].count("fail") == 2
    assert holders(lost) == []


# --- generators and coroutines ------------------------------------------------------------------------------------------------------


class Worker:
    """Code of the user's that has raised *error* and handled it, and goes on later."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.heard: list[object] = []

    def generator(self) -> Generator[None, None, None]:
        number = 7
        try:
            raise self.error
        except OSError:
            pass
        try:
            yield
            self.heard.append(number)
        except GeneratorExit:
            self.heard.append("closed")
            raise

    async def coroutine(self) -> None:
        number = 7
        try:
            raise self.error
        except OSError:
            pass
        try:
            await asyncio.sleep(0)
            self.heard.append(number)
        except GeneratorExit:
            self.heard.append("closed")
            raise

    async def async_generator(self) -> AsyncGenerator[None, None]:
        number = 7
        try:
            raise self.error
        except OSError:
            pass
        try:
            yield
            self.heard.append(number)
        except GeneratorExit:
            self.heard.append("closed")
            raise


def stepper(made: object) -> Callable[[], None]:
    """What takes *made* one step further."""

    def step() -> None:
        with suppress(StopIteration, StopAsyncIteration):
            (made.__anext__() if isinstance(made, AsyncGenerator) else cast("Coroutine[None, None, None]", made)).send(None)

    return step


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", [Worker.generator, Worker.coroutine, Worker.async_generator])
def test_what_is_suspended_goes_on(kind: Callable[[Worker], object], mode: RefreshMode) -> None:
    worker = Worker(OSError("lost"))
    step = stepper(kind(worker))
    step()

    def ask() -> None:
        raise worker.error

    failure(Source(ask), mode)
    assert worker.heard == []
    step()
    assert worker.heard == [7]


def test_a_task_that_hands_its_error_over_goes_on() -> None:
    """As a source does that has an event loop on a thread of its own."""
    told: Future[None] = Future()
    asked = asyncio.Event()

    async def work() -> str:
        try:
            raise OSError("down")
        except OSError as error:
            told.set_exception(error)
            await asked.wait()
            return "reconnected"

    async def main() -> str:
        task = asyncio.create_task(work())
        await asyncio.to_thread(failure, Source(told.result))
        asked.set()
        return await asyncio.wait_for(task, 5)

    assert asyncio.run(main()) == "reconnected"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 does not tell them from those that go on")
def test_generators_and_coroutines_that_have_ended_are_emptied() -> None:
    def each(password: str) -> Generator[None, None, None]:
        yield
        refused(SECRET)

    async def answer(password: str) -> None:
        await asyncio.sleep(0)
        for _ in each(SECRET):
            pass

    async def answers(password: str) -> AsyncGenerator[None, None]:
        await answer(SECRET)
        yield

    async def work(password: str) -> None:
        async for _ in answers(SECRET):
            pass

    error = failure(Source(lambda: asyncio.run(work(SECRET))))
    assert {"work", "answers", "answer", "each", "refused"} <= {frame.f_code.co_name for frame in frames(error)}
    assert holders(error) == []
