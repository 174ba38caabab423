"""Ways to try something out: on threads, in a forked child, and with everything recorded that is written meanwhile."""

from __future__ import annotations

import io
import logging
import os
import select
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import TypeVar

import attrs

from alicred import AlicredError

M = TypeVar("M")
_MASK = "[a secret]"
_EXCERPT = 500
_BEFORE = 200  # of an excerpt, so much may stand before the secret


@attrs.frozen
class CapturedOutput:
    """A text, and where it was seen.

    Args:
        place: Such as ``on standard output``.
        text: All of it; it may hold secrets.
    """

    place: str
    text: str = attrs.field(repr=False)

    def excerpt(self, secrets: Iterable[str]) -> str:
        """The text from the line on that holds the first of *secrets*, which are masked."""
        text = masked(self.text, secrets)
        first = max(text.find(_MASK), 0)
        begin = max(text.rfind("\n", 0, first) + 1, first - _BEFORE)
        return text[begin : begin + _EXCERPT].rstrip()


def expect(holds: bool, otherwise: str) -> None:
    """Raise an `AssertionError` that says *otherwise*, unless it *holds*."""
    if not holds:
        raise AssertionError(otherwise)


def kind_of(error: BaseException) -> str:
    """The name of its type: its text may hold anything."""
    return type(error).__name__


def masked(text: str, secrets: Iterable[str]) -> str:
    """*text* without the *secrets*."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, _MASK)
    return text


def account_of(error: BaseException, secrets: Iterable[str] = ()) -> str:
    """What may be shown of *error*: its type, and of an error of alicred the text too, without the *secrets*."""
    return f"{kind_of(error)}: {masked(str(error), secrets)}" if isinstance(error, AlicredError) else kind_of(error)


def made(make: Callable[[], M], hint: str, secrets: Iterable[str] = ()) -> M:
    """What *make* makes. That it fails is told apart from what goes wrong with what it makes.

    Raises:
        AssertionError: It raised something; *hint* is added.
    """
    try:
        return make()
    except Exception as error:
        raise AssertionError(f"make() raised {account_of(error, secrets)}; {hint}") from error


@contextmanager
def in_threads(works: list[Callable[[], None]], patience: float, stop: threading.Event | None = None) -> Generator[None, None, None]:
    """Run each of *works* on its own thread during the block. *stop* is set at its end; they must return within *patience*."""
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


_WELL = "well"  # what a child says when all is; to say nothing is to have crashed


def in_a_child(work: Callable[[], object], patience: float) -> None:
    """*work* in a forked child, which says what went wrong."""
    ready: list[int] = []
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that threads run while it forks is what is to be checked
        child = os.fork()
    if child == 0:
        said = _WELL
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
        _, status = os.waitpid(child, 0)
    expect(said != "", f"a forked child has ended without an answer, {_end(status)}")
    expect(said == _WELL, said)


def _end(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"killed by the signal {signal.Signals(-code).name}" if code < 0 else f"with the exit status {code}"


@contextmanager
def captured_output(said: list[CapturedOutput]) -> Generator[None, None, None]:
    """Everything that goes to the log and to the standard streams meanwhile."""

    class _Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            log = f"the log of {record.name!r} ({record.levelname})"
            said.append(CapturedOutput(f"in {log}", record.getMessage()))
            said.append(CapturedOutput(f"in the arguments of a record in {log}", repr(record.args)))
            said.append(CapturedOutput(f"in a traceback in {log}", logging.Formatter().format(record)))

    ear, root, out, err = _Handler(logging.DEBUG), logging.getLogger(), io.StringIO(), io.StringIO()
    level = root.level
    root.addHandler(ear)
    root.setLevel(logging.DEBUG)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            yield
    finally:
        root.setLevel(level)
        root.removeHandler(ear)
        said.append(CapturedOutput("on standard output", out.getvalue()))
        said.append(CapturedOutput("on standard error", err.getvalue()))
