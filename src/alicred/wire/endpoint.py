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
_LOOPBACK = ("127.0.0.0/8", "::1/128")
# Loopback, link-local and private addresses. Not what `ipaddress` calls private, which changes with the version of Python, and
# with 100.64.0.0/10, where Alibaba Cloud has the services inside its networks, the metadata service among them.
_NEAR = (*_LOOPBACK, "169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fe80::/10", "fc00::/7")


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
    def is_loopback(self) -> bool:
        """Whether it is on this machine: an address of it, or ``localhost``. No name is looked up."""
        return self.host == "localhost" or self._is_in(_LOOPBACK)

    @property
    def is_near(self) -> bool:
        """Whether it is on this machine, its link or a private network: an address there, or ``localhost``. No name is looked up."""
        return self.host == "localhost" or self._is_in(_NEAR)

    def _is_in(self, networks: tuple[str, ...]) -> bool:
        import ipaddress

        try:
            address = ipaddress.ip_address(self.host.strip("[]"))
        except ValueError:
            return False  # a name, or an address in a form that only some systems take for one
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in network for network in map(ipaddress.ip_network, networks) if network.version == address.version)

    @property
    def authority(self) -> str:
        """What stands in the ``Host`` header: the host, with the port if it is not the scheme's own."""
        return self.host if self.port is None else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"
