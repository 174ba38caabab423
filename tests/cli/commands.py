"""Commands run in this process, in a home of their own."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from alicred.cli import main


@attrs.frozen
class Printed:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@attrs.frozen
class Shell:
    """Runs commands; `home` is the home directory, and no variable that alicred reads is set."""

    home: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: str, **variables: str) -> Printed:
        with self.monkeypatch.context() as patched:
            for name, value in variables.items():
                patched.setenv(name, value)
            self.capsys.readouterr()
            code = main.main(arguments)
        printed = self.capsys.readouterr()
        return Printed(code, printed.out, printed.err)

    def cli_file(self, *profiles: dict[str, object], current: str | None = "default") -> Path:
        return self.file(".aliyun/config.json", json.dumps({"current": current, "profiles": profiles}, indent=1))

    def profile_file(self, text: str) -> Path:
        return self.file(".alibabacloud/credentials", text)

    def file(self, name: str, text: str, mode: int = 0o600) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        path.chmod(mode)
        return path


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    logger = logging.getLogger("alicred")
    handlers, level = logger.handlers[:], logger.level
    yield Shell(tmp_path, monkeypatch, capsys)
    logger.handlers[:] = handlers  # a command is a program, and leaves the log of its process as it likes
    logger.setLevel(level)
