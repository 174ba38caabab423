"""What the tests of logins share."""

from tests.login.ports import login_ports

__all__ = ["login_ports"]
