"""Callers and calls that stand still where a history wants them to."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator
from datetime import timedelta

import attrs

from alicred import Credential
from alicred.refresh.need import Answer, Need
from alicred.refresh.waiting import Wait
from tests.refresh.model import Caller, Reply

LONGEST = 30.0  # seconds, for a thread that has something to do


def asking(*waits: Wait) -> Generator[Wait, None, str]:
    """What a cache does that has to wait as *waits* say, and then answers."""
    yield from waits
    return "the answer"


class Suspended(BaseException):
    """A caller that has to wait, taken out of its thread."""

    def __init__(self, asking: Generator[Wait, None, Credential], wait: Wait) -> None:
        self.asking, self.wait = asking, wait


def suspend(asking: Generator[Wait, None, Credential]) -> Credential:
    """In the place of `wait_in_thread`."""
    try:
        wait = next(asking)
    except StopIteration as end:
        value: Credential = end.value
        return value
    raise Suspended(asking, wait)


class Call:
    """One call of the source, held until it is told what to bring."""

    def __init__(self, need: Need) -> None:
        self.need = need
        self.thread = threading.current_thread()
        self.is_held = True
        self._answer: queue.SimpleQueue[Answer[Credential] | BaseException] = queue.SimpleQueue()

    def wait(self) -> Answer[Credential]:
        answer = self._answer.get(timeout=LONGEST)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def release(self, answer: Credential | BaseException, life: tuple[float, float] | None = None) -> None:
        """Bring *answer*, whose lifetime and age are *life*."""
        self.is_held = False
        if isinstance(answer, BaseException):
            self._answer.put(answer)
            return
        lifetime, age = (None, timedelta(0)) if life is None else map(_seconds, life)
        self._answer.put(Answer(value=answer, lifetime=lifetime, age=age))


def _seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@attrs.define(eq=False)
class Asked:
    """One caller, as the model sees it and as it goes through the engine."""

    model: Caller
    expected: Reply
    thread: threading.Thread | None = None
    stopped: object = None
    """A value, an error, or where it was suspended; ``None`` while it runs or pays."""
