"""``alicred plan``: what a refresh policy does with one value, drawn."""

from __future__ import annotations

import argparse
from datetime import timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alicred._internal.text import code
from alicred.cli.spans import number, positive_span, share, shown, span, whole
from alicred.cli.terminal import Terminal
from alicred.errors import ConfigurationError

if TYPE_CHECKING:
    from alicred.cli.plan import Plan
    from alicred.policy.refresh import RefreshPolicy
    from alicred.policy.window import Window

DESCRIPTION = """\
Draw what a refresh policy does with one value: when its refresh may begin, when callers wait for it, and how
long the value serves if the service is down from the first refresh on. What is not given is as in the default
policy. Nothing is sent. Spans are written 90s, 10m or 1h30m."""

_SIGNS = {"fresh": ("━", "="), "begin": ("░", "~"), "aging": ("▒", "-"), "urgent": ("▓", "!"), "grace": ("·", ".")}
_STYLES = {"fresh": "good", "begin": "warning", "aging": "warning", "urgent": "bad", "grace": "quiet"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What only this command takes."""
    group = parser.add_argument_group("the value and the policy")
    group.add_argument(
        "--lifetime", type=positive_span, metavar="SPAN", default=timedelta(hours=1), help="how long a value lives (default: 1h)"
    )
    window = group.add_mutually_exclusive_group()
    window.add_argument(
        "--ahead", type=_ahead, metavar="SPAN|PERCENT", help="how long before its end it is refreshed: 10m, or 25%% of the lifetime"
    )
    window.add_argument(
        "--tiers", type=_tiers, metavar="TIERS", help="the same by lifetimes: 20m:5m,90m:15m,1h is 5m up to 20m, 15m below 90m, else 1h"
    )
    group.add_argument("--at-most", type=span, metavar="SPAN", help="with --ahead PERCENT: no longer than this")
    group.add_argument("--jitter", type=share, metavar="SHARE", help="share of that, 0 to 1, by which the refresh is delayed at random")
    group.add_argument("--margin", type=span, metavar="SPAN", help="how long before the end callers begin to wait")
    group.add_argument("--max-age", type=positive_span, metavar="SPAN", help="refresh a value that is older, whatever its end")
    group.add_argument("--grace", type=span, metavar="SPAN", help="how long past its end a value may be served")
    group.add_argument("--backoff-initial", type=span, metavar="SPAN", help="pause after the first failed refresh")
    group.add_argument("--backoff-maximum", type=span, metavar="SPAN", help="longest pause after a failed refresh")
    parser.add_argument("--seed", type=whole, default=1, metavar="NUMBER", help="what the random draws are made from (default: 1)")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="draw it into this file too")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Draw it."""
    from alicred.cli.plan import Plan

    try:
        policy, written = _policy(options)
    except ConfigurationError as error:
        terminal.error(error)
        return 2
    plan = Plan.make(policy, options.lifetime, options.seed)
    if options.svg is not None:
        from alicred.cli.plan_svg import drawn

        try:
            options.svg.write_text(drawn(plan, terminal, written), "utf-8")
        except OSError as error:
            terminal.error(ConfigurationError(f"--svg: {options.svg} cannot be written: {error.strerror}"))
            return 2
    if terminal.json:
        terminal.say_json(plan.as_json())
    else:
        _draw(plan, terminal, written)
    return 0


# --- the policy ---------------------------------------------------------------------------------------------------------------------


def _policy(options: argparse.Namespace) -> tuple[RefreshPolicy, str]:
    """The policy, and the code that makes it."""
    import attrs

    from alicred.policy.refresh import USUAL_BACKOFF, RefreshPolicy

    named = {"ahead": _window(options), **{name: getattr(options, name) for name in ("jitter", "margin", "grace", "max_age")}}
    given: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    pauses = {name: value for name in ("initial", "maximum") if (value := getattr(options, f"backoff_{name}")) is not None}
    if pauses:
        given["failure_backoff"] = attrs.evolve(USUAL_BACKOFF, **pauses)
    return RefreshPolicy(**given), f"RefreshPolicy({', '.join(f'{name}={code(value)}' for name, value in given.items())})"


def _window(options: argparse.Namespace) -> Window | None:
    from alicred.policy.window import FixedWindow, FractionWindow, TieredWindow

    if options.at_most is not None and not isinstance(options.ahead, float):
        raise ConfigurationError("--at-most limits a share of the lifetime. Give --ahead in percent too, such as --ahead 25%")
    if options.tiers is not None:
        return TieredWindow(*options.tiers)
    if isinstance(options.ahead, float):
        return FractionWindow(options.ahead) if options.at_most is None else FractionWindow(options.ahead, options.at_most)
    return None if options.ahead is None else FixedWindow(options.ahead)


def _ahead(text: str) -> timedelta | float:
    if not text.endswith("%"):
        return span(text)
    percent = number(text[:-1])
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no part of a lifetime: write a fraction of it from 0% to 100%")
    return percent / 100


def _tiers(text: str) -> tuple[tuple[tuple[timedelta, timedelta], ...], timedelta]:
    *pairs, beyond = text.split(",")
    tiers = [pair.split(":") for pair in pairs]
    if any(len(pair) != 2 for pair in tiers):
        raise argparse.ArgumentTypeError("write LIFETIME:SPAN for each tier and SPAN for what lives longer, such as 20m:5m,90m:15m,1h")
    spans = tuple((span(lifetime), span(window)) for lifetime, window in tiers)
    lifetimes = [lifetime for lifetime, _ in spans]
    if lifetimes != sorted(set(lifetimes)):
        raise argparse.ArgumentTypeError("write the tiers in the order of their lifetimes, each once, such as 20m:5m,90m:15m,1h")
    return spans, span(beyond)


# --- the picture --------------------------------------------------------------------------------------------------------------------


def _draw(plan: Plan, terminal: Terminal, written: str) -> None:
    from alicred.cli.plan import title

    width = min((terminal.width or 80) - 2, 100)
    terminal.paragraph(terminal.styled(title(plan, terminal), "strong"))
    terminal.paragraph(terminal.styled(written, "quiet"))
    terminal.say("")
    _life(plan, terminal, width)
    terminal.say("")
    _outage(plan, terminal, width)


def _life(plan: Plan, terminal: Terminal, width: int) -> None:
    from alicred.cli.plan import legend

    ascii_only = terminal.ascii_only
    phases = list(plan.phases())
    sizes = _sizes([(end - begin) / plan.dead for _, begin, end in phases], width)
    bar = [(_SIGNS[name][ascii_only] * size, _STYLES[name]) for (name, _, _), size in zip(phases, sizes, strict=True)]
    terminal.say("".join(terminal.styled(text, style) for text, style in bar))
    _ends(shown(plan.fetched), shown(plan.dead), terminal, width)
    lines = legend(plan, terminal)
    margin = max(len(shown(at)) for _, at, _ in lines)
    for name, at, words in lines:
        sign = terminal.styled(_SIGNS[name][ascii_only] * 2, _STYLES[name]) if name else "  "
        terminal.paragraph(words, first=f"  {sign} {shown(at):>{margin}}  ")


def _outage(plan: Plan, terminal: Terminal, width: int) -> None:
    from alicred.cli.plan import outage

    heading, *rest = outage(plan, terminal)
    terminal.paragraph(terminal.styled(heading, "strong"))
    if not rest:
        return
    terminal.say("")
    sign, line, further = ("x", ".", "~") if terminal.ascii_only else ("✗", "·", "…")
    places = {min(width - 1, int((at - plan.first_attempt) / plan.served_for * width)) for at in plan.attempts}
    beyond = max(places) if plan.is_cut else width  # from there on nothing is known
    marks = [sign if place in places else further if place > beyond else line for place in range(width)]
    terminal.say("".join(terminal.styled(mark, "bad" if mark == sign else "quiet") for mark in marks))
    _ends(shown(plan.first_attempt), shown(plan.dead), terminal, width)
    for text in rest:
        terminal.paragraph(text)
    moments = [(moment, len(list(same))) for moment, same in groupby(map(shown, plan.attempts))]
    told = [
        moment if count == 1 else terminal.text("{moment} ({count} times)", moment=moment, count=count) for moment, count in moments[:12]
    ]
    if plan.is_cut or len(moments) > len(told):
        told.append("..." if terminal.ascii_only else "…")
    terminal.paragraph(", ".join(told), first=f"{sign} ")


def _ends(left: str, right: str, terminal: Terminal, width: int) -> None:
    terminal.say(terminal.styled(left + " " * max(1, width - len(left) - len(right)) + right, "quiet"))


def _sizes(shares: list[float], width: int) -> list[int]:
    """*width* columns divided by *shares*, which make one; each gets a column at least, at the expense of the largest one."""
    sizes = [max(1, round(share * width)) for share in shares]
    largest = sizes.index(max(sizes))
    sizes[largest] += width - sum(sizes)
    return sizes
