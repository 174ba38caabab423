"""``alicred get``: the credential, for a shell, another tool or a file."""

from __future__ import annotations

import argparse
import os

from alicred.cli.formats import FORMATS, SHELLS, shell
from alicred.cli.identity import fetched
from alicred.cli.terminal import Terminal
from alicred.cli.variables import shadowing

DESCRIPTION = """\
Print the credential that a program gets here: into a pipe or a file. To a terminal it is printed with --show only.

  creds=$(alicred get) && eval "$creds"           set the variables in this shell
  alicred get --shell fish | source               the same in fish
  alicred get --format docker > job.env           for docker run --env-file job.env

formats:
  env       commands that set the variables in a shell; see --shell
  json      as a credentials URI answers
  external  as the aliyun command line tool wants it from a process_command
  ini       a section of ~/.alibabacloud/credentials
  dotenv    lines of a .env file
  docker    lines for docker run --env-file"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What only this command takes."""
    parser.add_argument("--format", choices=("env", *FORMATS), help="the form (default: env; with --json: json)")
    parser.add_argument("--shell", choices=SHELLS, help="the shell for which --format env quotes (default: sh, any POSIX shell)")
    parser.add_argument("--show", action="store_true", help="print the secrets to a terminal too")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Print it."""
    chosen = options.format or ("json" if options.json else "env")
    if options.json and chosen != "json":
        return terminal.usage("get", terminal.text("--json and --format {format} cannot both be followed: leave one away", format=chosen))
    if options.shell is not None and chosen != "env":
        return terminal.usage("get", terminal.text("--shell is for --format env; leave it away for {format}", format=chosen))
    if terminal.is_terminal and not options.show:
        text = terminal.text("secrets are not printed to a terminal: send the output to a program or a file, or add --show")
        return terminal.usage("get", text)
    held = fetched(options)
    if chosen == "env":
        terminal.say(shell(held, options.shell or "sh", shadowing(os.environ, held)))
    else:
        terminal.say(FORMATS[chosen](held))
    return 0
