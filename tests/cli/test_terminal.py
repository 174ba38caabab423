"""What is printed, and how: on terminals of any width, with colour and without, in ASCII, and with rich or without it."""

from __future__ import annotations

import argparse
import io
import re
import sys
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given

from alicred.cli.layout import Node, Styled, columns, padded, refilled, wrapped
from alicred.cli.main import COMMANDS, main
from alicred.cli.terminal import Terminal, is_chinese
from alicred.errors import ConfigurationError
from tests.cli.programs import Machine

ARN = "acs:ram::1000000000000001:role/reports"


class Screen(io.TextIOWrapper):
    """A terminal, or a pipe, that keeps what was printed."""

    def __init__(self, encoding: str = "utf-8", *, is_pipe: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding)
        self._is_pipe = is_pipe

    def isatty(self) -> bool:
        return not self._is_pipe

    @property
    def lines(self) -> list[str]:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode(self.encoding).splitlines()


@pytest.fixture(params=["rich", "without rich"])
def rich(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Once with rich and once without it."""
    has_it = request.param == "rich"
    if not has_it:
        without_rich(monkeypatch)
    return has_it


def without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it not be there, although another test may have loaded it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)


def screen(monkeypatch: pytest.MonkeyPatch, width: int, **options: bool) -> tuple[Terminal, Screen]:
    monkeypatch.setenv("COLUMNS", str(width))
    shown = Screen()
    return Terminal(shown, Screen(), **options), shown


WIDTHS = [("abc", 3), ("中文", 4), ("e\N{COMBINING ACUTE ACCENT}", 1), ("\x1b[31mred\x1b[0m", 3), ("（权限）", 8), ("", 0)]


@pytest.mark.parametrize(("text", "width"), WIDTHS)
def test_a_text_takes_the_columns_that_a_terminal_gives_it(text: str, width: int) -> None:
    assert columns(text) == width
    assert columns(padded(text, 10)) == 10


@given(st.lists(st.text(st.sampled_from("ab中文，。 "), max_size=12), max_size=12).map(" ".join), st.integers(4, 30))
def test_a_wrapped_text_is_whole_and_no_line_is_longer_than_it_must_be(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)
    for line in lines:
        assert columns(line) <= width or len(re.findall(r"[a-z]+|[中文][，。]*|[，。]+", line)) == 1
        assert line == line.rstrip()


def test_without_a_limit_a_line_stays_one_line() -> None:
    assert wrapped("a " * 100 + "b\n\nc", None) == ["a " * 100 + "b", "", "c"]


HEADINGS = ["PROFILE", "MODE", "ROLE"]
ROWS = [["default", "AK", ""], ["reports", "ChainableRamRoleArn", Styled(ARN, "good")]]


def test_a_table_that_is_piped_is_plain_and_as_wide_as_it_is(rich: bool) -> None:
    shown = Screen(is_pipe=True)
    Terminal(shown, Screen()).table(HEADINGS, ROWS)
    assert shown.lines == ["PROFILE  MODE                 ROLE", "default  AK", f"reports  ChainableRamRoleArn  {ARN}"]


@pytest.mark.parametrize("width", [100, 68, 67, 60, 50, 40])
def test_a_table_fits_into_every_terminal_with_each_of_its_words(width: int, rich: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, shown = screen(monkeypatch, width)
    terminal.table(HEADINGS, ROWS)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in shown.lines]
    together = re.sub(r"\s", "", "".join(lines))
    for word in ("PROFILE", "default", "ChainableRamRoleArn"):
        assert word in together
    assert ARN in together if width >= 68 or width <= 40 or not rich else "role/reports" in together
    assert all(columns(line) <= width for line in lines if ARN not in line)
    if width >= 68:
        assert len(lines) == 3  # in a line each, with rich and without it


def test_chinese_headings_stand_above_their_columns() -> None:
    shown = Screen(is_pipe=True)
    Terminal(shown, Screen()).table(["配置", "模式"], [["default", "AK"], ["报表", "OIDC"]])
    assert shown.lines == ["配置     模式", "default  AK", "报表     OIDC"]


TREE = [Node("one", ["said of it"], [Node("under it", ["said of that"])]), Node(Styled("two", "bad"), ["a line that is too long for it"])]


def test_a_tree_goes_on_below_its_branches(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, shown = screen(monkeypatch, 24, color=False)
    terminal.tree(TREE)
    assert shown.lines == [
        "├── one",
        "│   │   said of it",
        "│   └── under it",
        "│       said of that",
        "└── two",
        "    a line that is too",
        "    long for it",
    ]


def test_a_terminal_that_knows_ascii_only_is_shown_ascii_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    for shown, ascii_only in ((Screen("ascii"), False), (Screen(), True)):
        Terminal(shown, Screen(), color=False, ascii_only=ascii_only).tree(TREE)
        assert shown.lines[:3] == ["|-- one", "|   |   said of it", "|   `-- under it"]
        assert "\n".join(shown.lines).isascii()
    assert not Terminal(Screen("ascii"), Screen(), chinese=True).chinese


LOCALES = [
    ({}, False, False),
    ({"LANG": "zh_CN.UTF-8"}, True, False),
    ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, False, False),
    ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_TW.UTF-8"}, True, False),
    ({"LC_ALL": "C"}, False, True),
    ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, False, True),
    ({"LANG": "POSIX"}, False, True),
    ({"LANG": "C.UTF-8"}, False, False),
]


@pytest.mark.parametrize(("environ", "chinese", "ascii_only"), LOCALES)
def test_the_locale_chooses_language_and_signs(environ: dict[str, str], chinese: bool, ascii_only: bool) -> None:
    assert is_chinese(environ) is chinese
    terminal = Terminal.of(argparse.Namespace(no_color=False, json=False), environ)
    assert terminal.ascii_only is ascii_only


COLOURS = [
    ({}, (), True),
    ({"NO_COLOR": "1"}, (), False),
    ({"NO_COLOR": ""}, (), True),
    ({"TERM": "dumb"}, (), False),
    ({}, ("--no-color",), False),
]


@pytest.mark.parametrize(("environ", "options", "coloured"), COLOURS)
def test_colour_is_for_terminals_that_want_it(environ: dict[str, str], options: tuple[str, ...], coloured: bool, machine: Machine) -> None:
    code, shown = machine.at_terminal("profiles", *options, environ={"TERM": "xterm", **environ})
    assert code == 0
    assert ("\x1b[" in shown) is coloured
    assert "\x1b" not in machine.run("profiles", *options, environ={"TERM": "xterm", **environ}).stdout


def test_progress_is_for_terminals(rich: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for errors, seen in ((Screen(), True), (Screen(is_pipe=True), False)):
        with Terminal(Screen(), errors).progress() as progress:
            progress("asking …")
        assert ("asking" in "".join(errors.lines)) is seen
    dumb = Screen()
    with Terminal(Screen(), dumb, color=False).progress() as progress:
        progress("asking …")
    assert dumb.lines == []


def test_an_error_is_told_in_lines_of_the_terminals_width(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    errors = Screen()
    Terminal(Screen(), errors).error(ConfigurationError("something is wrong here, so correct it"))
    assert errors.lines == ["alicred: something is wrong", "here, so correct it"]


@pytest.mark.parametrize(
    "command",
    ["--help", *(f"{name} --help" for name in COMMANDS), "whoami", "get", "plan --at-most 1h", "login", "whoami --region nowhere!"],
)
def test_on_a_narrow_terminal_no_line_is_longer_than_it_must_be(command: str, machine: Machine) -> None:
    _, shown = machine.at_terminal(*command.split(), environ={"COLUMNS": "40", "TERM": "dumb"})
    long = [line for line in shown.splitlines() if columns(line) > 40 and max(map(len, line.split())) < 30]
    ours = [line for line in long if not line.lstrip().startswith("[-") and not line.endswith(("{bash,zsh,fish}", "..."))]  # not argparse's
    assert [line for line in ours if not line.startswith(("  alicred ", "  creds="))] == []  # but for a command that is to be copied


def test_a_text_in_lines_is_filled_again_and_its_columns_stay() -> None:
    text = "one two\nthree four five\n\ncodes:\n  0    it worked well\n  a long command   of one\n"
    assert refilled(text, 14).splitlines() == [
        "one two three", "four five", "", "codes:", "  0    it", "       worked", "       well", "  a long command", "      of one",
    ]  # fmt: skip


def test_an_error_that_ends_the_work_begins_at_the_beginning_of_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    without_rich(monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
    errors = Screen()
    monkeypatch.setattr(Terminal, "of", lambda options: Terminal(Screen(), errors))
    assert main(["whoami", "--offline"]) == 1
    errors.flush()
    work, _, told = errors.buffer.getvalue().decode().rpartition("\r\x1b[K")  # type: ignore[attr-defined]
    assert "looking for" in work
    assert told.startswith("alicred: default: no source")
