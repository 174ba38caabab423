"""The program itself: its help, and a command that there is not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from alicred.cli.main import COMMANDS, main
from tests.cli.programs import Machine

ROOT = Path(__file__).resolve().parents[2]
MODULES = [sys.executable, "-c", "import sys; from alicred.cli.main import main; main(); print(*sys.modules, file=sys.stderr)"]


def ended(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return (caught.value.code, *capsys.readouterr())


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_another_way_to_ask_for_it(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = command.split()
    code, out, err = asked = ended(capsys, "help", *words)
    assert (code, err) == (0, "")
    assert out.startswith(" ".join(["usage: alicred", *words]))
    assert ended(capsys, *words, "--help") == asked
    assert ended(capsys, "--no-color", "help", *words, "--json") == asked


MISTYPED = [
    (["whoim"], "alicred: there is no command 'whoim': did you mean whoami? See `alicred --help`"),
    (["--profile", "get", "exlpain", "--json"], "alicred: there is no command 'exlpain': did you mean explain? See `alicred --help`"),
    (["help", "lgoin"], "alicred: there is no command 'lgoin': did you mean login? See `alicred --help`"),
    (["dance"], "alicred: there is no command 'dance'. See `alicred --help`"),
]


@pytest.mark.parametrize(("arguments", "said"), MISTYPED)
def test_a_mistyped_command_is_told_with_the_one_that_is_close(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(capsys, *arguments) == (2, "", said + "\n")


def test_what_looks_for_close_names_is_loaded_only_then(machine: Machine) -> None:
    done = machine.run_program([*MODULES, "whoami", "--offline"], machine.keys)
    assert "alicred.cli.main" in done.stderr.split()
    assert "difflib" not in done.stderr.split()


INTERRUPTED = """
import os, signal, time
os.kill(os.getpid(), signal.SIGINT)
time.sleep(20)
"""


@pytest.mark.parametrize("module", ["attrs", "argparse", "alicred"])
def test_an_interrupt_while_the_program_is_loaded_is_one(module: str, machine: Machine, tmp_path: Path) -> None:
    """The module, whose place another one takes here, interrupts it when it is loaded."""
    (tmp_path / f"{module}.py").write_text(INTERRUPTED)
    assert '\nalicred = "_alicred_program:main"\n' in (ROOT / "pyproject.toml").read_text("utf-8")
    start = f"sys.path.insert(0, {str(tmp_path)!r}); from _alicred_program import main; sys.exit(main())"
    program = [sys.executable, "-c", "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); " + start]
    unmeasured = dict.fromkeys((name for name in machine.environ if name.startswith("COVERAGE")), "")  # or the module would be measured too
    done = machine.run_program([*program, "--version"], unmeasured)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
