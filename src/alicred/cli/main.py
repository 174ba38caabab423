"""Takes the command line apart."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the answer is the exit status.

    Args:
        arguments: What stands behind the program's name; ``None`` means the process's own.
    """
    parser = argparse.ArgumentParser(prog="alicred", description="Alibaba Cloud credentials.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    demo = commands.add_parser(
        "demo",
        help="show a worker pool kept in fresh credentials, against a cloud on this machine",
        description="A worker pool calls the real OCR client through one provider, against a cloud on this machine that ends"
        " sessions after seconds and gets into trouble on the way. Nothing leaves the machine.",
    )
    demo.add_argument("--seconds", type=_positive, default=10.0, help="how long to run (default: 10)")
    demo.add_argument("--threads", type=_count, default=64, help="worker threads (default: 64)")
    demo.add_argument("--tasks", type=_count, default=8, help="asyncio tasks beside them (default: 8)")
    options = parser.parse_args(arguments)

    from alicred.cli.demo import run  # imported when it is asked for

    return run(seconds=options.seconds, threads=options.threads, tasks=options.tasks)


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number <= 3600:
        raise argparse.ArgumentTypeError("must be above 0 and at most 3600")
    return number


def _count(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 1000:
        raise argparse.ArgumentTypeError("must be from 0 to 1000")
    return number
