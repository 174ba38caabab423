"""What one request is aimed at, and the headers that may go there."""

from __future__ import annotations

import re
from collections.abc import Mapping

import attrs

from alicred.errors import ConfigurationError
from alicred.wire.agent import user_agent
from alicred.wire.endpoint import Endpoint
from alicred.wire.proxies import basic_authorization

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_URL = re.compile(r"(https?)://(?:([^/?#@]*)@)?([^/?#@]+)(/[^?#]*)?(\?[^#]*)?(?:#.*)?", re.ASCII | re.IGNORECASE)
_VISIBLE = re.compile(r"[\x21-\x7e]+", re.ASCII)


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
        sent.setdefault("user-agent", user_agent())
        if self.user_info is not None:
            sent.setdefault("authorization", basic_authorization(self.user_info))
        return sent

    def __str__(self) -> str:
        return f"{self.endpoint}{self.path}"
