"""``alicred`` as a program of its own, in a clean environment with a home and a fake cloud."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs
import pytest

from alicred.testing import FakeCloud

ALICRED = [sys.executable, "-m", "alicred"]


@attrs.frozen
class Machine:
    """A home with nothing in it, and a cloud."""

    cloud: FakeCloud
    home: Path

    @property
    def environ(self) -> dict[str, str]:
        """What every program here is given."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ALIBABA", "ALICLOUD", "LC_", "LANG"))}
        return {
            **kept,
            "HOME": str(self.home),
            "ALIBABA_CLOUD_STS_ENDPOINT": self.cloud.http_endpoint,
            "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
        }

    @property
    def keys(self) -> dict[str, str]:
        """Variables with the access key of a user."""
        key = self.cloud.access_key
        return {"ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret}

    def cli_file(self, *profiles: Mapping[str, object], current: str = "default") -> None:
        """Write ``~/.aliyun/config.json``."""
        folder = self.home / ".aliyun"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / "config.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({"current": current, "profiles": profiles}), "utf-8")

    def role(self) -> None:
        """Let the current profile be a role that is assumed with the key of the user."""
        key = self.cloud.access_key
        keys = {"access_key_id": key.access_key_id, "access_key_secret": key.access_key_secret}
        self.cli_file({"name": "default", "mode": "RamRoleArn", **keys, "ram_role_arn": self.cloud.role_arn, "ram_session_name": "test"})

    def run(self, *arguments: str, environ: Mapping[str, str] | None = None, **options: object) -> subprocess.CompletedProcess[str]:
        """Run ``alicred`` with *arguments*, with *environ* on top of the clean environment."""
        return self.run_program([*ALICRED, *arguments], environ, **options)

    def run_program(
        self, command: Sequence[str], environ: Mapping[str, str] | None = None, **options: object
    ) -> subprocess.CompletedProcess[str]:
        """Run *command* in the same way."""
        return subprocess.run(  # type: ignore[call-overload, no-any-return]  # what else subprocess.run takes
            command,
            env={**self.environ, **(environ or {})},
            cwd=self.home,
            **{"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "check": False, "timeout": 120, **options},
        )

    def start(self, *arguments: str, environ: Mapping[str, str] | None = None, **options: object) -> subprocess.Popen[str]:
        """Start ``alicred`` with *arguments*; its output and errors are pipes."""
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]  # what else Popen takes
            [*ALICRED, *arguments],
            env={**self.environ, **(environ or {})},
            cwd=self.home,
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
        )

    def at_terminal(self, *arguments: str, environ: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Exit code and output, errors included, of ``alicred`` at a terminal."""
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            [*ALICRED, *arguments], env={**self.environ, **(environ or {})}, cwd=self.home, stdin=theirs, stdout=theirs, stderr=theirs
        ) as child:
            os.close(theirs)
            printed = bytearray()
            try:
                while part := os.read(ours, 65536):
                    printed += part
            except OSError:
                pass  # EIO: the program has closed the terminal
            os.close(ours)
        return child.returncode, printed.decode().replace("\r\n", "\n")


# Makes the terminal that it gets as its standard input its own, and becomes what it is given.
_OF_A_TERMINAL = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""


def at_its_own_terminal(command: Sequence[str], environ: Mapping[str, str], cwd: Path | None = None) -> tuple[subprocess.Popen[bytes], int]:
    """*command*, started at a terminal that sends it signals, and the other end of that terminal."""
    ours, theirs = pty.openpty()
    of_a_terminal = [sys.executable, "-I", "-S", "-c", _OF_A_TERMINAL, *command]
    child = subprocess.Popen(of_a_terminal, env=environ, cwd=cwd, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    return child, ours


@pytest.fixture
def machine(alicred_cloud: FakeCloud, tmp_path: Path) -> Machine:
    """A machine with a home in which nothing is set up, and a cloud."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Machine(alicred_cloud, home)
