"""A program that runs below this one: it gets the signals that this one gets, and decides how this one ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence

_HANDED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def run_child(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run *command* to its end; its exit code, or 128 and the number of the signal that has ended it.

    For the main thread. From here to the end of the process, the signals that are handed on do nothing in it.

    Raises:
        OSError: The program cannot be started.
        ValueError: A word of *command* holds a null character.
    """
    signal.signal(signal.SIGCHLD, _nothing)  # where it is ignored, how a child ended cannot be known
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*_HANDED_ON, signal.SIGCHLD))
    child = os.posix_spawnp(
        command[0], list(command), environ, setsigmask=before, setsigdef=(signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, *_HANDED_ON)
    )
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
