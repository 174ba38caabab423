"""Running another program for what it prints: bounded in time and size, and nothing of it is left afterwards."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from datetime import timedelta
from io import FileIO
from typing import TYPE_CHECKING

import attrs

from alicred._internal.files import shown
from alicred._internal.late import os
from alicred._internal.real_time import monotonic
from alicred._internal.shortage import TEMPORARY, shortage
from alicred.errors import AlicredError, ConfigurationError, MalformedResponseError, ProviderError, TransientError

if TYPE_CHECKING:
    from subprocess import Popen

LARGEST_OUTPUT = 1 << 20  # bytes of standard output
_CHUNK = 1 << 16
_ASKS_FOR_ITSELF = b"asks for itself: it is run for a credential"  # in the text of the error below, which a program shows when it fails
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.05  # seconds between two looks whether the program has ended
_REAPED_WITHIN = 5.0  # seconds; only a program that is stuck in the kernel needs more than a moment

# Runs a program and writes its exit status to its own standard input, which is a pipe for that. The shell reads no part of the command.
_TELLING = ("/bin/sh", "-c", '"$@" </dev/null; echo $? >&0', "sh")


def run(arguments: Sequence[str], *, environ: Mapping[str, str], timeout: timedelta) -> bytes:
    """What the program prints to standard output, up to its own end: what it leaves running in the background is not waited for.

    No shell reads the command. It runs in a session of its own, with nothing on standard input and no other file of this process.
    However this function is left, by an interrupt too, every process of the program's group has been sent ``SIGKILL`` by then and
    the program has been reaped; a process that has left the group, as one with a session of its own has, goes on. Thread-safe; blocks
    for at most *timeout*.

    Where this process ignores ``SIGCHLD``, or another part of it reaps all children, the system does not say how a program ended.
    There it is run once more, by ``/bin/sh``, which does say so: at once where that is known, else after a run whose status was lost.

    Args:
        arguments: The program and its arguments. The arguments show in no error.
        environ: The program's environment; its ``PATH`` is where the program is looked for.
        timeout: How long the program may take.

    Raises:
        ConfigurationError: There is no such program, or it cannot be executed, or it failed since it asks for itself.
        TransientError: It took longer than *timeout*, or the system is short of something that it takes to run a program.
        MalformedResponseError: It printed more than 1 MiB.
        ProviderError: It ended with a status other than 0, or by a signal, or how it ended cannot be known.
    """
    name = shown(arguments[0])
    deadline = monotonic() + timeout.total_seconds()
    try:
        telling = _ignores_children()
        output = _run(name, arguments, environ, deadline, telling=telling)
        if output.lost and not telling:
            output = _run(name, arguments, environ, deadline, telling=True)
    except (OSError, MemoryError) as error:
        problem = TransientError(f"the program {name} cannot be run now: {_words(error)}", code=TEMPORARY)
    else:
        return _judged(name, output, timeout)
    raise problem  # out here, so that the other one does not become its context


def asks_for_itself(name: str) -> ConfigurationError:
    """The error for a program that asks, through alicred, for the credential that it is run for."""
    return ConfigurationError(
        f"the program {name} asks for itself: it is run for a credential, and asks alicred for the same one. "
        "Let its command name another profile, or another program"
    )


def _judged(name: str, output: _Output, timeout: timedelta) -> bytes:
    if len(output.stdout) > LARGEST_OUTPUT:
        raise MalformedResponseError(f"the program {name} printed more than {LARGEST_OUTPUT} bytes, and was ended for it")
    if output.late:
        after = f"{timeout.total_seconds():g} s"
        raise TransientError(f"the program {name} did not end within {after}, and was ended with all processes of its group{output.remark}")
    if output.status is None:
        raise ProviderError(
            f"how the program {name} ended cannot be known, and so what it printed is not used: this process ignores SIGCHLD, or another "
            "part of it reaps all children. Change that, or have a /bin/sh here"
        )
    if output.status and output.asks_for_itself:
        raise asks_for_itself(name)
    if output.status:
        raise ProviderError(f"the program {name} {_described(output.status)}{output.remark}")
    return bytes(output.stdout)


def _words(error: OSError | MemoryError) -> str:
    return shortage(error) or (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


@attrs.define
class _Output:
    """What a program has written so far. Of standard error only the size: programs write passwords and tokens there."""

    stdout: bytearray = attrs.field(factory=bytearray, repr=False)
    stderr_size: int = 0
    asks_for_itself: bool = False
    """Whether the program, or one that it has run, has said to standard error that it does."""
    late: bool = False
    status: int | None = None
    """How it ended, as `subprocess` says it; ``None`` if that is not known."""
    lost: bool = False
    """Whether the system no longer knows."""

    @property
    def remark(self) -> str:
        """What to do about a failure, to be added to its text."""
        if not self.stderr_size:
            return ": it wrote nothing to standard error"
        return f": it wrote {self.stderr_size} bytes to standard error, not shown since they may hold a secret; run it by hand to see them"


def _ignores_children() -> bool:
    """Whether the system reaps the children of this process, and keeps how they ended from it."""
    return hasattr(signal, "SIGCHLD") and signal.getsignal(signal.SIGCHLD) is signal.SIG_IGN


def _run(name: str, arguments: Sequence[str], environ: Mapping[str, str], deadline: float, *, telling: bool) -> _Output:
    whole = _found(arguments, environ) if telling else None
    with ExitStack() as files:
        # All of them are opened here: older CPythons leave some open if they cannot open all that `Popen` was asked for.
        (stdout, stdout_end), (stderr, stderr_end) = _pipe(files), _pipe(files)
        told, stdin = _pipe(files) if whole else (None, files.enter_context(open(os.devnull, "rb", buffering=0)))
        process = _start(name, [*_TELLING, *whole] if whole else arguments, environ, (stdin, stdout_end, stderr_end))
        try:
            for end in (stdin, stdout_end, stderr_end):
                end.close()
            output = _listen(process, stdout, stderr, deadline)
        finally:
            _end(process)
        if told is not None:
            os.set_blocking(told.fileno(), False)  # all has been said, but a forked child may have a copy of the other end
            output.status = _told(told.read())
    return output


def _pipe(files: ExitStack) -> tuple[FileIO, FileIO]:
    reading, writing = os.pipe()
    return files.enter_context(open(reading, "rb", buffering=0)), files.enter_context(open(writing, "wb", buffering=0))


def _found(arguments: Sequence[str], environ: Mapping[str, str]) -> Sequence[str] | None:
    """*arguments* with the program's whole path; ``None`` if there is no such program, or no shell that could run it."""
    from shutil import which

    try:
        found = which(arguments[0], path=os.pathsep.join(os.get_exec_path(environ)))
    except (TypeError, ValueError):  # nothing that can be passed on, as starting it will say
        found = None
    return None if found is None or not os.path.exists(_TELLING[0]) else [os.path.abspath(found), *arguments[1:]]


def _told(words: bytes | None) -> int | None:
    """How the program ended, in the shell's *words*; ``None`` if it has not come to say so."""
    if not words or not words.strip().isdigit():
        return None
    status = int(words)
    return 128 - status if status > 128 else status  # as shells say it: 128 and the number of the signal


def _start(name: str, arguments: Sequence[str], environ: Mapping[str, str], channels: tuple[FileIO, FileIO, FileIO]) -> Popen[bytes]:
    problem: AlicredError
    try:
        from subprocess import Popen

        return Popen(
            arguments,
            env=dict(environ),
            stdin=channels[0],
            stdout=channels[1],
            stderr=channels[2],
            start_new_session=True,  # a process group of its own, which can be ended as a whole, and no terminal to ask anything at
        )
    except OSError as error:
        reason = _words(error)
        if shortage(error) is not None:
            problem = TransientError(f"the program {name} could not be started: {reason}", code=TEMPORARY)
        else:
            problem = ConfigurationError(
                f"the program {name} cannot be started: {reason}. Is it installed, executable and in PATH, "
                "and if it is a script, does its first line name an interpreter that is there?"
            )
    except MemoryError as error:
        problem = TransientError(f"the program {name} could not be started: {shortage(error)}", code=TEMPORARY)
    except ImportError:  # of a module that is a shared library, which cannot be opened
        problem = TransientError(f"the program {name} could not be started: the interpreter cannot load what that takes", code=TEMPORARY)
    except (TypeError, ValueError):  # their texts, and what they hold, may quote an argument or a variable
        problem = ConfigurationError(f"the program {name} cannot be started: an argument or a variable is nothing that can be passed on")
    except RuntimeError:
        problem = TransientError(f"the program {name} cannot be started: the interpreter is shutting down")
    raise problem  # out here, so that none of those becomes its context


def _listen(process: Popen[bytes], stdout: FileIO, stderr: FileIO, deadline: float) -> _Output:
    """Read until the program has ended, or is late, or has printed too much."""
    import selectors

    output = _Output()
    pause = _SHORTEST_PAUSE
    with selectors.DefaultSelector() as selector:
        for pipe in (stdout, stderr):
            selector.register(pipe, selectors.EVENT_READ)
        while True:
            # In this order: what is in the pipes after its end is all that the program has written.
            ended = _has_ended(process, output)
            left = deadline - monotonic()
            if left <= 0 and not ended:
                output.late = True
                return output
            ready = selector.select(0 if ended else min(pause, left))
            printed = False
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is stdout:
                    output.stdout += chunk
                    printed = True
                else:
                    output.stderr_size += len(chunk)
                    output.asks_for_itself |= _ASKS_FOR_ITSELF in chunk
            if len(output.stdout) > LARGEST_OUTPUT or (ended and not printed):
                return output
            pause = _SHORTEST_PAUSE if ready else min(2 * pause, _LONGEST_PAUSE)


def _has_ended(process: Popen[bytes], output: _Output) -> bool:
    """Whether the program has ended; how it did is put into *output*.

    It is not reaped yet where that can be helped: until it is, its number, which is the group's, goes to no other process.
    """
    try:
        if hasattr(os, "waitid"):
            found = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is not None:
                output.status = found.si_status if found.si_code == os.CLD_EXITED else -found.si_status
            return found is not None
        if process.returncode is None:  # macOS before Python 3.13
            pid, status = os.waitpid(process.pid, os.WNOHANG)
            process.returncode = os.waitstatus_to_exitcode(status) if pid else None
            output.status = process.returncode
        return process.returncode is not None
    except ChildProcessError:
        output.lost = output.status is None  # the system, or another part of this process, has reaped it
        return True


def _end(process: Popen[bytes]) -> None:
    """End what is left of the program's group, and reap the program."""
    with suppress(ProcessLookupError, PermissionError):  # no process is left, or, on macOS, only the program that is to be reaped
        os.killpg(process.pid, signal.SIGKILL)
    deadline = monotonic() + _REAPED_WITHIN
    while process.poll() is None and monotonic() < deadline:
        time.sleep(_SHORTEST_PAUSE)


def _described(status: int) -> str:
    if status > 0:
        return f"failed with exit status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"
