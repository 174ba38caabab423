"""The command ``alicred``: takes the command line apart and runs one command of it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import NoReturn, Protocol, TypeVar, cast

from alicred.cli.terminal import Terminal, hint, say
from alicred.errors import AlicredError

T = TypeVar("T")

# What each command does, for the list of them. Each is a module of `alicred.cli.commands`, loaded when it is asked for: a `Command`.
COMMANDS = {
    "whoami": "show which identity a program gets here, from where, and until when",
    "explain": "show what each source of the default chain says, and which one is used",
    "get": "print the credential, for a shell, another tool or a file",
    "exec": "run a program with the credential in its environment",
    "completion": "print a script that lets a shell complete commands and options",
    "profiles": "list the profiles of both files, and what is wrong with them",
    "login": "log in with a browser, for an OAuth or a CloudSSO profile",
    "plan": "draw what a refresh policy does with one value",
    "cloud": "run a cloud on this machine, for trying things out and for tests in other languages",
    "demo": "show a worker pool kept in fresh credentials, against a cloud on this machine",
}

EXIT_CODES = """\
exit codes:
  0    it worked
  1    there is no credential: nothing is set up, or a setting or an answer is wrong
  2    the command line is wrong
  3    the service refused: no permission, no such role, a wrong key
  4    the service could not be reached, or is too busy
  130  interrupted"""


class Command(Protocol):
    """What a module of a command has."""

    DESCRIPTION: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what only this command takes to *parser*, which has the options of all commands already."""
        ...

    def run(self, options: argparse.Namespace, terminal: Terminal) -> int:
        """Run it; the exit code. An `AlicredError` may go on to `main`, which tells it and chooses the code."""
        ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the answer is the exit status.

    Args:
        arguments: What stands behind the program's name; ``None`` means the process's own.
    """
    try:
        return _run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of the output has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 1
    except OSError as error:  # a disk that is full, an output that is closed
        hint(f"alicred: {error.filename or 'the output'} cannot be written: {error.strerror}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that nothing is tried again at the exit
        return 1


def _run(given: Sequence[str]) -> int:
    name = _command_in(given)
    if name == "help":
        words = given[given.index(name) + 1 :]
        name = _command_in(words)
        given = ["--help"] if name is None else [name, "--help"]
    parser, described = parsers(name)
    if name is not None and name not in COMMANDS:
        parser.error(_no_command(name))
    options, unknown = parser.parse_known_args(given)
    if unknown:
        (described or parser).error(f"unrecognized arguments: {' '.join(unknown)}")
    terminal = Terminal.of(options)
    if options.verbose:
        _log_to_stderr()
    try:
        return _command(options.command).run(options, terminal)
    except AlicredError as error:
        terminal.error(error)
        return exit_code(error)


def exit_code(error: AlicredError) -> int:
    """The exit code for *error*."""
    from alicred.errors import ChainError, DeniedError, is_transient

    if isinstance(error, ChainError):
        codes = {exit_code(report.error) for report in error.reports if report.error is not None}
        return next((code for code in (3, 4) if code in codes), 1)
    return 3 if isinstance(error, DeniedError) else 4 if is_transient(error) else 1


def _no_command(name: str) -> str:
    """What is said of a command *name* that there is not."""
    from difflib import get_close_matches

    close = get_close_matches(name, [*COMMANDS, "help"], 1)
    return f"there is no command {name!r}" + (f": did you mean {close[0]}?" if close else "")


def _command_in(given: Sequence[str]) -> str | None:
    """The name of the command in the words *given*, which may stand behind options of all commands."""
    words = iter(given)
    for word in words:
        if word in ("--profile", "--role-arn", "--region"):
            next(words, None)
        elif not word.startswith("-"):
            return word
    return None


class _Parser(argparse.ArgumentParser):
    """One that says in one line what is wrong with a command line, and where to read more."""

    def error(self, message: str) -> NoReturn:
        """Say so, and exit."""
        end = "" if message.endswith("?") else "."
        hint(f"{self.prog}: {message}{end} See `{self.prog} --help`")
        self.exit(2)

    def print_help(self, file: object = None) -> None:
        """Print the help to the output, and fail if that cannot be written: argparse itself would keep still about it."""
        say(self.format_help().rstrip("\n"))


class _Help(argparse.RawDescriptionHelpFormatter):
    """Shows a description as it is written, if the terminal has lines as long.

    It knows their length: what argparse looks it up with takes longer to load than all of this.
    """

    def __init__(self, prog: str) -> None:
        columns = os.environ.get("COLUMNS", "")
        try:
            width = int(columns) if columns.isdigit() else os.get_terminal_size(1).columns
        except OSError:
            width = 80
        super().__init__(prog, width=max(width, 40) - 2)

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        lines = super()._fill_text(text, width, indent)
        if max(map(len, lines.splitlines())) <= width:
            return lines
        from alicred.cli.layout import refilled

        return refilled(text, width)


class _Version(argparse.Action):
    """Prints the version, which takes a while to find out."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from alicred._internal.version import __version__

        say(f"alicred {__version__}")
        parser.exit()


def _command(name: str) -> Command:
    return cast("Command", import_module(f"alicred.cli.commands.{name}"))  # each of them is one


def parsers(name: str | None) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser | None]:
    """A parser of every command, of which that of *name* knows its arguments; and that of the command *name*, if there is one."""
    general = _general(argparse.SUPPRESS)
    parser = _Parser(
        prog="alicred",
        description="Alibaba Cloud credentials: which one a program gets here, where from, until when, and why not.",
        epilog=EXIT_CODES,
        formatter_class=_Help,
        parents=[_general(None)],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", dest="command", required=True, metavar="COMMAND")
    described = None
    for each, summary in COMMANDS.items():
        if each != name:
            commands.add_parser(each, help=summary, add_help=False, formatter_class=_Help)
            continue
        command = _command(each)
        described = commands.add_parser(
            each, help=summary, description=command.DESCRIPTION, parents=[general], epilog=EXIT_CODES,
            formatter_class=_Help, allow_abbrev=False,
        )  # fmt: skip
        command.add_arguments(described)
    return parser, described


def _general(default: str | None) -> _Parser:
    """The options of all commands. Behind the command's name, *default* is ``SUPPRESS``, to keep what stood in front of it."""
    options = _Parser(add_help=False, formatter_class=_Help)
    group = options.add_argument_group("options of all commands")
    no = False if default is None else default
    group.add_argument(
        "--profile", type=_profile, metavar="NAME", default=default, help="the profile, in the CLI's file or the profile file"
    )
    group.add_argument("--role-arn", type=_role_arn, metavar="ARN", default=default, help="a RAM role to assume with what is found")
    group.add_argument("--region", type=_region, metavar="ID", default=default, help="the region whose STS is asked, such as cn-hangzhou")
    group.add_argument("--json", action="store_true", default=no, help="print JSON of a documented shape")
    group.add_argument("--verbose", action="store_true", default=no, help="print the log to stderr")
    group.add_argument("--no-color", action="store_true", default=no, help="print without colour (so does the variable NO_COLOR)")
    return options


def _profile(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty: give the name of a profile, or leave the option away")
    return text


def _role_arn(text: str) -> str:
    from alicred.wire.role_session import role_arn_text

    return checked(role_arn_text, text)


def _region(text: str) -> str:
    from alicred.wire.sts import regional_endpoint

    checked(partial(regional_endpoint, vpc=False), text)
    return text


def checked(check: Callable[[str, str], T], text: str) -> T:
    """What *check* makes of the value *text* of an option, in the words of the library if it is wrong."""
    try:
        return check("it", text)
    except AlicredError as error:
        raise argparse.ArgumentTypeError(error.message) from None


def _log_to_stderr() -> None:
    import logging

    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("alicred")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
