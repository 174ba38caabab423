"""The command: how it is split, and what it may be."""

from __future__ import annotations

import json
import os
import shlex
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred.errors import ConfigurationError
from alicred.sources._command_line import split
from alicred.sources.external_process import ExternalProcessProvider
from tests.sources.external_process.support import AK, GO, provider
from tests.wire.vectors import cases


@pytest.mark.parametrize("windows", [False, True], ids=["posix", "windows"])
@pytest.mark.parametrize("case", cases("process_command_split"), ids=lambda case: ascii(case["command"]))
def test_a_command_is_split_as_the_go_library_does(case: dict[str, Any], windows: bool) -> None:
    expected = case["windows" if windows else "posix"][GO]
    if "ok" in expected:
        assert split("command", case["command"], windows=windows) == expected["ok"]
        return
    with pytest.raises(ConfigurationError, match=r"^command ") as caught:
        split("command", case["command"], windows=windows)
    words = {"unclosed quote": "that is not closed", "trailing backslash": "ends with a backslash", "is empty": "is empty"}
    assert [text for reason, text in words.items() if reason in expected["error"] and text in str(caught.value)], str(caught.value)
    assert "tool" not in str(caught.value)


@pytest.mark.parametrize(
    ("command", "windows", "words"),
    [
        ("tool \\\n b", False, ["tool", "b"]),
        ("tool a\\\n", False, ["tool", "a"]),
        ("tool '\\' \"\\a\"", False, ["tool", "\\", "\\a"]),
        ("tool a''b", False, ["tool", "ab"]),
        ("tool a\x1cb\u3000c\u2003d", False, ["tool", "a\x1cb", "c", "d"]),
        ("tool 'it'\"'\"'s'", False, ["tool", "it's"]),
        ('tool \\"a b\\"', True, ["tool", '"a', 'b"']),
        ("tool '\\\"'", True, ["tool", '\\"']),
    ],
)
def test_odd_commands_are_split_too(command: str, windows: bool, words: list[str]) -> None:
    assert split("command", command, windows=windows) == words


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=1, max_size=4))
def test_what_is_quoted_comes_back(words: list[str]) -> None:
    words[0] += "x"
    assert split("command", shlex.join(words), windows=False) == words


@given(st.text("ab \\'\"\n$`", max_size=12))
def test_python_agrees_where_neither_a_line_nor_a_special_character_is_escaped(command: str) -> None:
    if any(special in command for special in ("\\\n", "\\$", "\\`")):
        return
    expected: list[str] | None
    try:
        expected = shlex.split(command)
    except ValueError:
        expected = None
    try:
        found = split("command", command, windows=False)
    except ConfigurationError:
        found = None
    assert found == (expected if expected and expected[0] else None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"command": ""}, "command is empty. Give the program and its arguments"),
        ({"command": []}, "command is empty"),
        ({"command": [" ", "planted"]}, "command is empty"),
        ({"command": ["", "planted"]}, "command is empty"),
        ({"command": "planted 'planted"}, "command has a quote (') that is not closed"),
        ({"command": "planted \\"}, "command ends with a backslash"),
        ({"command": b"planted"}, "command must be a string or a sequence of strings, not bytes"),
        ({"command": None}, "command must be a string or a sequence of strings, not NoneType"),
        ({"command": {"planted"}}, "command must be a string or a sequence of strings, not set"),
        ({"command": ["tool", 7]}, "command must hold nothing but strings"),
        ({"command": ["tool", "planted\0"]}, "command holds a NUL character"),
        ({"command": "tool planted\0"}, "command holds a NUL character"),
        ({"timeout": timedelta(0)}, "timeout must be a datetime.timedelta above zero and of at most a day"),
        ({"timeout": timedelta(days=1, seconds=1)}, "timeout must be a datetime.timedelta above zero and of at most a day"),
        ({"timeout": 60}, "timeout must be a datetime.timedelta"),
        ({"environ": "planted"}, "environ must be a Mapping or None"),
    ],
)
def test_a_bad_parameter_is_named_with_its_range(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ExternalProcessProvider(**{"command": "tool", **arguments})
    assert f"ExternalProcessProvider.{words}" in str(caught.value)
    assert "planted" not in str(caught.value)


def test_no_shell_takes_part(tmp_path: Path) -> None:
    code = f"import json, sys; print(json.dumps({{**{AK!r}, 'access_key_id': ' '.join(sys.argv[1:])}}))"
    made = provider(f"{shlex.quote(sys.executable)} -I -c {shlex.quote(code)} $HOME `id` * ';' > {tmp_path}/out & # x")
    assert made.get().access_key_id == f"$HOME `id` * ; > {tmp_path}/out & # x"
    assert list(tmp_path.iterdir()) == []


def test_a_tilde_is_the_home_directory() -> None:
    home = Path(os.environ["HOME"])
    (home / "get cred").write_text(f"#!/bin/sh\necho '{json.dumps(AK)}'\n")
    (home / "get cred").chmod(0o700)
    assert provider(["~/get cred"]).get().access_key_id == "id"
    assert provider("'~/get cred'").get().access_key_id == "id"
