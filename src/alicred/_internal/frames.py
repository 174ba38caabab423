"""Frames of alicred's own, as owners: whether what began or holds something is still at it."""

from __future__ import annotations

import sys
from types import FrameType


def this_frame(callers: int = 0) -> FrameType:
    """The frame that asks, or one of its *callers*."""
    return sys._getframe(1 + callers)  # pyright: ignore[reportPrivateUsage]  (`inspect.currentframe` is the same, and slower)


def is_executing(frame: FrameType) -> bool:
    """Whether *frame*, which must not be a generator's or a coroutine's, is still on the stack of a thread.

    Of a frame that has ended, this drops the local variables. In a forked child, the frames of the parent's other threads count as
    executing: who asks has to know of what process a frame is.
    """
    try:
        frame.clear()  # refused while it is executing, as documented
    except RecursionError:  # a RuntimeError too, but about the caller's own stack
        raise
    except RuntimeError:
        return True
    return False
