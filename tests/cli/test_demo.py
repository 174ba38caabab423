"""The command line, and the demo that it shows."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest

from alicred import TransientError
from alicred.cli import demo, main, report
from alicred.cli.report import Session


def test_the_demo_shows_the_main_job_without_a_rejected_call() -> None:
    command = [sys.executable, "-m", "alicred", "demo", "--seconds", "4", "--threads", "6", "--tasks", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    rows = dict(re.findall(r"^  (\S.*?)  +(.*)$", done.stdout, re.MULTILINE))
    assert int(rows["calls made"]) > 20
    assert rows["calls rejected"] == rows["errors seen by callers"] == "0"
    assert int(rows["sessions used"]) >= 2
    assert re.fullmatch(r"\d+, of which \d+ met with trouble", rows["calls to STS"])
    assert re.search(r"^refreshes .*●", done.stdout, re.MULTILINE)
    assert done.stdout.count("━") > 20
    assert "secret" not in done.stdout.lower()


@pytest.mark.parametrize(
    "arguments",
    [[], ["dance"], ["demo", "--seconds", "0"], ["demo", "--seconds", "soon"], ["demo", "--threads", "-1"], ["demo", "--tasks", "1001"]],
)
def test_a_wrong_command_line_is_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main.main(arguments)
    assert caught.value.code == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"alicred.*: .*\. See `alicred.* --help`", said)


def test_without_the_client_the_demo_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda name: None)
    assert main.main(["demo"]) == 2
    assert "pip install alibabacloud_ocr20191230" in capsys.readouterr().out


def test_a_run_with_errors_says_so_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    watch = demo.Watch()
    wrapped = RuntimeError("wrapped by the client")
    wrapped.inner_exception = TransientError("the service is down", provider="default")  # type: ignore[attr-defined]
    watch.failed(wrapped)
    watch.count(lambda: 1 / 0)
    watch.count(lambda: None)
    with demo.FakeCloud() as cloud:
        assert demo.conclude(cloud, watch) == 1
    shown = capsys.readouterr().out
    assert re.search(r"errors seen by callers +2$", shown, re.MULTILINE)
    assert "1 x TransientError: default: the service is down" in shown
    assert "1 x ZeroDivisionError" in shown


SESSIONS = [Session(name="STS.a", begins=0.0, ends=6.0, calls=12), Session(name="STS.b", begins=4.0, ends=99.0, calls=3)]
SHOWN = report.timeline(SESSIONS, [(0.0, True), (4.0, False), (9.99, True)], [(5.0, "it breaks")], 10.0).splitlines()


def test_a_timeline_has_a_bar_for_each_session_and_a_mark_for_each_refresh() -> None:
    head, first, second, refreshes, trouble, legend = SHOWN
    assert head.startswith("session")
    assert (first.count("━"), second.count("━")) == (44, 44)
    assert second.index("━") - first.index("━") == 28
    assert first.endswith("12")
    assert [refreshes.count(mark) for mark in "●✗"] == [3, 2]  # the legend has one of each
    assert trouble.index("1") - first.index("━") == 36
    assert legend.strip() == "1: it breaks"


def test_a_terminal_that_knows_ascii_only_is_shown_ascii_only(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    report.say(report.timeline(SESSIONS, [(0.0, True)], [], 10.0))
    report.say("naïve")
    text = raw.getvalue().decode("ascii")
    assert "====" in text
    assert "na?ve" in text
