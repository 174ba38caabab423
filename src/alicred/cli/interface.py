"""The commands and their options as values, read from the parsers, for what is generated from them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import cast

import attrs

from alicred.cli.main import COMMANDS, parsers


@attrs.frozen(kw_only=True)
class Option:
    """One option.

    Args:
        names: How it is written, the short form first.
        value: What its value is called; empty if it has none.
        choices: What its value may be; empty if it may be anything.
        help: What it does, in one line.
    """

    names: tuple[str, ...]
    value: str
    choices: tuple[str, ...]
    help: str


@attrs.frozen(kw_only=True)
class Described:
    """One command, or the program itself: its own options, and what stands behind them.

    Args:
        name: The command; empty for the program.
        summary: What it does, in one line.
        description: What it does, in full.
        options: Its own options.
        general: The options of all commands, which it takes as well.
        words: What its first argument may be; empty if it has none, or it may be anything.
        runs: Whether its arguments are another program and that one's arguments.
    """

    name: str
    summary: str
    description: str
    options: tuple[Option, ...]
    general: tuple[Option, ...]
    words: tuple[str, ...]
    runs: bool


def general() -> Described:
    """The program: the options of all commands."""
    parser, _ = parsers(None)
    return _described("", "", parser, frozenset())


def commands() -> Iterator[Described]:
    """The commands, in their order."""
    of_all = frozenset(name for option in general().options for name in option.names) - {"-h", "--help"}
    for name, summary in COMMANDS.items():
        _, parser = parsers(name)
        if parser is not None:
            yield _described(name, summary, parser, of_all)


def _described(name: str, summary: str, parser: argparse.ArgumentParser, of_all: frozenset[str]) -> Described:
    # The documented interface of a parser does not say what it takes.
    actions = [each for each in cast("list[argparse.Action]", vars(parser)["_actions"]) if each.help != argparse.SUPPRESS]
    options = [_option(each) for each in actions if each.option_strings]
    positional = [each for each in actions if not each.option_strings and each.dest != "command"]
    return Described(
        name=name,
        summary=summary,
        description=parser.description or "",
        options=tuple(each for each in options if not of_all.intersection(each.names)),
        general=tuple(each for each in options if of_all.intersection(each.names)),
        words=tuple(map(str, positional[0].choices or ())) if positional else (),
        runs=any(each.nargs == argparse.REMAINDER for each in positional),
    )


def _option(action: argparse.Action) -> Option:
    value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper().replace("_", "-"))
    choices = tuple(map(str, action.choices or ()))
    return Option(names=tuple(action.option_strings), value=value, choices=choices, help=(action.help or "").replace("%%", "%"))
