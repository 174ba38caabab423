"""URLs: where a service is, what one request is aimed at, and the headers that may go there."""

from __future__ import annotations

import base64
import re
import sys
from collections.abc import Mapping
from urllib.parse import parse_qsl, unquote, unquote_to_bytes, urlsplit

import attrs

import alicred._internal.checks as check
from alicred.errors import ConfigurationError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_ENDPOINT = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?",
    re.ASCII | re.IGNORECASE,
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_URL = re.compile(r"(https?)://(?:([^/?#@]*)@)?([^/?#@]+)(/[^?#]*)?(\?[^#]*)?(?:#.*)?", re.ASCII | re.IGNORECASE)
_VISIBLE = re.compile(r"[\x21-\x7e]+", re.ASCII)
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
        found = _ENDPOINT.fullmatch(value)
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


@attrs.frozen
class Target:
    """A parsed URL. A value; ``str()`` shows scheme, host, port and path, and nothing that may be secret.

    Args:
        endpoint: Where the request goes.
        path: With a leading slash, percent-encoded.
        query: With its question mark, or empty.
        user_info: ``user:password`` as it stands in the URL.
    """

    endpoint: Endpoint
    path: str = "/"
    query: str = attrs.field(default="", repr=False)
    user_info: str | None = attrs.field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> Target:
        """The parts of *url*. A fragment is dropped: it is never sent.

        Raises:
            ConfigurationError: *url* is no ``http`` or ``https`` URL of visible ASCII characters. The text does not quote it.
        """
        found = _URL.fullmatch(url) if _VISIBLE.fullmatch(url) else None
        if found is None:
            raise ConfigurationError("the URL must be http(s)://host[:port][/path][?query], percent-encoded")
        scheme, user_info, authority, path, query = found.groups()
        endpoint = Endpoint.parse(f"{scheme}://{authority}", name="the part of the URL before the path")
        return cls(endpoint, path or "/", query or "", user_info)

    @property
    def origin_form(self) -> str:
        """What a request line to the server itself names."""
        return self.path + self.query

    @property
    def absolute_form(self) -> str:
        """What a request line to a proxy names."""
        return f"{self.endpoint}{self.path}{self.query}"

    def headers(self, given: Mapping[str, str]) -> dict[str, str]:
        """*given*, with names in lower case, and what else this target needs.

        Raises:
            ConfigurationError: A header cannot be sent; the text holds its name only. (The HTTP layers below would quote the value.)
        """
        sent: dict[str, str] = {}
        for name, value in given.items():
            if not _TOKEN.fullmatch(name):
                raise ConfigurationError("the name of a header holds characters that cannot stand there")
            lower = name.lower()
            if not (value.isascii() and (value.isprintable() or value.replace("\t", " ").isprintable())):
                raise ConfigurationError(f"the header {lower} holds characters that cannot stand there, such as a newline")
            sent[lower] = value
        sent.setdefault("host", self.endpoint.authority)
        sent.setdefault("user-agent", _user_agent())
        if self.user_info is not None:
            sent.setdefault("authorization", basic_authorization(self.user_info))
        return sent

    def __str__(self) -> str:
        return f"{self.endpoint}{self.path}"


def safe_target(name: str, value: object, *, allow_http: bool = False) -> Target:
    """What the URL *value* is aimed at, if what is sent there and back cannot be read on the way.

    That is ``https`` anywhere, and ``http`` to this machine, its link and a private network. No name is looked up: of all names,
    ``http`` may go to ``localhost`` alone.

    Args:
        name: What the error calls the parameter or variable.
        value: The URL.
        allow_http: Whether ``http`` may go anywhere.

    Raises:
        ConfigurationError: *value* is anything else. The text does not quote it, for it may hold a secret.
    """
    url = check.text(name, value)
    problem = ""
    try:
        target = Target.parse(url)
    except ConfigurationError as error:
        problem = error.message
    else:
        if allow_http or target.endpoint.scheme == "https" or target.endpoint.is_near:
            return target
        problem = "plain http is for loopback, link-local and private addresses (and localhost) only. Use https"
    raise ConfigurationError(f"{name}: {problem}")


def basic_authorization(user_info: str) -> str:
    """The ``Authorization`` header that ``user:password``, percent-encoded as in a URL, asks for."""
    user, _, password = user_info.partition(":")
    pair = unquote_to_bytes(user) + b":" + unquote_to_bytes(password)
    return "Basic " + base64.b64encode(pair).decode("ascii")


def _user_agent() -> str:
    """``alicred/<version> Python/<x.y>``."""
    from alicred._internal.version import __version__  # looks the version up on the disk

    return f"alicred/{__version__} Python/{sys.version_info[0]}.{sys.version_info[1]}"


def secrets_of(url: str) -> tuple[str, ...]:
    """What of *url* must show in no text: user and password, the query and its values, the fragment."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    values = [value for _, value in parse_qsl(parts.query, keep_blank_values=True)]
    found = (user, *user.split(":"), *map(unquote, user.split(":")), parts.query, unquote(parts.query), *values, parts.fragment)
    return tuple(part for part in found if part)
