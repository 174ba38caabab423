"""Which proxy a request goes through: the one that was given, else the one that the environment names. Nothing here blocks."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Mapping

import attrs

from alicred.errors import ConfigurationError
from alicred.wire.url import Endpoint, basic_authorization


@attrs.frozen
class Proxy:
    """A proxy. A value; its ``repr`` leaves the user info out.

    Args:
        endpoint: Where it is.
        authorization: The value of the ``Proxy-Authorization`` header, made of the user info.
    """

    endpoint: Endpoint
    authorization: str | None = attrs.field(default=None, repr=False)

    @classmethod
    def parse(cls, value: object, *, name: str) -> Proxy:
        """The proxy that ``http(s)://[user:password@]host[:port]`` names; without a scheme, ``http`` is meant.

        Args:
            value: The text.
            name: What the error calls the parameter or variable.

        Raises:
            ConfigurationError: *value* is anything else. The text does not quote it.
        """
        if not isinstance(value, str):
            raise ConfigurationError(f"{name} must be a string, not {type(value).__name__}")
        text = value.strip()
        scheme, separator, rest = text.partition("://") if "://" in text else ("http", "://", text)
        user_info, at, host = rest.rstrip("/").rpartition("@")
        try:
            endpoint = Endpoint.parse(f"{scheme}{separator}{host}", name=name)
        except ConfigurationError:
            raise ConfigurationError(
                f"{name} must be http://[user:password@]host[:port] or the same with https; other kinds of proxies are not supported"
            ) from None
        if not at:
            return cls(endpoint)
        with contextlib.suppress(UnicodeEncodeError):  # that error holds the password, so it must not become the context of ours
            return cls(endpoint, basic_authorization(user_info))
        raise ConfigurationError(f"{name} holds a user or a password that is no UTF-8 text. Write such bytes as %XX")


def environment_proxy(environ: Mapping[str, str], target: Endpoint) -> Proxy | None:
    """The proxy that *environ* names for *target*: ``http_proxy`` or ``https_proxy``, then ``all_proxy``, unless ``no_proxy`` names it.

    The lower-case name goes first, then the upper-case one; empty is unset. ``HTTP_PROXY`` does not count where
    ``REQUEST_METHOD`` is set: there it is what a client of a CGI program sent as its header ``Proxy``.

    Raises:
        ConfigurationError: The variable holds no proxy that alicred can use; the text names the variable.
    """
    name, value = _either(environ, f"{target.scheme}_proxy")
    if name == "HTTP_PROXY" and "REQUEST_METHOD" in environ:
        value = ""
    if not value:
        name, value = _either(environ, "all_proxy")
    if not value or is_exempt(_either(environ, "no_proxy")[1], target):
        return None
    return Proxy.parse(value, name=name)


def _either(environ: Mapping[str, str], lower: str) -> tuple[str, str]:
    for name in (lower, lower.upper()):
        value = environ.get(name, "").strip()
        if value:
            return name, value
    return lower, ""


def is_exempt(no_proxy: str, target: Endpoint) -> bool:
    """Whether *no_proxy* names *target*.

    It lists, with commas or blanks between them: ``*`` (everything), host names (that name and all below it, a leading ``.`` or
    ``*.`` changes nothing), addresses and networks in CIDR form. Each but a network may carry a port. No name is looked up.
    """
    return any(_matches(entry, target) for entry in re.split(r"[,\s]+", no_proxy.strip().lower()) if entry)


def _matches(entry: str, target: Endpoint) -> bool:
    if entry == "*":
        return True
    host = target.host.strip("[]").rstrip(".")
    if (address := _address(host)) is not None:
        try:
            network = ipaddress.ip_network(entry.strip("[]"), strict=False)
        except ValueError:
            pass
        else:
            return ipaddress.ip_address(address) in network
    name, port = _split_port(entry)
    if port is not None and port != (target.port or {"http": 80, "https": 443}[target.scheme]):
        return False
    if address is not None:
        return _address(name.strip("[]")) == address
    name = name.removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _split_port(entry: str) -> tuple[str, int | None]:
    found = re.fullmatch(r"(\[[^]]*\]|[^:]*):([0-9]{1,5})", entry)
    return (found[1], int(found[2])) if found else (entry, None)


def _address(host: str) -> str | None:
    """The normal form of *host* if it is an address and no name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None
