"""A program that runs below this one: it gets the signals that this one gets, and decides how this one ends."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterable, Mapping, Sequence

_SOON = 1.0  # seconds
_HANDED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def hold_signals() -> set[signal.Signals | int]:
    """Let no thread of this process get the signals that are handed on, before other threads are started; the mask of signals before.

    For the main thread. A thread that does not block a signal could get it in place of `run_child`.
    """
    signal.signal(signal.SIGCHLD, _nothing)  # where it is ignored, how a child ended cannot be known
    before: set[signal.Signals | int] = {*signal.pthread_sigmask(signal.SIG_BLOCK, (*_HANDED_ON, signal.SIGCHLD))}
    for thread in threading.enumerate():  # that of a refresh, which has ended, all but its thread
        if thread is not threading.current_thread():
            thread.join(_SOON)
    return before


def run_child(command: Sequence[str], environ: Mapping[str, str], mask: Iterable[int]) -> int:
    """Run *command* to its end; its exit code, or 128 and the number of the signal that has ended it.

    Args:
        command: The program and its arguments.
        environ: Its environment.
        mask: The signals that it blocks: what `hold_signals` answered, which comes first.

    Raises:
        OSError: The program cannot be started.
        ValueError: A word of *command* holds a null character.
    """
    defaults = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, *_HANDED_ON)
    child = os.posix_spawnp(command[0], list(command), environ, setsigmask=mask, setsigdef=defaults)
    while True:
        number, from_terminal = _next_signal()
        if number == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
        elif not from_terminal:  # else the whole group of processes has it already, the child included
            os.kill(child, number)


def _nothing(number: int, frame: object) -> None:
    """What a signal does here whose coming is all that counts."""


def _next_signal() -> tuple[int, bool]:
    """The next signal that is blocked, and whether the terminal has sent it."""
    wanted = (*_HANDED_ON, signal.SIGCHLD)
    if hasattr(signal, "sigwaitinfo"):
        found = signal.sigwaitinfo(wanted)
        return found.si_signo, found.si_code > 0  # SI_KERNEL; what a process sends has zero or less
    number = signal.sigwait(wanted)  # macOS
    return number, number in (signal.SIGINT, signal.SIGQUIT) and os.isatty(0)
