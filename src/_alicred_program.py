"""Where the program ``alicred`` begins. It is no part of the package, which takes longest to load: an interrupt counts from here on."""

from __future__ import annotations


def main() -> int:
    """Run the command line of this process; the exit code."""
    try:
        from alicred.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        return 130
