"""``alicred completion``: a script for a shell."""

from __future__ import annotations

import argparse

from alicred.cli.terminal import Terminal

DESCRIPTION = """\
Print a script that lets a shell complete the commands and options of alicred.

  bash   in ~/.bashrc:                    eval "$(alicred completion bash)"
  zsh    in ~/.zshrc, behind compinit:    eval "$(alicred completion zsh)"
  fish   once:                            alicred completion fish > ~/.config/fish/completions/alicred.fish"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What only this command takes."""
    parser.add_argument("shell", choices=("bash", "zsh", "fish"), help="the shell")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Print it."""
    from alicred.cli.completion import SCRIPTS

    terminal.say(SCRIPTS[options.shell]().rstrip("\n"))
    return 0
