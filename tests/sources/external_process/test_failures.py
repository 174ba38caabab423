"""How the program fails."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alicred.errors import ConfigurationError, ProviderError, TransientError
from tests.forked import in_child
from tests.sources.external_process.support import AK, failure, ignoring_children, outcome, provider, python


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("sys.stderr.write('planted'); sys.exit(7)", "failed with exit status 7: it wrote 7 bytes to standard error"),
        ("print('planted'); sys.exit('planted')", "failed with exit status 1: it wrote 8 bytes"),
        ("os._exit(255)", "failed with exit status 255: it wrote nothing to standard error"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "was ended by SIGTERM: it wrote nothing"),
        ("os.kill(os.getpid(), signal.SIGRTMIN + 3)", "was ended by signal "),
    ],
)
def test_a_failed_program_is_a_provider_error(code: str, words: str) -> None:
    error = failure(provider(python(f"sys.stdout.write({json.dumps(AK)!r}); sys.stdout.flush()\n{code}", "planted")), ProviderError)
    assert f"the program {sys.executable} {words}" in str(error)
    assert not error.retryable
    assert "planted" not in str(error)


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (None, 0, "No such file or directory"),
        ("#!/nonexistent/interpreter\n", 0o700, "No such file or directory"),
        ("neither a script nor a binary", 0o700, "Exec format error"),
        ("#!/bin/sh\n", 0o600, "Permission denied"),
        ("", -1, "Permission denied"),
    ],
)
def test_a_program_that_cannot_be_started_is_named(content: str | None, mode: int, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "get-cred"
    if mode == -1:
        path.mkdir()
    elif content is not None:
        path.write_text(content)
        path.chmod(mode)
    error = failure(provider([str(path), "--password", "planted"]), ConfigurationError)
    assert f"the program {path} cannot be started: {reason}. Is it installed" in str(error)
    assert "planted" not in str(error)
    assert error.__cause__ is error.__context__ is None


@pytest.mark.parametrize("raised", [OSError(errno.EAGAIN, "planted"), OSError(errno.EMFILE, "planted"), RuntimeError("planted")])
def test_a_shortage_of_the_system_may_pass(raised: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(subprocess, "Popen", refuse)
    error = failure(provider(["tool", "planted"]), TransientError)
    assert error.retryable
    assert error.__cause__ is error.__context__ is None


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [(["\ud800planted"], None), ([], {"planted": "planted\0"}), ([], {"plan=ted": "planted"}), ([], {"planted": 7})],
)
def test_what_the_system_cannot_pass_on_is_refused_without_being_shown(arguments: list[str], environ: Any) -> None:
    made = provider(["true", *arguments], environ=environ)
    assert "an argument or a variable is nothing that" in str(in_child(lambda: ignoring_children(lambda: outcome(made))))
    error = failure(made, ConfigurationError)
    assert "the program true cannot be started: an argument or a variable" in str(error)
    assert "planted" not in repr(error)
    assert error.__cause__ is error.__context__ is None


def test_a_token_in_place_of_a_program_is_not_shown() -> None:
    made = provider(["x" * 300])
    assert "x" * 300 not in repr(made)
    assert "x" * 300 not in str(failure(made, ConfigurationError))
