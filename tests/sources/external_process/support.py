"""What the tests of ExternalProcessProvider share: programs, and what they have noted down."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alicred.errors import AlicredError
from alicred.sources.external_process import ExternalProcessProvider
from tests.support import wait_until

SECOND = timedelta(seconds=1)
AK = {"mode": "AK", "access_key_id": "id", "access_key_secret": "secret"}
GO, PY = "credentials-go 9ac55b4", "alibabacloud_credentials 1.0.12"


def python(code: str, *arguments: str) -> list[str]:
    """A command that runs *code*. Without the site module it starts fast."""
    return [sys.executable, "-I", "-S", "-c", f"import os, sys, time, signal\n{code}", *arguments]


def printing(text: str | bytes) -> list[str]:
    raw = text if isinstance(text, bytes) else text.encode()
    return python(f"sys.stdout.buffer.write({raw!r})")


def provider(command: Any, **arguments: Any) -> ExternalProcessProvider:
    return ExternalProcessProvider(command, **arguments)


def failure(made: ExternalProcessProvider, kind: type[AlicredError]) -> Any:
    with pytest.raises(AlicredError) as caught:
        made.get()
    assert type(caught.value) is kind
    assert caught.value.provider == "external"
    return caught.value


def is_alive(pid: int) -> bool:
    """Whether *pid* is a process that still runs: a zombie that waits for whoever adopted it does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def noted(path: Path) -> list[int]:
    return [int(line) for line in path.read_text("utf-8").split()]


NOTE = "open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')\n"


def all_end(path: Path, count: int) -> None:
    """Assert that *count* processes have noted themselves, and that all of them end at once."""
    pids = noted(path)
    assert len(pids) == count
    wait_until(lambda: not any(is_alive(pid) for pid in pids), 3)


BEHAVIOURS = {  # what the child does before, and after, it has said that it is there
    "plain": ("pass", "pass"),
    "ignores SIGTERM, SIGINT and SIGHUP": ("[signal.signal(number, signal.SIG_IGN) for number in (15, 2, 1)]", "pass"),
    "daemonises in the same group": ("os.fork() and os._exit(0); [os.close(fd) for fd in (0, 1, 2)]", "pass"),
    "is stopped": ("pass", "os.kill(os.getpid(), signal.SIGSTOP)"),
    "writes for ever": ("pass", "while True: os.write(2, b'planted' * 1000)"),
}


def parent(behaviour: str, then: str, notes: Path) -> list[str]:
    """A program with a child that behaves as *behaviour* says, and which goes on with *then* when the child is there."""
    before, after = BEHAVIOURS[behaviour]
    child = (
        f"if os.fork() == 0:\n    {before}\n    {NOTE}    open(sys.argv[2], 'w').close()\n    {after}\n    time.sleep(60)\n"
        "while not os.path.exists(sys.argv[2]): time.sleep(0.001)\n"
    )
    return python(NOTE + child + then, str(notes), str(notes) + ".ready")


def assert_reaped(pid: int) -> None:
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def ignoring_children(work: Callable[[], object]) -> object:
    """What *work* answers where the system reaps every child, and keeps from everybody how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        return work()
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def outcome(made: ExternalProcessProvider) -> str:
    try:
        return made.get().access_key_id
    except AlicredError as error:
        return f"{type(error).__name__}: {error}"
