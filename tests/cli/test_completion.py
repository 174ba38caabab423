"""The completion scripts and the man page: current, and tried in the shells themselves."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from alicred.cli.completion import SCRIPTS
from alicred.cli.main import COMMANDS
from tests.cli.programs import ALICRED, Machine, at_its_own_terminal
from tools import cli_files

ROOT = Path(__file__).resolve().parents[2]


def test_the_files_are_current() -> None:
    stale = [path.name for path, text in cli_files.files().items() if path.read_text("utf-8") != text]
    assert stale == [], "run: python -m tools.cli_files"


@pytest.mark.parametrize("shell", SCRIPTS)
def test_the_command_prints_the_script_that_is_installed(shell: str, machine: Machine) -> None:
    done = machine.run("completion", shell)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (cli_files.SHARE / cli_files.PLACES[shell]).read_text("utf-8")


def test_the_man_page_has_every_command_and_no_mistake() -> None:
    page = cli_files.SHARE / "man/man1/alicred.1"
    if shutil.which("man") is None or shutil.which("groff") is None:
        pytest.skip("there is no man here")
    done = subprocess.run(
        ["man", "--warnings", str(page)],
        capture_output=True,
        text=True,
        env={**os.environ, "MANWIDTH": "100", "MAN_KEEP_FORMATTING": "", "LC_ALL": "C.UTF-8"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    shown = re.sub(".\b", "", done.stdout)
    for command in COMMANDS:
        assert re.search(rf"^   {command}$", shown, re.MULTILINE), command
    assert 'creds=$(alicred get) && eval "$creds"' in shown
    assert "--role-arn ARN" in shown


@pytest.mark.slow
def test_the_wheel_installs_them(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "hatchling" in done.stderr and done.returncode:
        pytest.skip("there is no hatchling here")
    assert done.returncode == 0, done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    listed = subprocess.run([sys.executable, "-m", "zipfile", "-l", str(wheel)], capture_output=True, text=True, check=True).stdout
    for path in cli_files.files():
        assert f".data/data/share/{path.relative_to(cli_files.SHARE)}" in listed


# What is written behind the prompt, and what is offered for it.
CASES = [
    (["alicred", "ge"], {"get"}),
    (["alicred", "comple"], {"completion"}),
    (["alicred", "get", "--form"], {"--format"}),
    (["alicred", "get", "--format", "do"], {"docker", "dotenv"}),
    (["alicred", "get", "--shell", "f"], {"fish"}),
    (["alicred", "--profile", "x", "get", "--sho"], {"--show"}),
    (["alicred", "exec", "--ref"], {"--refresh"}),
    (["alicred", "completion", "z"], {"zsh"}),
]


def names(words: list[str]) -> str:
    return " ".join(words)


@pytest.mark.parametrize(("words", "offered"), CASES, ids=lambda value: names(value) if isinstance(value, list) else None)
def test_bash_completes(words: list[str], offered: set[str], machine: Machine) -> None:
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    quoted = " ".join(f"'{word}'" for word in words)
    script = f"""
{SCRIPTS["bash"]()}
COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1}
_alicred
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    done = machine.run_program(["bash", "--norc", "-c", script])
    assert done.stderr == ""
    assert set(done.stdout.split()) == offered


def test_bash_completes_the_program_of_exec(machine: Machine) -> None:
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    (machine.home / "a-file").touch()
    for words, offered in ((["exec", "--", "env"], "env"), (["exec", "--", "cat", "a-f"], "a-file"), (["exec", "env"], "env")):
        line = " ".join(["alicred", *words])
        script = f"{SCRIPTS['bash']()}\nCOMP_WORDS=({line}) COMP_CWORD={len(words)}\n_alicred\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        assert offered in machine.run_program(["bash", "--norc", "-c", script]).stdout.split()


@pytest.mark.parametrize(("words", "offered"), CASES, ids=lambda value: names(value) if isinstance(value, list) else None)
def test_fish_completes(words: list[str], offered: set[str], machine: Machine) -> None:
    if shutil.which("fish") is None:
        pytest.skip("there is no fish here")
    script = f"{SCRIPTS['fish']()}\ncomplete -C '{' '.join(words)}'"
    done = machine.run_program(["fish", "--no-config", "-c", script])
    assert done.stderr == ""
    assert {line.partition("\t")[0] for line in done.stdout.splitlines()} == offered


@pytest.mark.parametrize(
    ("words", "offered"),
    [CASES[3], *(pytest.param(*case, marks=pytest.mark.slow) for number, case in enumerate(CASES) if number != 3)],
    ids=lambda value: names(value) if isinstance(value, list) else None,
)
def test_zsh_completes(words: list[str], offered: set[str], machine: Machine) -> None:
    if shutil.which("zsh") is None:
        pytest.skip("there is no zsh here")
    (machine.home / ".zshrc").write_text(
        "PROMPT='ready> '; unsetopt ALWAYS_LAST_PROMPT; autoload -Uz compinit; compinit -u -D\n"
        f'eval "$({" ".join(ALICRED)} completion zsh)"\n'
    )
    environ = {**machine.environ, "TERM": "dumb", "ZDOTDIR": str(machine.home), "COLUMNS": "200"}
    child, terminal = at_its_own_terminal(["zsh", "-i"], environ, machine.home)
    try:
        _until(terminal, "ready> ")
        os.write(terminal, " ".join(words).encode() + b"\t\t")
        shown = _quiet(terminal)
    finally:
        os.close(terminal)
        child.wait()
    found = set(re.findall(r"[\w-]+", shown.replace("\x07", "")))
    assert offered <= found


def _until(terminal: int, text: str) -> None:
    seen, end = b"", time.monotonic() + 60
    while text.encode() not in seen and time.monotonic() < end:
        seen += os.read(terminal, 4096)


def _quiet(terminal: int) -> str:
    """What comes until nothing more does."""
    seen = b""
    while select.select([terminal], [], [], 3.0)[0]:
        part = os.read(terminal, 4096)
        if not part:
            break
        seen += part
    return seen.decode("utf-8", "replace")
