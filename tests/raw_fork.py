"""A fork as C code makes it, such as uWSGI's: none of CPython's hooks runs, neither in the parent nor in the child."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


_TRIES = 3


def in_raw_child(work: Callable[[], T], seconds: float = 15) -> T:
    """What *work* answers in a child that is forked by C code, and that is ended if it takes longer than *seconds*.

    Such a fork copies the interpreter's own lock as it is, which a busy thread may hold for a moment. Nothing runs in that child: another
    one is tried. What *work* itself waits for, it waits for in every child.
    """
    for _ in range(_TRIES):
        time.sleep(0.2)  # the other threads come to rest
        answer = _answer_of_child(work, seconds)
        if answer:
            result: T = pickle.loads(answer)
            return result
    raise AssertionError("the child hangs or has failed")


def _answer_of_child(work: Callable[[], T], seconds: float) -> bytes:
    reading, writing = os.pipe()
    pid: int = ctypes.PyDLL(None).fork()  # with the interpreter's lock held, as in a worker that is forked inside a C call
    if pid == 0:
        try:
            sent = pickle.dumps(work())
            os.write(writing, sent)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    timer = threading.Timer(seconds, os.kill, (pid, signal.SIGKILL))
    timer.start()
    try:
        with os.fdopen(reading, "rb") as pipe:
            return pipe.read()
    finally:
        timer.cancel()
        os.waitpid(pid, 0)
