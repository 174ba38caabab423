"""Where a service is."""

from __future__ import annotations

import re

import attrs

from alicred.errors import ConfigurationError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_FORM = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?",
    re.ASCII | re.IGNORECASE,
)


@attrs.frozen
class Endpoint:
    """Scheme, host and port of a service. A value.

    Args:
        scheme: ``http`` or ``https``.
        host: Lower-case name or address; IPv6 in brackets.
        port: ``None`` is the scheme's own.
    """

    scheme: str
    host: str
    port: int | None = None

    @classmethod
    def parse(cls, value: object, *, name: str = "endpoint") -> Endpoint:
        """The endpoint that ``http(s)://host[:port]`` names.

        Args:
            value: The text.
            name: What the error calls the parameter.

        Raises:
            ConfigurationError: *value* is anything else. The text does not quote it, for it may hold a password.
        """
        if not isinstance(value, str):
            raise ConfigurationError(f"{name} must be a string, not {type(value).__name__}")
        found = _FORM.fullmatch(value)
        port = int(found["port"]) if found and found["port"] else None
        if found is None or port == 0 or (port or 0) > 65535:
            raise ConfigurationError(f"{name} must be https://host, http://host or either with a port, without user, path or query")
        scheme = found["scheme"].lower()
        return cls(scheme, found["host"].lower(), None if port == _DEFAULT_PORTS[scheme] else port)

    @property
    def authority(self) -> str:
        """What stands in the ``Host`` header: the host, with the port if it is not the scheme's own."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"
