"""Whether there is a browser, and opening it."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import pytest

from alicred.login import browser


@pytest.mark.parametrize(
    ("platform", "environ", "found"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"SSH_CONNECTION": "a 1 b 2"}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"BROWSER": "firefox"}, True),
        ("darwin", {}, True),
        ("win32", {}, True),
    ],
)
def test_a_browser_is_there_where_its_window_can_be_seen(
    platform: str, environ: dict[str, str], found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert browser.has_browser(environ) is found


URL = "http://127.0.0.1:1/?a=b&c=%20'\"$(touch x)"


@pytest.fixture
def recorder(tmp_path: Path) -> Path:
    """A program that writes down what it was started with, and prints."""
    program = tmp_path / "a browser"
    program.write_text(f'#!/bin/sh\nprintf "%s|" "$@" >"{tmp_path}/started"\necho out; echo err >&2\n')
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("pattern", "started"), [("{}", f"{URL}|"), ("{} %s", f"{URL}|"), ("{} --new %s x &", f"--new|{URL}|x|"), ("{}:other", f"{URL}|")]
)
def test_the_browser_that_the_variable_names_is_started_without_a_shell_and_prints_nothing(
    recorder: Path, pattern: str, started: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert browser.open_page(URL, {"BROWSER": pattern.format(shlex.quote(str(recorder)))})
    assert (recorder.parent / "started").read_text() == started
    assert capfd.readouterr() == ("", "")
    assert not (recorder.parent / "x").exists()


@pytest.mark.parametrize("name", ["/nowhere/browser", "false", "'"])
def test_a_browser_that_does_not_start_is_no_error(name: str) -> None:
    assert not browser.open_page(URL, {"BROWSER": name})


def test_one_that_runs_on_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(browser, "_AT_ONCE", 0.01)
    assert browser.open_page(URL, {"BROWSER": "sh -c 'exec sleep 30' %s"})
    running = browser._running.pop()
    running.kill()
    running.wait()


@pytest.mark.parametrize(("platform", "name"), [("darwin", "open"), ("win32", "rundll32"), ("linux", "xdg-open")])
def test_without_the_variable_it_is_the_one_of_the_system(platform: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(shutil, "which", lambda each: f"/usr/bin/{each}")
    command = browser._command(URL, {})
    assert command is not None
    assert (Path(command[0]).name, command[-1]) == (name, URL)
    monkeypatch.setattr(shutil, "which", lambda each: None)
    assert (browser._command(URL, {}) is None) is (platform == "linux")
