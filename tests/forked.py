"""Work in a forked child, and what comes of it: after a fork by `os.fork`, or after one that C code makes."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
_TRIES = 3


def in_child(work: Callable[[], object], seconds: float = 10) -> Any:
    """What *work* answers in a forked child, or the type and the text of what it raises. After *seconds* it is killed."""

    def answer() -> object:
        try:
            return work()
        except BaseException as error:
            return f"{type(error).__name__}: {error}"

    return checked_in_child(answer, seconds)


def checked_in_child(work: Callable[[], T], seconds: float = 10) -> T:
    """What *work* answers in a forked child, which must come to its end within *seconds*, and raise nothing."""
    has_ended, sent = _answer_of_child(os.fork, work, seconds)
    assert has_ended, "the child hangs"
    assert sent, "the child has failed"
    result: T = pickle.loads(sent)
    return result


def in_raw_child(work: Callable[[], T], seconds: float = 15) -> T:
    """The same in a child that is forked as C code forks, such as uWSGI's: none of CPython's hooks runs, neither here nor in the child.

    Such a fork copies the interpreter's own lock as it is, which a busy thread may hold for a moment. Nothing runs in that child: another
    one is tried. What *work* itself waits for, it waits for in every child.
    """
    fork = ctypes.PyDLL(None).fork  # with the interpreter's lock held, as in a worker that is forked inside a C call
    for _ in range(_TRIES):
        time.sleep(0.2)  # the other threads come to rest
        _, sent = _answer_of_child(fork, work, seconds)
        if sent:
            result: T = pickle.loads(sent)
            return result
    raise AssertionError("the child hangs or has failed")


def _answer_of_child(fork: Callable[[], int], work: Callable[[], object], seconds: float) -> tuple[bool, bytes]:
    """Whether the child has come to its end by itself, and what it has sent: the pickled answer, or nothing."""
    reading, writing = os.pipe()
    pid = fork()
    if pid == 0:
        try:
            sent = pickle.dumps(work())
            with os.fdopen(writing, "wb") as pipe:
                pipe.write(sent)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(writing)
    timer = threading.Timer(seconds, os.kill, (pid, signal.SIGKILL))
    timer.start()
    try:
        with os.fdopen(reading, "rb") as pipe:
            sent = pipe.read()
    finally:
        timer.cancel()
        timer.join()
        _, status = os.waitpid(pid, 0)
    return not os.WIFSIGNALED(status), sent
