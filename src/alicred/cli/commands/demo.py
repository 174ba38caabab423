"""``alicred demo``: a tour of the library."""

from __future__ import annotations

import argparse

from alicred.cli.spans import number, whole
from alicred.cli.terminal import Terminal

DESCRIPTION = """\
A worker pool calls the real OCR client through one provider, against a cloud on this machine that ends
sessions after seconds and gets into trouble on the way. Nothing leaves the machine."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What only this command takes."""
    parser.add_argument("--seconds", type=_positive, default=10.0, help="how long to run (default: 10)")
    parser.add_argument("--threads", type=_count, default=64, help="worker threads (default: 64)")
    parser.add_argument("--tasks", type=_count, default=8, help="asyncio tasks beside them (default: 8)")


def run(options: argparse.Namespace, terminal: Terminal) -> int:
    """Show it."""
    from alicred.cli import demo

    return demo.run(seconds=options.seconds, threads=options.threads, tasks=options.tasks)


def _positive(text: str) -> float:
    found = number(text)
    if not 0 < found <= 3600:
        raise argparse.ArgumentTypeError("must be above 0 and at most 3600")
    return found


def _count(text: str) -> int:
    found = whole(text)
    if not 0 <= found <= 1000:
        raise argparse.ArgumentTypeError("must be from 0 to 1000")
    return found
