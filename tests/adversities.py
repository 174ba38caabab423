"""What ends a call in the middle of its clean-up: an interrupt between two bytecodes, a stack that is used up."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

# A file that an interrupt finds between two steps is closed as it is thrown away, of which CPython warns.
unclosed = pytest.mark.filterwarnings("ignore:Exception ignored.*<_io.FileIO:pytest.PytestUnraisableExceptionWarning")


_STRIKE = """
import ctypes, random, sys, threading, time

class Ended(BaseException):
    pass

hits = 0
threading.excepthook = sys.unraisablehook = lambda args: None

def strike(work, seconds):
    global hits
    over = []

    def toil():
        global hits
        try:
            while not over:  # the exception may be lost in a callback of the interpreter's
                work()
        except Ended:
            hits += 1

    thread = threading.Thread(target=toil, daemon=True)
    thread.start()
    time.sleep(random.random() * seconds)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(Ended))
    thread.join(0.5)
    over.append(True)
    thread.join(20)
    assert not thread.is_alive(), "the thread waits for ever"
"""


def struck(program: str, *arguments: str) -> str:
    """What *program* prints, run by an interpreter of its own. Its ``strike(work, seconds)`` sets an exception in a thread that toils.

    Unmeasured: an exception inside coverage's own bookkeeping would leave its lock held.
    """
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    command = [sys.executable, "-c", _STRIKE + textwrap.dedent(program), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=unmeasured)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


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
