"""``alicred profiles``: the profiles of both files, and what is wrong with them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from alicred.cli.terminal import Terminal
from alicred.cli.wording import marked

if TYPE_CHECKING:
    from alicred.cli.layout import Cell
    from alicred.cli.profile_files import FileReport, Problem, ProfileReport, Survey

DESCRIPTION = """\
List the profiles of the CLI's file and of the profile file, which of them a program gets, and what is wrong
with any of them. Nothing is sent, no program is run, and no secret is printed.

  alicred profiles         the list; ends with 0 whatever is in it
  alicred profiles check   the problems only; ends with 0 if there is none, else with 1"""

_HEADINGS = (marked("PROFILE"), marked("MODE"), marked("ROLE OR ACCOUNT"), marked("ACCESS KEY ID"), marked("STATE"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What only this command takes."""
    parser.add_argument("action", nargs="?", choices=["check"], metavar="check", help="only say what is wrong: for CI")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """List or check them."""
    import os

    from alicred.cli.identity import keep_log_quiet
    from alicred.cli.profile_files import survey

    keep_log_quiet(options)
    found = survey(os.environ, profile=options.profile)
    is_check = options.action == "check"
    if terminal.json:
        terminal.say_json(found.as_json())
    elif is_check:
        _check(found, terminal)
    else:
        _list(found, terminal)
    return 1 if is_check and found.problems else 0


def _list(found: Survey, terminal: Terminal) -> None:
    for file in found.files:
        _file(file, terminal)
    if found.problems:
        terminal.say(terminal.styled(terminal.text("Problems"), "strong"))
    for file, profile, problem in found.problems:
        _problem(problem, profile.name if profile is not None else file.path, terminal)
    if found.variables:
        names = ", ".join(found.variables)
        terminal.hint(terminal.text("A program takes its credential from variables before it looks into a file: {names}", names=names))


def _file(file: FileReport, terminal: Terminal) -> None:
    title = terminal.text("The CLI's file") if file.kind == "cli" else terminal.text("The profile file")
    mode = [] if file.permissions is None else [terminal.text("(mode {mode})", mode=file.octal)]
    terminal.paragraph(" ".join([terminal.styled(title, "strong"), "", file.path, *mode]).rstrip())
    if file.profiles:
        terminal.table(list(map(terminal.text, _HEADINGS)), [_row(profile, terminal) for profile in file.profiles])
    if file.path and not file.exists and not file.problems:
        terminal.paragraph(terminal.text("There is no such file."))
    elif file.note:
        terminal.paragraph(file.note)
    terminal.say("")


def _row(profile: ProfileReport, terminal: Terminal) -> list[Cell]:
    from alicred.cli.layout import Styled

    state: Cell
    if profile.problems:
        state = Styled(terminal.text("broken") if not profile.is_used else terminal.text("used, broken"), "bad")
    elif profile.is_used:
        state = Styled(terminal.text("used"), "good")
    elif profile.note:
        state = Styled(terminal.text(profile.note), "quiet")
    else:
        state = terminal.text("current") if profile.is_current else ""
    role = profile.role_arn or profile.role_name or profile.account_id or ""
    return [profile.name, profile.mode or "?", role, profile.access_key_id or "", state]


def _check(found: Survey, terminal: Terminal) -> None:
    for file, profile, problem in found.problems:
        _problem(problem, file.path if profile is None else f"{file.path}: {profile.name}", terminal)
    if found.problems:
        terminal.hint(terminal.text("Problems: {count}", count=len(found.problems)))
    else:
        files = sum(file.exists for file in found.files)
        profiles = sum(len(file.profiles) for file in found.files)
        terminal.say(terminal.text("All is well. Files: {files}, profiles: {profiles}", files=files, profiles=profiles))


def _problem(problem: Problem, where: str, terminal: Terminal) -> None:
    text = terminal.text(problem.text.english, **problem.text.values)
    terminal.paragraph(terminal.styled(f"{where}: ", "bad") + text, then="  ")
    if problem.remedy is not None:
        terminal.paragraph(terminal.text(problem.remedy.english, **problem.remedy.values), first="  ")
