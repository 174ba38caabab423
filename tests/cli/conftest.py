"""What the tests of the command line share."""

from tests.cli.commands import shell

__all__ = ["shell"]
