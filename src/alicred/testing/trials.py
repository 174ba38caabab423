"""Ways to try something out: on threads, in a forked child, and with an ear to everything that is said."""

from __future__ import annotations

import io
import logging
import os
import select
import signal
import threading
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stderr, redirect_stdout


def expect(holds: bool, otherwise: str) -> None:
    """Raise an `AssertionError` that says *otherwise*, unless it *holds*."""
    if not holds:
        raise AssertionError(otherwise)


def kind_of(error: BaseException) -> str:
    """The name of its type: its text may hold anything."""
    return type(error).__name__


@contextmanager
def in_threads(works: list[Callable[[], None]], patience: float, stop: threading.Event | None = None) -> Generator[None, None, None]:
    """Each of *works* on a thread of its own for as long as the block runs. They are told to *stop*, and must, within *patience*."""
    raised: list[BaseException] = []

    def run(work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (it is raised again where it is seen)
            raised.append(error)

    threads = [threading.Thread(target=run, args=[work], daemon=True) for work in works]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        if stop is not None:
            stop.set()
    for thread in threads:
        thread.join(patience)
    expect(not any(thread.is_alive() for thread in threads), f"a thread that asks it has no answer after {patience:g} s")
    if raised:
        raise AssertionError(f"a thread that asks it together with others: {raised[0]}") from raised[0]


def in_a_child(work: Callable[[], object], patience: float) -> None:
    """*work* in a forked child, which says what went wrong."""
    ready: list[int] = []
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that threads run while it forks is what is to be checked
        child = os.fork()
    if child == 0:
        said = ""
        try:
            work()
        except BaseException as error:  # noqa: BLE001  (the parent is told)
            said = str(error) or kind_of(error)
        finally:
            os.write(writer, said.encode()[:4000])
            os._exit(0)
    os.close(writer)
    try:
        ready, _, _ = select.select([reader], [], [], patience)
        said = os.read(reader, 4000).decode(errors="replace") if ready else f"a forked child has no answer after {patience:g} s"
    finally:
        os.close(reader)
        if not ready:
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    expect(not said, said)


@contextmanager
def overheard(said: list[str]) -> Generator[None, None, None]:
    """Everything that goes to the log and to the standard streams meanwhile."""

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.extend((record.getMessage(), repr(record.args), logging.Formatter().format(record)))

    ear, root, out = Ear(logging.DEBUG), logging.getLogger(), io.StringIO()
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(out), redirect_stderr(out):
            yield
    finally:
        root.setLevel(level)
        root.removeHandler(ear)
        said.append(out.getvalue())
