"""Spans of time as they are written on a command line, ``90s``, ``10m``, ``1h30m``, and numbers."""

from __future__ import annotations

import argparse
import math
import re
from datetime import timedelta

_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}  # in milliseconds
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[dhms])")
_SPAN = re.compile(rf"(?:{_PART.pattern})+")


def span(text: str) -> timedelta:
    """The span that *text* says, for an argument of a command.

    Raises:
        ArgumentTypeError: It says none, or one of more than 100 years.
    """
    if not _SPAN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no span: write one such as 90s, 10m or 1h30m")
    milliseconds = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if milliseconds > 36_525 * _UNITS["d"]:
        raise argparse.ArgumentTypeError(f"{text!r} is longer than 100 years")
    return timedelta(milliseconds=milliseconds)


def positive_span(text: str) -> timedelta:
    """As `span`, for one that must not be zero."""
    found = span(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} must be longer than zero")
    return found


def number(text: str) -> float:
    """The number that *text* says, for an argument of a command.

    Raises:
        ArgumentTypeError: It says none.
    """
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise argparse.ArgumentTypeError(f"{text!r} is no number: write one such as 10 or 0.5")
    return found


def whole(text: str) -> int:
    """As `number`, for a whole one."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number: write one such as 10") from None


def share(text: str) -> float:
    """As `number`, for one from 0 to 1."""
    found = number(text)
    if not 0 <= found <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no share: write a number from 0 to 1")
    return found


def shown(value: timedelta) -> str:
    """*value* as it is written on a command line: whole seconds, but for spans of less than ten."""
    milliseconds = round(value / timedelta(milliseconds=1))
    if milliseconds >= 10_000:
        milliseconds = 1000 * round(milliseconds / 1000)
    elif milliseconds >= 1000:
        milliseconds = 100 * round(milliseconds / 100)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    parts: list[str] = []
    for unit in "dhm":
        count, milliseconds = divmod(milliseconds, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join([*parts, f"{milliseconds / 1000:g}s"] if milliseconds else parts)
