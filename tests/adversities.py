"""What ends a call in the middle of its clean-up: an interrupt between two bytecodes, a stack that is used up."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

# A file that an interrupt finds between two steps is closed as it is thrown away, of which CPython warns.
unclosed = pytest.mark.filterwarnings("ignore:Exception ignored in. <_io.FileIO:pytest.PytestUnraisableExceptionWarning")

def interrupted_at(number: int, work: Callable[[], object], path: str, kept: list[BaseException] | None = None) -> bool:
    """Call *work*, with an interrupt at step *number* of the code in the file *path*; whether there are as many steps.

    Args:
        number: Counted from 1.
        work: What to call. That it raises `KeyboardInterrupt` or `MemoryError` is no failure.
        path: The file whose bytecodes are the steps.
        kept: Holds what *work* raised, with its traceback, as a debugger does.
    """
    steps = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal steps
        if frame.f_code.co_filename != path:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            steps += 1
            if steps == number:
                raise KeyboardInterrupt
        return trace

    previous = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # CPython 3.12 has such events only if they were asked for before it traces at all
    sys.settrace(trace)
    try:
        work()
    except (KeyboardInterrupt, MemoryError) as error:
        if kept is not None:
            kept[:] = [error]
    finally:
        sys.settrace(previous)
    return steps >= number


def call_with_left(frames: int, function: Callable[[], object]) -> None:
    """Call *function* with so many frames left before the recursion limit."""
    depth, frame = 0, sys._getframe()
    while frame.f_back is not None:
        depth, frame = depth + 1, frame.f_back

    def down(count: int) -> None:
        if count <= 0:
            function()
        else:
            down(count - 1)

    down(sys.getrecursionlimit() - depth - frames)
