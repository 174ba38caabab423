"""A lock that belongs to a frame of a process, and is free as soon as that frame or that process is gone."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from math import inf
from types import FrameType
from typing import TypeVar

from alicred._internal.frames import is_executing, this_frame
from alicred._internal.real_time import monotonic

T = TypeVar("T")

_LOOK = 0.05  # seconds between two looks at whether an owner that has not said that it is done is still there


class NotAcquired(Exception):
    """The lock was held for as long as the caller would wait, or the calling thread itself holds it."""


class OwnedLock:
    """A lock that cannot be left held. Thread-safe; usable in a forked child, whatever the parent's threads were doing.

    An ordinary lock stays held when what should release it does not run: an interrupt or an exception set from another thread that
    arrives inside the clean-up, a stack or memory that is used up there, a fork that copies the lock but not its owner, even if that
    fork runs none of CPython's hooks. Here nothing has to run. The owner is a frame of a process. A caller that meets an owner whose
    frame has ended, or that belongs to another process, takes its place.

    Changing hands is one atomic step: to become the `next` of the turn that is over.
    """

    __slots__ = ("_turn",)

    def __init__(self) -> None:
        self._turn = _Turn(None)

    def run(self, work: Callable[[], T], *, seconds: float = inf) -> T:
        """What *work* returns, called while this thread holds the lock.

        Args:
            work: What to do.
            seconds: How long to wait for the lock.

        Raises:
            NotAcquired: Others held it for all that time, or the calling thread holds it already.
        """
        mine = _Turn(this_frame())
        try:
            self._take(mine, seconds)
            return work()
        finally:
            mine.end()

    def is_mine(self) -> bool:
        """Whether the calling thread holds the lock."""
        turn = self._newest()
        return turn.thread == threading.get_ident() and not turn.is_over()

    def _take(self, mine: _Turn, seconds: float) -> None:
        deadline = monotonic() + seconds
        while True:
            turn = self._newest()
            if turn.is_over():
                if turn.next.setdefault(None, mine) is mine:
                    return
                continue
            left = deadline - monotonic()
            if left <= 0 or turn.thread == mine.thread:
                raise NotAcquired
            turn.wait(min(left, _LOOK))

    def _newest(self) -> _Turn:
        turn = self._turn
        while turn.next:
            turn = turn.next[None]
        self._turn = turn  # the ones before it are of no use any more
        return turn


class _Turn:
    """The time for which one caller holds the lock: for as long as *frame* is executing."""

    __slots__ = ("_ended", "_frame", "_pid", "next", "thread")

    def __init__(self, frame: FrameType | None) -> None:
        self.next: dict[None, _Turn] = {}  # a dictionary, since its setdefault is one step
        self.thread = threading.get_ident()
        self._pid = os.getpid()
        self._frame = frame
        self._ended = threading.Lock()  # held until the end, but nothing depends on its release
        self._ended.acquire()

    def is_over(self) -> bool:
        frame = self._frame
        return frame is None or self._pid != os.getpid() or not is_executing(frame)

    def end(self) -> None:
        """Let those who wait know at once. If this does not run, they find out at their next look."""
        self._frame = None
        self._ended.release()

    def wait(self, seconds: float) -> None:
        if self._ended.acquire(timeout=seconds):
            self._ended.release()  # for the next one who waits
