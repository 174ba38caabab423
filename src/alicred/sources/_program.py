"""Running another program for what it prints: bounded in time and size, and nothing of it is left afterwards."""

from __future__ import annotations

import errno
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import attrs

from alicred._late import os
from alicred.errors import AlicredError, ConfigurationError, MalformedResponseError, ProviderError, TransientError
from alicred.sources._files import shown

if TYPE_CHECKING:
    from subprocess import Popen

LARGEST_OUTPUT = 1 << 20  # bytes of standard output
_CHUNK = 1 << 16
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.05  # seconds between two looks whether the program has ended
_REAPED_WITHIN = 5.0  # seconds; only a program that is stuck in the kernel needs more than a moment
# What the system may say when it is short of something, which may pass. Everything else is the command's own fault.
_SHORTAGES = frozenset({errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EINTR, errno.ETXTBSY})


def run(arguments: Sequence[str], *, environ: Mapping[str, str], timeout: timedelta) -> bytes:
    """What the program prints to standard output, up to its own end: what it leaves running in the background is not waited for.

    It runs without a shell, in a session of its own, with nothing on standard input and no other file of this process. However this
    function is left, by an interrupt too, every process of the program's group has been sent ``SIGKILL`` by then and the program
    has been reaped. Thread-safe; blocks for at most *timeout*.

    Args:
        arguments: The program and its arguments. The arguments show in no error.
        environ: The program's environment; its ``PATH`` is where the program is looked for.
        timeout: How long the program may take.

    Raises:
        ConfigurationError: There is no such program, or it cannot be executed.
        TransientError: It took longer than *timeout*, or the system could start no process.
        MalformedResponseError: It printed more than 1 MiB.
        ProviderError: It ended with a status other than 0, or by a signal.
    """
    name = shown(arguments[0])
    deadline = time.monotonic() + timeout.total_seconds()
    process = _start(name, arguments, environ)
    try:
        output = _listen(process, deadline)
    finally:
        _end(process)
    if len(output.stdout) > LARGEST_OUTPUT:
        raise MalformedResponseError(f"the program {name} printed more than {LARGEST_OUTPUT} bytes, and was ended for it")
    if output.late:
        after = f"{timeout.total_seconds():g} s"
        raise TransientError(f"the program {name} did not end within {after}, and was ended with all that it had started{output.remark}")
    if process.returncode:
        raise ProviderError(f"the program {name} {_described(process.returncode)}{output.remark}")
    return bytes(output.stdout)


@attrs.define
class _Output:
    """What a program has written so far. Of standard error only the size: programs write passwords and tokens there."""

    stdout: bytearray = attrs.field(factory=bytearray, repr=False)
    stderr_size: int = 0
    late: bool = False

    @property
    def remark(self) -> str:
        """What to do about a failure, to be added to its text."""
        if not self.stderr_size:
            return ": it wrote nothing to standard error"
        return f": it wrote {self.stderr_size} bytes to standard error, not shown since they may hold a secret; run it by hand to see them"


def _start(name: str, arguments: Sequence[str], environ: Mapping[str, str]) -> Popen[bytes]:
    from subprocess import DEVNULL, PIPE, Popen

    problem: AlicredError
    try:
        return Popen(
            arguments,
            env=dict(environ),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            bufsize=0,
            start_new_session=True,  # a process group of its own, which can be ended as a whole, and no terminal to ask anything at
        )
    except OSError as error:
        reason = error.strerror or type(error).__name__
        if error.errno in _SHORTAGES:
            problem = TransientError(f"the program {name} could not be started: {reason}")
        else:
            problem = ConfigurationError(
                f"the program {name} cannot be started: {reason}. Is it installed, executable and in PATH, "
                "and if it is a script, does its first line name an interpreter that is there?"
            )
    except (TypeError, ValueError):  # their texts, and what they hold, may quote an argument or a variable
        problem = ConfigurationError(f"the program {name} cannot be started: an argument or a variable is nothing that can be passed on")
    except RuntimeError:
        problem = TransientError(f"the program {name} cannot be started: the interpreter is shutting down")
    raise problem  # out here, so that none of those becomes its context


def _listen(process: Popen[bytes], deadline: float) -> _Output:
    """Read until the program has ended, or is late, or has printed too much."""
    import selectors

    output = _Output()
    pause = _SHORTEST_PAUSE
    with selectors.DefaultSelector() as selector:
        for pipe in filter(None, (process.stdout, process.stderr)):
            selector.register(pipe, selectors.EVENT_READ)
        while True:
            # In this order: what is in the pipes after its end is all that the program has written.
            ended = _has_ended(process)
            left = deadline - time.monotonic()
            if left <= 0 and not ended:
                output.late = True
                return output
            ready = selector.select(0 if ended else min(pause, left))
            printed = False
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is process.stdout:
                    output.stdout += chunk
                    printed = True
                else:
                    output.stderr_size += len(chunk)
            if len(output.stdout) > LARGEST_OUTPUT or (ended and not printed):
                return output
            pause = _SHORTEST_PAUSE if ready else min(2 * pause, _LONGEST_PAUSE)


def _has_ended(process: Popen[bytes]) -> bool:
    """Whether the program has ended. It is not reaped yet: until it is, its number, which is the group's, goes to nobody else."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return process.poll() is not None
    try:
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return True  # somebody else in this process reaps all children; what the program printed has to speak for itself


def _end(process: Popen[bytes]) -> None:
    """End what is left of the program's group, and reap the program."""
    from subprocess import TimeoutExpired

    with suppress(ProcessLookupError, PermissionError):  # nobody is left, or, on macOS, nobody but the program that is to be reaped
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in filter(None, (process.stdout, process.stderr)):
        pipe.close()
    with suppress(TimeoutExpired):
        process.wait(_REAPED_WITHIN)


def _described(status: int) -> str:
    if status > 0:
        return f"failed with exit status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
