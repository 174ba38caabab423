"""URLs that keys come from or tokens go to: where plain http is good enough, and what a request for one goes through."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urlsplit

import alicred._internal.checks as check
from alicred.errors import ConfigurationError
from alicred.wire.http import HttpClient

if TYPE_CHECKING:
    from alicred.wire.url import Endpoint, Target


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
    from alicred.wire.url import Target

    url = check.text(name, value)
    problem = ""
    try:
        target = Target.parse(url)
    except ConfigurationError as error:
        problem = error.message
    else:
        if allow_http or target.endpoint.scheme == "https" or target.endpoint.is_near:
            return target
        problem = "plain http is for loopback, link-local and private addresses (and localhost) only: use https"
    raise ConfigurationError(f"{name}: {problem}")


def secrets_of(url: str) -> tuple[str, ...]:
    """What of *url* must show in no text: user, password, query and fragment, and each value of the query."""
    parts = urlsplit(url)
    values = [value for _, value in parse_qsl(parts.query, keep_blank_values=True)]
    user = parts.netloc.rpartition("@")[0]
    return tuple(part for part in (user, *user.split(":"), *map(unquote, user.split(":")), parts.query, *values, parts.fragment) if part)


class HttpChoice:
    """The HTTP client of a source: the one that it was given, else one of its own. Immutable.

    Its own goes through no proxy for plain ``http``, whatever the environment says: what travels there travels readable, and is
    meant for a place nearby.

    Args:
        owner: Class of the source, for errors.
        given: The client that the source was given.
        make: Makes one of its own.
    """

    __slots__ = ("_for_http", "_for_https")

    def __init__(self, owner: str, given: HttpClient | None, make: Callable[..., HttpClient] = HttpClient) -> None:
        check.client(f"{owner}.http", given, "request")
        self._for_https = make() if given is None else given
        self._for_http = make(trust_environment=False) if given is None else given

    def client(self, endpoint: Endpoint) -> HttpClient:
        """The client for requests to *endpoint*."""
        return self._for_https if endpoint.scheme == "https" else self._for_http
