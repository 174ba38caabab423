"""What the tests of the command line share."""

from tests.cli.commands import shell
from tests.cli.programs import machine

__all__ = ["machine", "shell"]
