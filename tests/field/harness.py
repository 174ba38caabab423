"""Runs one check against alicred, where it must pass, and against an implementation that makes the mistake, where it must not."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

import attrs
import pytest

from alicred import AlicredError, CachingProvider, RefreshMode, RefreshPolicy
from alicred._internal.real_time import monotonic
from tests.forked import checked_in_child
from tests.support import in_threads

T = TypeVar("T")
Check = Callable[..., None]
LONG, SHORT = 20.0, 1.0  # seconds

# Refreshes on its caller's own thread, so that the clock can be moved on after each call; all else is as it is by default.
inline = functools.partial(CachingProvider, refresh=RefreshPolicy(mode=RefreshMode.INLINE))


@attrs.frozen
class Subject:
    """What a check is run against.

    Args:
        make: Makes it, out of a source and a clock as a rule.
        naive: Whether it makes the mistake. That alters no check, only how long a check waits, so that neither a slow machine
            fails what is right nor what hangs on purpose holds up the run.
    """

    make: Callable[..., Any]
    naive: bool = False

    def comes(self, condition: Callable[[], bool]) -> bool:
        """Whether what has to happen does: waited for patiently, unless it is not expected."""
        return _happens(condition, SHORT if self.naive else LONG)

    def stays_away(self, condition: Callable[[], bool]) -> bool:
        """Whether what must not happen does not: watched for a while, and for long where it is expected."""
        return not _happens(condition, LONG if self.naive else SHORT)

    def in_child(self, work: Callable[[], T], *, may_hang: bool = False) -> T:
        """What *work* answers in a forked child, which fails the check if it does not come to its end.

        Args:
            work: What the child does.
            may_hang: Whether that is what the check is about.
        """
        return checked_in_child(work, SHORT if self.naive and may_hang else LONG)


def bites(
    *naive: Callable[..., Any],
    failing: str,
    alicred: Callable[..., Any] = CachingProvider,
    sound: Callable[..., Any] | None = None,
) -> Callable[[Check], Check]:
    """Makes a test of a check, which gets a `Subject`. Only against alicred it is no slow one: a mistake is often that something hangs.

    Args:
        naive: What makes the mistake; against each of them the check must fail.
        failing: How the check must fail: the beginning of the assertion's text.
        alicred: What must pass.
        sound: Another that must pass: what the naive ones are without their mistake.
    """
    subjects = [pytest.param(Subject(alicred), id="alicred")]
    if sound is not None:
        subjects.append(pytest.param(Subject(sound), id=sound.__name__))
    subjects += [pytest.param(Subject(twin, naive=True), id=twin.__name__, marks=pytest.mark.slow) for twin in naive]

    def decorate(check: Check) -> Check:
        @functools.wraps(check)
        def test(subject: Subject, **fixtures: Any) -> None:
            if not subject.naive:
                check(subject, **fixtures)
                return
            with pytest.raises(AssertionError) as caught:
                check(subject, **fixtures)
            assert str(caught.value).startswith(failing), "it fails, but not for the reason that the test is about"

        cases: Check = pytest.mark.parametrize("subject", subjects)(test)
        return cases

    return decorate


class Callers:
    """Threads that ask at the same time, while the check goes on."""

    def __init__(self, count: int, ask: Callable[[], Any]) -> None:
        self._answers: list[Any] = []
        self._thread = threading.Thread(target=lambda: self._answers.extend(in_threads(count, ask)), daemon=True)
        self._thread.start()

    def have_answers(self) -> bool:
        """Whether every one of them has been answered."""
        return bool(self._answers)

    def join(self) -> list[Any]:
        """What each of them got, a value or an error."""
        self._thread.join()
        return self._answers


def outcome(ask: Callable[[], T]) -> T | AlicredError:
    """What a caller gets: the value or the error."""
    try:
        return ask()
    except AlicredError as error:
        return error


def _happens(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = monotonic() + seconds
    while not condition():
        if monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def _read(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb") as pipe:
        return pipe.read()
