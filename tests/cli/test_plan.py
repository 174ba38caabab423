"""``alicred plan``: what a policy does with one value, in figures, as text and as a picture."""

from __future__ import annotations

import argparse
import random
import xml.etree.ElementTree as ET
from datetime import timedelta

import pytest

from alicred import Backoff, FixedWindow, FractionWindow, RefreshPolicy, TieredWindow
from alicred.cli.spans import shown, span
from tests.cli.commands import Shell

SPANS = [
    ("90s", 90, "1m30s"),
    ("10m", 600, "10m"),
    ("1h30m", 5400, "1h30m"),
    ("0s", 0, "0s"),
    ("250ms", 0.25, "250ms"),
    ("1.5s", 1.5, "1.5s"),
    ("2d", 172800, "2d"),
    ("1h0.4s", 3600.4, "1h"),
]


@pytest.mark.parametrize(("text", "seconds", "again"), SPANS)
def test_a_span_is_read_and_shown(text: str, seconds: float, again: str) -> None:
    assert span(text) == timedelta(seconds=seconds)
    assert shown(span(text)) == again


@pytest.mark.parametrize("text", ["", "90", "-5s", "5 s", "1y", "s", "1h30", "99999999d", "1e3s", "٣s"])
def test_what_is_no_span_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"90s, 10m or 1h30m|100 years"):
        span(text)


HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
POLICIES = [
    ([], RefreshPolicy(), HOUR),
    (["--lifetime", "15m"], RefreshPolicy(), 15 * MINUTE),
    (["--ahead", "10m", "--jitter", "0"], RefreshPolicy(ahead=FixedWindow(10 * MINUTE), jitter=0), HOUR),
    (["--ahead", "50%", "--at-most", "20m"], RefreshPolicy(ahead=FractionWindow(0.5, 20 * MINUTE)), HOUR),
    (["--ahead", "50%"], RefreshPolicy(ahead=FractionWindow(0.5)), HOUR),
    (
        ["--tiers", "20m:5m,90m:15m,1h", "--lifetime", "12h"],
        RefreshPolicy(ahead=TieredWindow(((20 * MINUTE, 5 * MINUTE), (90 * MINUTE, 15 * MINUTE)), HOUR)),
        12 * HOUR,
    ),
    (["--margin", "2m", "--grace", "30m"], RefreshPolicy(margin=2 * MINUTE, grace=30 * MINUTE), HOUR),
    (["--max-age", "5m"], RefreshPolicy(max_age=5 * MINUTE), HOUR),
    (
        ["--backoff-initial", "5s", "--backoff-maximum", "2m"],
        RefreshPolicy(failure_backoff=Backoff(initial=5 * SECOND, maximum=2 * MINUTE)),
        HOUR,
    ),
]


@pytest.mark.parametrize(("arguments", "policy", "lifetime"), POLICIES, ids=[" ".join(arguments) for arguments, *_ in POLICIES])
def test_the_figures_are_those_of_the_policy(arguments: list[str], policy: RefreshPolicy, lifetime: timedelta, shell: Shell) -> None:
    plan = shell("plan", "--json", "--seed", "7", *arguments).json
    draw = random.Random(7).random
    schedule = policy.schedule(lifetime, draw())
    assert schedule.refresh_after is not None
    assert schedule.dead_after is not None
    expected, at = [], schedule.refresh_after
    while at < schedule.dead_after:
        expected.append(round(at.total_seconds(), 3))
        at += policy.failure_backoff.delay(len(expected), draw())
    assert plan["outage"]["attempts"] == expected
    assert plan["outage"]["served_for"] == round((schedule.dead_after - schedule.refresh_after).total_seconds(), 3)
    earliest, latest = policy.schedule(lifetime, 0.0), policy.schedule(lifetime, 1 - 1e-12)
    for name, moment in [("earliest", earliest.refresh_after), ("latest", latest.refresh_after)]:
        assert moment is not None
        assert plan["refresh"][name] == round(moment.total_seconds(), 3)
    assert plan["expires"] == plan["lifetime"] == lifetime.total_seconds()
    assert plan["dead"] == schedule.dead_after.total_seconds()


def test_the_picture_has_the_figures_and_a_bar_of_the_right_shares(shell: Shell) -> None:
    done = shell("plan", "--ahead", "10m", "--margin", "1m")
    assert done.code == 0
    assert "RefreshPolicy(ahead=FixedWindow(span=timedelta(minutes=10)), margin=timedelta(minutes=1))" in done.out
    bar = next(line for line in done.out.splitlines() if line.startswith("━"))
    assert len(bar) == 78
    assert {sign: bar.count(sign) for sign in "━░▒▓"} == {"━": 65, "░": 3, "▒": 9, "▓": 1}
    assert "52m" in done.out
    assert "The value is served for 9m44s more. Callers get an error from 1h on." in done.out
    attempts = next(line for line in done.out.splitlines() if line.startswith("✗✗"))
    assert len(attempts) == 78


def test_the_code_makes_the_policy_that_is_shown(shell: Shell) -> None:
    from alicred.cli.commands import plan as command

    for arguments, policy, _ in POLICIES:
        parser = argparse.ArgumentParser()
        command.add_arguments(parser)
        made, code = command._policy(parser.parse_args(arguments))
        assert made == policy
        assert eval(code) == policy  # RefreshPolicy, timedelta and the windows are imported above


def test_an_endless_row_of_attempts_is_cut(shell: Shell) -> None:
    arguments = ["plan", "--backoff-initial", "0s", "--backoff-maximum", "0s"]
    plan = shell(*arguments, "--json").json
    assert len(plan["outage"]["attempts"]) == 1000
    assert plan["outage"]["more_attempts"] is True
    assert "1000+" in shell(*arguments).out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--ahead", "10m", "--at-most", "5m"], "--at-most"),
        (["--backoff-initial", "2m"], "maximum"),
        (["--svg", "/no/such/folder/plan.svg"], "--svg"),
    ],
)
def test_a_policy_that_cannot_be_is_a_wrong_command_line(arguments: list[str], text: str, shell: Shell) -> None:
    done = shell("plan", *arguments)
    assert done.code == 2
    assert text in done.err
    assert done.out == ""


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--ahead", "soon"], "90s, 10m or 1h30m"),
        (["--ahead", "abc%"], "'abc' is no number"),
        (["--ahead", "150%"], "from 0% to 100%"),
        (["--ahead", "nan%"], "is no number"),
        (["--lifetime", "0s"], "longer than zero"),
        (["--jitter", "2"], "from 0 to 1"),
        (["--jitter", "x"], "is no number"),
        (["--seed", "x"], "is no whole number"),
        (["--tiers", "5m:1m:2m,3m"], "write LIFETIME:SPAN"),
        (["--tiers", "90m:5m,20m:5m,1h"], "order of their lifetimes"),
        (["--ahead", "5m", "--tiers", "1h"], "not allowed"),
    ],
)
def test_a_wrong_value_is_a_wrong_command_line_and_told_in_words(
    arguments: list[str], text: str, shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        shell("plan", *arguments)
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert text in said
    assert "datetime" not in said
    assert "invalid" not in said


def test_attempts_that_are_shown_as_one_moment_are_listed_once(shell: Shell) -> None:
    for language, said in [
        ("en_US.UTF-8", "45m24s (621 times), 45m25s (379 times), …"),
        ("zh_CN.UTF-8", "45m24s（621 次）, 45m25s（379 次）, …"),
    ]:
        done = shell("plan", "--backoff-initial", "1ms", "--backoff-maximum", "1ms", LANG=language)
        assert done.out.splitlines()[-1] == f"✗ {said}"
        assert "✗" + "…" * 77 in done.out.splitlines()
    done = shell("plan", "--backoff-initial", "1ms", "--backoff-maximum", "1ms", LANG="C")
    assert done.out.splitlines()[-1] == "x 45m24s (621 times), 45m25s (379 times), ..."
    assert "x" + "~" * 77 in done.out.splitlines()


@pytest.mark.parametrize("language", ["en_US.UTF-8", "zh_CN.UTF-8"])
def test_the_svg_is_well_formed_and_has_every_phase_and_attempt(language: str, shell: Shell) -> None:
    path = shell.home / "plan.svg"
    arguments = ["plan", "--grace", "10m", "--margin", "2m", "--svg", str(path)]
    count = len(shell(*arguments, "--json", LANG=language).json["outage"]["attempts"])
    root = ET.fromstring(path.read_text("utf-8"))
    kinds = [element.get("class") for element in root.iter()]
    assert kinds.count("attempt") == count
    for phase in ("fresh", "begin", "aging", "urgent", "grace"):
        assert kinds.count(phase) == 2  # in the bar, and beside its meaning
    texts = [element.text or "" for element in root.iter() if element.tag.endswith("text")]
    assert any(text.startswith("RefreshPolicy(margin=timedelta(minutes=2)") for text in texts)
    assert all(0 <= float(element.get("x", "0")) <= 860 for element in root.iter())


ODD = [
    "--ahead 0s",
    "--ahead 0s --margin 0s --jitter 0",
    "--lifetime 1ms",
    "--lifetime 36525d --grace 36525d",
    "--lifetime 36525d --backoff-maximum 36525d",
    "--ahead 100% --jitter 1",
    "--max-age 1ms",
    "--lifetime 1s --margin 5s",
    "--ahead 50% --grace 30m --max-age 59m",
]


@pytest.mark.parametrize("arguments", ODD)
@pytest.mark.parametrize("width", ["20", "40", "200"])
def test_every_policy_can_be_drawn_at_every_width(arguments: str, width: str, shell: Shell) -> None:
    path = shell.home / "plan.svg"
    done = shell("plan", *arguments.split(), "--svg", str(path), COLUMNS=width)
    assert done.code == 0
    bars = [line for line in done.out.splitlines() if line and set(line) <= set("━░▒▓·✗")]
    assert {len(bar) for bar in bars} == {78}  # piped, so of one width
    ET.fromstring(path.read_text("utf-8"))
    assert shell("plan", *arguments.split(), "--json").json["outage"]["served_for"] >= 0


def test_a_value_that_is_not_refreshed_ahead_is_said_to_be_so(shell: Shell) -> None:
    assert "It is not refreshed ahead: from 1h on callers wait" in shell("plan", "--ahead", "0s").out
