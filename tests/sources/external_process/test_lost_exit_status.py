"""Where the system does not say how the program ended."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from alicred.sources import _program
from tests.forked import in_child
from tests.sources.external_process.support import AK, NOTE, SECOND, ignoring_children, is_alive, noted, outcome, printing, provider, python
from tests.support import wait_until


def reaping_everything(work: Callable[[], object]) -> object:
    """What *work* answers while somebody else in the process reaps every child there is."""
    stop = threading.Event()

    def reap() -> None:
        while not stop.is_set():
            try:
                os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                stop.wait(0.001)

    thread = threading.Thread(target=reap)
    thread.start()
    try:
        return work()
    finally:
        stop.set()
        thread.join()


def ignoring_children_unnoticed(work: Callable[[], object]) -> object:
    """The same, where C code has said so."""
    ctypes.CDLL(None).signal(int(signal.SIGCHLD), ctypes.c_void_p(1))
    try:
        return work()
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


LOSING = [ignoring_children, ignoring_children_unnoticed, reaping_everything]


@pytest.mark.parametrize("losing", LOSING)
@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ("", "id"),
        ("sys.exit(3)", "ProviderError: external: the program {} failed with exit status 3: it wrote nothing"),
        ("sys.exit('planted')", "ProviderError: external: the program {} failed with exit status 1: it wrote 8 bytes"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "ProviderError: external: the program {} was ended by SIGTERM: it wrote"),
        ("time.sleep(60)", "TransientError: external: the program {} did not end within 1 s"),
        ("os.write(1, b'x' * (2 << 20))", "MalformedResponseError: external: the program {} printed more than"),
    ],
)
def test_a_failed_program_is_a_failure_also_where_the_system_does_not_say_how_it_ended(
    losing: Callable[[Callable[[], object]], object], then: str, expected: str, notes: Path
) -> None:
    code = f"{NOTE}assert sys.stdin.read() == ''\nsys.stdout.write({json.dumps(AK)!r}); sys.stdout.flush()\n{then}"
    made = provider(python(code, str(notes)), timeout=SECOND if "sleep" in then else 30 * SECOND)
    # In a process of its own: the runner's other children are nobody's to reap.
    assert str(in_child(lambda: losing(lambda: outcome(made)))).startswith(expected.format(sys.executable))
    wait_until(lambda: not any(map(is_alive, noted(notes))), 3)


@pytest.mark.parametrize("losing", [ignoring_children, ignoring_children_unnoticed])
def test_where_no_shell_can_say_how_it_ended_what_it_printed_is_not_used(
    losing: Callable[[Callable[[], object]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_program, "_TELLING", ("/nonexistent/sh",))
    made = provider(printing(json.dumps(AK)))
    assert str(in_child(lambda: losing(lambda: outcome(made)))).startswith(
        f"ProviderError: external: how the program {sys.executable} ended cannot be known, and so what it printed is not used: "
        "this process ignores SIGCHLD, or another part of it reaps all children."
    )


def test_a_program_that_is_not_there_is_said_not_to_be_where_a_shell_would_run_it() -> None:
    for command in (["nonexistent", "planted"], ["/nonexistent/tool", "planted"], ["/", "planted"]):
        found = str(in_child(lambda command=command: ignoring_children(lambda: outcome(provider(command)))))  # type: ignore[misc]
        assert found.startswith(f"ConfigurationError: external: the program {command[0]} cannot be started: ")


def test_the_shell_reads_no_part_of_the_command(tmp_path: Path) -> None:
    """Neither the program's name, which may be that of a command of its own, nor an argument."""
    code = f"import json, sys\nprint(json.dumps({{**{AK!r}, 'access_key_id': repr(sys.argv[1:])}}))\n"
    (tmp_path / "echo").write_text(f"#!{sys.executable}\n{code}")
    (tmp_path / "echo").chmod(0o700)
    arguments = ["$HOME", "`id`", "*", ";", "a b", "", "'", '"', "-c"]
    made = provider(["echo", *arguments], environ={"PATH": str(tmp_path)})
    assert in_child(lambda: ignoring_children(lambda: outcome(made))) == repr(arguments)
