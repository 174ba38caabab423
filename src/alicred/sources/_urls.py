"""URLs that keys come from or tokens go to: where plain http is good enough, and what a request for one goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING

import alicred._arguments as check
from alicred.errors import ConfigurationError
from alicred.wire.http import HttpClient

if TYPE_CHECKING:
    from alicred.wire.endpoint import Endpoint
    from alicred.wire.target import Target

# Loopback, link-local and private addresses. Not what `ipaddress` calls private, which changes with the version of Python, and
# with 100.64.0.0/10, where Alibaba Cloud has the services inside its networks, the metadata service among them.
_NEAR = (
    "127.0.0.0/8", "169.254.0.0/16", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fe80::/10", "fc00::/7",
)  # fmt: skip


def safe_target(name: str, value: object, *, allow_http: bool = False) -> Target:
    """What the URL *value* is aimed at, if nobody on the way can read what is sent there and back.

    That is ``https`` anywhere, and ``http`` to this machine, its link and a private network. No name is looked up: of all names,
    ``http`` may go to ``localhost`` alone.

    Args:
        name: What the error calls the parameter or variable.
        value: The URL.
        allow_http: Whether ``http`` may go anywhere.

    Raises:
        ConfigurationError: *value* is anything else. The text does not quote it, for it may hold a secret.
    """
    from alicred.wire.target import Target

    url = check.text(name, value)
    problem = ""
    try:
        target = Target.parse(url)
    except ConfigurationError as error:
        problem = error.message
    else:
        if allow_http or target.endpoint.scheme == "https" or _is_near(target.endpoint):
            return target
        problem = "plain http is for loopback, link-local and private addresses (and localhost) only: use https"
    raise ConfigurationError(f"{name}: {problem}")


def _is_near(endpoint: Endpoint) -> bool:
    import ipaddress

    if endpoint.host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(endpoint.host.strip("[]"))
    except ValueError:
        return False  # a name, or an address in a form that only some systems take for one
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    networks = (ipaddress.ip_network(network) for network in _NEAR)
    return any(address in network for network in networks if network.version == address.version)


class HttpChoice:
    """The HTTP client of a source: the one that it was given, else one of its own. Immutable.

    Its own goes through no proxy for plain ``http``, whatever the environment says: what travels there travels readable, and is
    meant for a place nearby.
    """

    __slots__ = ("_for_http", "_for_https")

    def __init__(self, owner: str, given: HttpClient | None) -> None:
        check.client(f"{owner}.http", given, "request")
        self._for_https = HttpClient() if given is None else given
        self._for_http = HttpClient(trust_environment=False) if given is None else given

    def client(self, target: Target) -> HttpClient:
        """The client for requests to *target*."""
        return self._for_https if target.endpoint.scheme == "https" else self._for_http
