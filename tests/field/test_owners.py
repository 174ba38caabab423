"""A refresh belongs to what runs it, and the user's own code cannot take the pauses away."""

from __future__ import annotations

import os
import sys
import threading
from asyncio import CancelledError
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from alicred import AlicredError, Backoff, CachingProvider, Credential, ProviderError, RefreshMode, RefreshPolicy, TransientError
from alicred.testing import FakeClock
from tests.field import naive_owners
from tests.field.harness import Callers, Subject, bites, inline, outcome
from tests.forked import in_raw_child
from tests.support import HOUR, SECOND, Gate, Script, in_threads

T = TypeVar("T")
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")


@needs_fork
@bites(naive_owners.SingleFlight, failing="waits for a refresh of its parent's")
def test_a_fork_that_runs_no_hooks_leaves_the_child_usable(subject: Subject) -> None:
    gate = Gate()
    cache = subject.make(Script(gate, HOUR))
    refresher = Callers(1, cache.get)
    try:
        assert gate.entered.wait(20)
        answer = in_raw_child(lambda: getattr(outcome(cache.get), "access_key_id", None))
        assert answer == "id-2", "waits for a refresh of its parent's, which nobody in this process runs"
    finally:
        gate.open()
        refresher.join()


@needs_fork
@bites(naive_owners.DrawsInItsHook, failing="in step", alicred=inline)
def test_children_that_no_hook_has_told_do_not_refresh_in_step(subject: Subject) -> None:
    clock = FakeClock()
    source = Script(HOUR, clock=clock)
    cache = subject.make(source, clock=clock)
    cache.get()

    def refreshes_at() -> float:
        while source.calls == 1:
            clock.advance(SECOND)
            cache.get()
        return clock.monotonic()

    moments = [in_raw_child(refreshes_at) for _ in range(6)]
    assert max(moments) - min(moments) > 5, f"in step: {moments}"


def with_frames_left(frames: int, work: Callable[[], T]) -> T:
    """Call *work* where the interpreter allows no more than *frames* further frames."""
    depth, frame = 0, sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back

    def deeper(left: int) -> T:
        return work() if left <= 0 else deeper(left - 1)

    return deeper(sys.getrecursionlimit() - depth - frames)


def in_line(*args: Any, **options: Any) -> Any:
    return with_backoff(*args, mode=RefreshMode.INLINE, **options)


@bites(naive_owners.SingleFlight, failing="for ever", sound=in_line)
def test_a_caller_who_runs_out_of_stack_leaves_the_others_served(subject: Subject) -> None:
    wedged = []
    for frames in range(1, 80):
        cache = subject.make(Script(HOUR))
        with suppress(RecursionError, AlicredError):
            with_frames_left(frames, cache.get)
            continue
        answers = in_threads(1, cache.get)
        if not isinstance(answers[0], Credential):
            wedged.append(frames)
            break
    assert not wedged, f"for ever after with {wedged} frames left"


def counting(make: Callable[..., Any], **options: Any) -> tuple[Script, list[Any]]:
    """A source that is down, and what 500 callers got within half a second."""
    clock = FakeClock()
    source = Script(TransientError("down"), clock=clock)
    cache = make(source, clock=clock, **options)
    answers = []
    for _ in range(500):
        try:
            answers.append(cache.get())
        except BaseException as error:
            answers.append(error)
        clock.advance(timedelta(milliseconds=1))
    return source, answers


def with_backoff(*args: Any, backoff: Backoff | None = None, mode: RefreshMode = RefreshMode.BACKGROUND, **options: Any) -> Any:
    policy = RefreshPolicy(mode=mode) if backoff is None else RefreshPolicy(mode=mode, failure_backoff=backoff)
    return CachingProvider(*args, refresh=policy, **options)


@bites(naive_owners.PausesLast, failing="no pause", alicred=with_backoff, sound=in_line)
@pytest.mark.parametrize("ending", [SystemExit, CancelledError, ValueError])
def test_a_listener_that_ends_its_thread_takes_no_pause_away(subject: Subject, ending: type[BaseException]) -> None:
    def listener(event: object) -> None:
        if type(event).__name__ != "RefreshStarted":
            raise ending

    source, _ = counting(subject.make, listener=listener)
    assert source.calls <= 20, f"no pause: {source.calls} calls in half a second"


class Raising(Backoff):
    def delay(self, failures: int, u: float) -> timedelta:
        raise ZeroDivisionError


class NoNumber(Backoff):
    def delay(self, failures: int, u: float) -> timedelta:
        return timedelta(seconds=float("nan"))


@bites(naive_owners.PausesLast, failing="no pause", alicred=with_backoff, sound=in_line)
@pytest.mark.parametrize("backoff", [Raising(), NoNumber()])
def test_a_backoff_that_raises_takes_no_pause_away(subject: Subject, backoff: Backoff, caplog: pytest.LogCaptureFixture) -> None:
    source, answers = counting(subject.make, backoff=backoff)
    assert source.calls <= 20, f"no pause: {source.calls} calls in half a second"
    assert {type(answer) for answer in answers} == {TransientError}
    assert "RefreshPolicy.failure_backoff" in caplog.text


@bites(naive_owners.BlamesTheSource, failing="blames the source")
def test_workers_whose_keys_are_rejected_learn_that_they_were(subject: Subject) -> None:
    cache = subject.make(Script(HOUR))
    barrier = threading.Barrier(16)

    def work() -> list[Any]:
        barrier.wait(20)
        got = []
        for _ in range(40):
            answer = outcome(cache.get)
            got.append(answer)
            if isinstance(answer, Credential):
                cache.invalidate(answer)
        return got

    errors = [each for answers in in_threads(16, work) for each in answers if isinstance(each, AlicredError)]  # type: ignore[union-attr]
    assert errors
    blaming = [str(error) for error in errors if "end before they can be used" in str(error)]
    assert not blaming, f"blames the source: {blaming[0]}"
    assert all(isinstance(error, ProviderError) and error.retryable and "rejected" in str(error) for error in errors)
