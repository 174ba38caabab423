"""What the tests of the command line share."""

from tests.cli.commands import shell
from tests.cli.programs import machine
from tests.login.ports import login_ports

__all__ = ["login_ports", "machine", "shell"]
