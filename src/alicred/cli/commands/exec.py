"""``alicred exec``: a program with the credential in its environment."""

from __future__ import annotations

import argparse
import os
import signal
from typing import NoReturn

from alicred.cli.identity import fetched, provider_of
from alicred.cli.terminal import Terminal
from alicred.cli.variables import with_key, with_uri

DESCRIPTION = """\
Run a program with the credential in its environment. Nothing else in there leads it to another identity: variables of other
credentials, profiles and roles are removed.

  alicred exec --profile reports -- terraform plan
  alicred exec --refresh -- python worker.py

The program takes the place of alicred, so its signals and its exit code are its own. With --refresh alicred stays, and answers
at an address of this machine that only the program is given, with a credential that is fresh for as long as the program runs."""

NOT_EXECUTABLE, NOT_FOUND = 126, 127  # as shells have it
NAME = "exec"  # of the credential, in the URI


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What only this command takes."""
    parser.add_argument("--refresh", action="store_true", help="give it a credentials URI instead, for programs that run for long")
    parser.add_argument("program", nargs=argparse.REMAINDER, metavar="-- PROGRAM [ARGUMENT ...]", help="what to run")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Run it. Does not return if the program takes alicred's place."""
    program = options.program[1:] if options.program[:1] == ["--"] else options.program
    if not program or not program[0]:
        text = terminal.text("there is no program to run: name one behind --, such as `alicred exec -- terraform plan`")
        return terminal.usage("exec", text)
    if options.refresh:
        return _stay(options, terminal, program)
    environ = with_key(os.environ, fetched(options))
    try:
        _become(program, environ)
    except (OSError, ValueError) as error:
        return _not_started(program[0], error, terminal)


def _become(program: list[str], environ: dict[str, str]) -> NoReturn:
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and a program would inherit that
        signal.signal(number, signal.SIG_DFL)
    os.execvpe(program[0], program, environ)  # noqa: S606  (what it is for)


def _not_started(name: str, error: OSError | ValueError, terminal: Terminal) -> int:
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        terminal.usage("exec", terminal.text("{program}: no such program. Correct its name, or PATH", program=repr(name)))
        return NOT_FOUND
    reason = error.strerror if isinstance(error, OSError) else str(error)
    text = terminal.text(
        "{program} cannot be run: {reason}. It must be a program that you may execute; a script needs a #! line",
        program=repr(name),
        reason=reason,
    )
    terminal.usage("exec", text)
    return NOT_EXECUTABLE


def _stay(options: argparse.Namespace, terminal: Terminal, program: list[str]) -> int:
    """Serve the credential for as long as *program* runs; its exit code, or 128 and the number of the signal that has ended it."""
    from alicred.cli.child import hold_signals, run_child
    from alicred.server.loopback import LoopbackServer, for_clients

    provider = provider_of(options, refresh=for_clients())
    credential = provider.get()
    if credential.security_token is None or credential.expires_at is None:
        text = terminal.text("--refresh is for temporary credentials whose end is known, and this is none. Leave --refresh away")
        return terminal.usage("exec", text)
    mask = hold_signals()
    with LoopbackServer({NAME: provider}) as server:
        try:
            return run_child(program, with_uri(os.environ, server.uri(NAME)), mask)
        except (OSError, ValueError) as error:
            return _not_started(program[0], error, terminal)
