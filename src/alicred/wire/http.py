"""HTTP as alicred needs it: one request, one bounded answer, and errors that show no secret."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred._internal.shortage import TEMPORARY, shortage
from alicred.errors import MalformedResponseError, ProviderError, TransientError
from alicred.wire.operation import Operation

if TYPE_CHECKING:
    from alicred.wire.proxies import Proxy
    from alicred.wire.response import HttpResponse
    from alicred.wire.url import Endpoint

_OWNER = "HttpClient"


@public("alicred")
class HttpClient:
    """Sends requests. Thread-, task- and fork-safe, and picklable: it holds its configuration and nothing else.

    `request` blocks: for at most *connect_timeout* for each address that the host's name has, again for TLS and again to send the
    request, and then for at most *read_timeout* until the whole answer is there, however slowly the server drips it. (Looking a name up
    takes what the system takes.)

    Each request has a connection of its own, which is closed after it. urllib3 makes it, so that a tool that instruments or records urllib3
    sees the request; the URL that it sees has no query. Nothing is ever sent twice: a signed request would meet its own nonce, a rotating
    refresh token might be spent.

    Certificates are always verified. No redirect is followed. A body of more than 1 MiB is refused.

    Args:
        connect_timeout: For a TCP connection (with the answer of a proxy's tunnel), for the TLS handshake, and to send; above zero.
        read_timeout: For the whole answer, from when the request is sent; above zero.
        proxy: ``http(s)://[user:password@]host[:port]``; the user info shows in no text. ``None`` means what the environment says at each
            request: ``http_proxy``, ``https_proxy``, ``all_proxy`` and ``no_proxy``, in either case.
        trust_environment: Whether those variables count.
        ca_file: PEM file of the certificate authorities to trust instead of the system's; read at each request over TLS, with a
            leading ``~`` as the home directory.

    Raises:
        ConfigurationError: A parameter is of the wrong type or outside its range; the text names it.
    """

    def __init__(
        self,
        *,
        connect_timeout: timedelta = timedelta(seconds=5),
        read_timeout: timedelta = timedelta(seconds=10),
        proxy: str | None = None,
        trust_environment: bool = True,
        ca_file: str | Path | None = None,
    ) -> None:
        self._connect_timeout = check.span(f"{_OWNER}.connect_timeout", connect_timeout)
        self._read_timeout = check.span(f"{_OWNER}.read_timeout", read_timeout)
        self._proxy = None if proxy is None else _parse_proxy(proxy)
        self._trust_environment = check.flag(f"{_OWNER}.trust_environment", trust_environment)
        self._ca_file = None if ca_file is None else check.path(f"{_OWNER}.ca_file", ca_file)

    def request(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> HttpResponse:
        """Send one request and read the whole answer, whatever its status.

        Args:
            method: ``GET``, ``POST`` or another method.
            url: ``http(s)://[user:password@]host[:port][/path][?query]``, percent-encoded. It is sent as it is; user info goes as an
                ``Authorization`` header, unless *headers* has one. Errors show scheme, host, port and path only.
            headers: Further headers.
            body: The exact body.

        Raises:
            ConfigurationError: The URL, a header, the CA file or a proxy variable is wrong.
            TransientError: ``code`` is ``Unreachable``, ``ReadTimeout``, ``ConnectionBroken`` or, where this machine is short of something
                (descriptors, memory), ``TemporaryFailure``.
            ProviderError: ``code`` is ``CertificateNotVerified``, ``TlsFailed`` or ``ProxyRefused``.
            MalformedResponseError: The answer is a redirect, is too large or is not HTTP.
        """
        try:
            from alicred.wire.transport import send
            from alicred.wire.url import Target
        except (ImportError, OSError, MemoryError) as error:  # the first request loads them, which takes descriptors and memory
            reason = shortage(error) or f"{type(error).__name__} while modules were loaded"
            text = Operation(method).failed(
                f"no request can be made now ({reason})", "Raise the limits of this process, or try again later"
            )
            raise TransientError(text, code=TEMPORARY) from error

        target = Target.parse(url)
        response = send(
            method,
            target,
            target.headers(headers or {}),
            body,
            self._proxy_for(target.endpoint),
            connect_timeout=self._connect_timeout.total_seconds(),
            read_timeout=self._read_timeout.total_seconds(),
            ca_file=self._ca_file,
        )
        if 300 <= response.status < 400:
            raise MalformedResponseError(
                Operation(f"{method} {target}").failed("the answer is a redirect, and none is followed", "Set the final address"),
                status=response.status,
            )
        if response.status == 407:
            raise ProviderError(
                Operation(f"{method} {target}").failed("the proxy asks for a user and a password", "Put them into the proxy's URL"),
                code="ProxyRefused",
                status=response.status,
            )
        return response

    def close(self) -> None:
        """Nothing to do: no connection outlives its request. For programs that close their clients."""

    def _proxy_for(self, target: Endpoint) -> Proxy | None:
        if self._proxy is not None or not self._trust_environment:
            return self._proxy
        from alicred.wire.proxies import environment_proxy

        return environment_proxy(os.environ, target)

    def __repr__(self) -> str:
        proxy = "" if self._proxy is None else f", proxy='{self._proxy.endpoint}'"
        return f"{_OWNER}(connect_timeout={self._connect_timeout!r}, read_timeout={self._read_timeout!r}{proxy})"


def _parse_proxy(value: str) -> Proxy:
    from alicred.wire.proxies import Proxy

    return Proxy.parse(value, name=f"{_OWNER}.proxy")
