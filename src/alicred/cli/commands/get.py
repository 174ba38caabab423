"""``alicred get``: the credential, for a shell, another tool or a file."""

from __future__ import annotations

import argparse

from alicred.cli.identity import provider_of
from alicred.cli.terminal import Terminal

DESCRIPTION = "Print the credential that a program gets here."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What only this command takes."""
    parser.add_argument("--show", action="store_true", help="print the secrets to a terminal too")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Print it."""
    held = provider_of(options).get()
    terminal.say(held.access_key_id)
    return 0
