"""``alicred cloud``: the fake cloud as a program."""

from __future__ import annotations

import argparse
from datetime import timedelta
from typing import TYPE_CHECKING

from alicred.cli.spans import positive_span, share, span, whole
from alicred.cli.terminal import Terminal
from alicred.errors import ConfigurationError

if TYPE_CHECKING:
    from alicred.testing import FakeCloud

DESCRIPTION = """\
Run a cloud on this machine that checks signatures as the real one does: STS, the metadata service and a
credentials URI, on 127.0.0.1. It prints the variables that lead a program to it, and serves until it is
interrupted, or until its standard input closes if that is a pipe. Or it runs a program that has them:

  alicred cloud > cloud.env &            . cloud.env in another shell
  alicred cloud --session 10m -- pytest  the exit code is that of the program

The access key that it prints is made for this run and is worth nothing anywhere else, so it is printed
without being asked for."""

_HOUR = timedelta(hours=1)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What only this command takes."""
    parser.add_argument("--port", type=whole, default=0, metavar="NUMBER", help="the port for http (default: any free one)")
    parser.add_argument(
        "--session", type=positive_span, default=_HOUR, metavar="SPAN", help="how long sessions last, such as 10m (default: 1h)"
    )
    parser.add_argument("--role", metavar="NAME", help="the name of the role that any key may assume (default: test-role)")
    group = parser.add_argument_group("what goes wrong")
    group.add_argument("--throttle", type=share, default=0.0, metavar="SHARE", help="share of the requests that are throttled, 0 to 1")
    group.add_argument("--errors", type=share, default=0.0, metavar="SHARE", help="share of the requests that are answered with 503")
    group.add_argument("--latency", type=span, metavar="SPAN", help="how late every answer comes, such as 200ms")
    group.add_argument("--seed", type=whole, default=1, metavar="NUMBER", help="what the random draws are made from (default: 1)")
    parser.add_argument("program", nargs=argparse.REMAINDER, metavar="-- PROGRAM", help="run this with the variables, and end with it")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Serve, or run the program."""
    program = options.program[1:] if options.program[:1] == ["--"] else options.program
    try:
        cloud, role_arn = _cloud(options)
        if program:
            return _run(program, cloud, role_arn, terminal)
        cloud.start()
    except ConfigurationError as error:
        terminal.error(error)
        return 2
    from alicred.cli.cloud import End, variables

    with cloud:
        end = End()
        _print(variables(cloud, role_arn), cloud, terminal)
        end.wait()
        terminal.hint(terminal.text("{count} requests, {rejected} of them rejected", count=cloud.count(), rejected=len(cloud.rejected)))
    return 0


def _run(program: list[str], cloud: FakeCloud, role_arn: str, terminal: Terminal) -> int:
    """Run *program* with the variables of *cloud*; its exit code.

    Raises:
        ConfigurationError: The port is in use.
    """
    import os

    from alicred.cli.child import hold_signals, run_child
    from alicred.cli.cloud import variables
    from alicred.cli.variables import with_key

    mask = hold_signals()
    with cloud:
        try:
            return run_child(program, with_key(os.environ, cloud.access_key) | variables(cloud, role_arn), mask)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            terminal.hint(f"alicred cloud: {program[0]!r} cannot be run: {reason}. Correct its name, or PATH")
            return 127 if isinstance(error, FileNotFoundError) else 126  # as shells have it


def _cloud(options: argparse.Namespace) -> tuple[FakeCloud, str]:
    """The cloud, not yet running, and the ARN of its role."""
    from alicred.cli.cloud import Sometimes
    from alicred.testing import FakeCloud, faults

    cloud = FakeCloud(session=options.session, port=options.port)
    role_arn = cloud.role_arn
    if options.role is not None:
        role_arn = cloud.add_role(options.role)
        cloud.attach_instance_role(options.role)
    if options.throttle + options.errors > 1:
        raise ConfigurationError("--throttle and --errors are shares of the same requests: together they must be 1 at most")
    if options.throttle or options.errors:
        cloud.inject(Sometimes(options.throttle, options.errors, options.seed), times=None)
    if options.latency:
        cloud.inject(faults.Latency(options.latency), times=None)
    return cloud, role_arn


def _print(found: dict[str, str], cloud: FakeCloud, terminal: Terminal) -> None:
    services = {"metadata": cloud.imds_endpoint, "credentials_uri": f"{cloud.http_endpoint}/credentials", "https": cloud.endpoint}
    if terminal.json:
        terminal.say_json({"variables": found, **services, "ca_file": cloud.ca_file})
        return
    import shlex

    terminal.say(
        "\n".join(["unset ALIBABA_CLOUD_SECURITY_TOKEN", *(f"export {name}={shlex.quote(value)}" for name, value in found.items())])
    )
    terminal.hint(terminal.text("metadata service: {url}", url=services["metadata"]))
    terminal.hint(terminal.text("credentials URI: {url}", url=services["credentials_uri"]))
