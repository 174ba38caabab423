"""Where the system is short of descriptors, memory or time."""

from __future__ import annotations

import errno
import json
import os
import selectors
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from alicred.errors import ProviderError, TransientError
from alicred.sources import _program
from tests.sources.external_process.support import (
    AK,
    NOTE,
    SECOND,
    all_end,
    assert_reaped,
    failure,
    noted,
    parent,
    printing,
    provider,
    python,
)

SHORTAGES = [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOBUFS, errno.EINTR, errno.ESTALE]


@pytest.mark.parametrize("number", SHORTAGES)
@pytest.mark.parametrize("where", [(subprocess, "Popen"), (selectors, "DefaultSelector"), (os, "read"), (os, "waitid")])
def test_a_shortage_at_any_step_may_pass(where: tuple[Any, str], number: int, monkeypatch: pytest.MonkeyPatch, notes: Path) -> None:
    made = provider(python(NOTE + f"print({json.dumps(AK)!r})", str(notes)))

    real = getattr(*where)

    def short(*arguments: Any, **more: Any) -> Any:
        if where[1] == "read" and arguments[1] != _program._CHUNK:
            return real(*arguments, **more)  # this one is not ours
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(*where, short)
        error = failure(made, TransientError)
    assert error.retryable
    assert error.code == "TemporaryFailure"
    assert str(error).startswith(f"external: the program {sys.executable} c")
    assert os.strerror(number) in str(error)
    assert error.__cause__ is error.__context__ is None
    for pid in noted(notes):
        assert_reaped(pid)
    assert made.get().access_key_id == "id"


@pytest.mark.parametrize("where", [(subprocess, "Popen"), (selectors, "DefaultSelector")])
def test_memory_that_is_used_up_may_be_there_again(where: tuple[Any, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise MemoryError

    made = provider(printing(json.dumps(AK)))
    with monkeypatch.context() as patch:
        patch.setattr(*where, none_left)
        assert "Cannot allocate memory" in str(failure(made, TransientError))
    assert made.get().access_key_id == "id"


def test_a_frozen_clock_does_not_lengthen_the_time_out(monkeypatch: pytest.MonkeyPatch, notes: Path) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    failure(provider(python(NOTE + "time.sleep(60)", str(notes)), timeout=SECOND / 4), TransientError)
    all_end(notes, 1)


def test_a_process_without_a_descriptor_left_says_so(tmp_path: Path) -> None:
    """Also if it is the first program of that process, for which modules have to be loaded."""
    code = """
import os, resource, sys
from alicred.sources.external_process import ExternalProcessProvider
made = ExternalProcessProvider([sys.executable, "-I", "-S", "-c", sys.argv[1]])
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open("/", os.O_RDONLY))
except OSError:
    pass
answers = []
while True:
    try:
        answers.append(made.get().access_key_id)
        break
    except Exception as error:
        answers.append(f"{type(error).__name__}: {getattr(error, 'code', error)}")
    os.close(held.pop())
print("\\n".join(answers))
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    command = [sys.executable, "-c", code.replace("\\\\", "\\"), f"print({json.dumps(AK)!r})"]
    printed = subprocess.run(command, capture_output=True, text=True, env=environ, check=True).stdout.split("\n")
    assert printed.pop() == ""
    assert printed.pop() == "id"
    assert set(printed) == {"TransientError: TemporaryFailure"}
    assert len(printed) > 3


def test_it_also_works_where_a_program_cannot_be_looked_at_without_reaping_it(monkeypatch: pytest.MonkeyPatch, notes: Path) -> None:
    monkeypatch.delattr(os, "waitid")
    assert provider(parent("plain", f"print({json.dumps(AK)!r})", notes)).get().access_key_id == "id"
    all_end(notes, 2)
    failure(provider(python("sys.exit(3)")), ProviderError)
    failure(provider(python("time.sleep(60)"), timeout=SECOND / 4), TransientError)


def test_a_program_that_does_not_go_away_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    made = provider(python("time.sleep(60)"), timeout=SECOND / 10)
    monkeypatch.setattr(_program, "_REAPED_WITHIN", 0.1)
    monkeypatch.setattr(os, "killpg", refuse)
    began = time.monotonic()
    started: list[subprocess.Popen[bytes]] = []
    start = _program._start
    monkeypatch.setattr(_program, "_start", lambda *arguments: started.append(start(*arguments)) or started[0])
    failure(made, TransientError)
    assert time.monotonic() - began < 20
    started[0].kill()
    started[0].wait()
