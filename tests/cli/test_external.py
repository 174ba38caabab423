"""A profile whose program is alicred itself."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.cli.programs import ALICRED, Machine


def asking(profile: str, log: Path) -> str:
    """A command that notes that it runs, and asks alicred for *profile*; after ten runs it gives up, whatever is wrong."""
    once = f"echo >> {shlex.quote(str(log))}; [ $(wc -l < {shlex.quote(str(log))}) -lt 10 ] || exit 9; exec"
    return shlex.join(["/bin/sh", "-c", f"{once} {shlex.join([*ALICRED, 'get', '--profile', profile, '--format', 'external'])}"])


def external(name: str, command: str) -> dict[str, object]:
    return {"name": name, "mode": "External", "process_command": command}


CIRCLES = [(("one", "one"),), (("one", "two"), ("two", "one"))]


@pytest.mark.parametrize("circle", CIRCLES, ids=["itself", "by another one"])
def test_a_program_that_asks_for_itself_is_refused_at_once(circle: tuple[tuple[str, str], ...], machine: Machine, tmp_path: Path) -> None:
    log = tmp_path / "runs"
    machine.cli_file(*(external(name, asking(other, log)) for name, other in circle))
    done = machine.run("get", "--profile", "one", "--format", "external")
    assert done.returncode == 1
    assert "the program sh asks for itself" in done.stderr or "the program /bin/sh asks for itself" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert log.read_text("utf-8") == "\n" * len(circle)


def test_a_program_may_ask_for_another_profile_and_that_one_for_a_third(machine: Machine, tmp_path: Path) -> None:
    log, key = tmp_path / "runs", machine.cloud.access_key
    keys = {"access_key_id": key.access_key_id, "access_key_secret": key.access_key_secret}
    machine.cli_file(external("one", asking("two", log)), external("two", asking("three", log)), {"name": "three", "mode": "AK", **keys})
    done = machine.run("get", "--profile", "one", "--format", "external")
    assert done.returncode == 0, done.stderr
    assert key.access_key_secret in done.stdout
    assert log.read_text("utf-8") == "\n\n"
