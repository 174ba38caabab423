"""What a broken exchange means, as alicred's own errors. The texts of the errors below are never quoted: they may hold what was sent."""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
from collections.abc import Iterator

import urllib3

from alicred._internal.shortage import TEMPORARY, shortage
from alicred.errors import MalformedResponseError, ProviderError, TransientError
from alicred.wire.trust import Trust
from alicred.wire.url import Endpoint

UNREACHABLE = "Unreachable"
READ_TIMEOUT = "ReadTimeout"
CONNECTION_BROKEN = "ConnectionBroken"


def is_of_connecting(error: BaseException) -> bool:
    """Whether *error* says that no connection could be made."""
    return _has(error, urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)


def connect_failure(error: BaseException, *, doing: str, proxy: Endpoint | None, trust: Trust) -> ProviderError:
    """What went wrong before a connection stood.

    Args:
        error: What the layers below raised.
        doing: Method and address, without anything secret.
        proxy: The proxy in between, if there is one.
        trust: The authorities that the request trusted.
    """
    via = "" if proxy is None else f" through the proxy {proxy}"
    if short := _shortage(error):
        return TransientError(f"{doing}{via}: cannot connect now: {short}", code=TEMPORARY)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return _tls_failure(cause, f"{doing}{via}", trust)
        if refused := re.match(r"Tunnel connection failed: ([1-5][0-9]{2})\b", str(cause)):
            return _proxy_refusal(int(refused[1]), f"{doing}{via}")
    if not is_of_connecting(error) and _has(error, ConnectionResetError, BrokenPipeError, http.client.HTTPException):
        return TransientError(f"{doing}{via}: the connection broke while it was being made", code=CONNECTION_BROKEN)
    if _has(error, OSError, urllib3.exceptions.HTTPError):
        return TransientError(f"{doing}{via}: cannot connect: {_reason(error)}", code=UNREACHABLE)
    return _unforeseen(error, f"{doing}{via}")


def exchange_failure(error: BaseException, *, doing: str, timeout: float) -> ProviderError:
    """What went wrong on a connection that stood.

    Args:
        error: What the layers below raised.
        doing: Method and address, without anything secret.
        timeout: The seconds that the answer had.
    """
    if short := _shortage(error):
        return TransientError(f"{doing}: cannot go on now: {short}", code=TEMPORARY)
    if _has(error, TimeoutError):
        return TransientError(f"{doing}: no complete answer within {timeout:g} s", code=READ_TIMEOUT)
    if _has(error, OSError, http.client.RemoteDisconnected, http.client.IncompleteRead, http.client.NotConnected):
        return TransientError(f"{doing}: the connection broke before the answer was complete", code=CONNECTION_BROKEN)
    if _has(error, http.client.HTTPException, urllib3.exceptions.HTTPError, ValueError):
        return MalformedResponseError(f"{doing}: what came back is not HTTP: is this the address of the service?")
    return _unforeseen(error, doing)


def _unforeseen(error: BaseException, doing: str) -> ProviderError:
    """As of a test tool that forbids the request. The text of *error* may quote what was sent, so only its type is named."""
    return ProviderError(f"{doing}: {type(error).__name__} was raised instead of an answer, by urllib3 or by what watches it")


def _tls_failure(error: ssl.SSLError, doing: str, trust: Trust) -> ProviderError:
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = trust.gap() or (
            "give ca_file, or set SSL_CERT_FILE, if the certificate comes from an authority of your own, and check this machine's clock"
        )
        return ProviderError(
            f"{doing}: the server's certificate was not accepted: {_detail(error, 'verify_message', 'it could not be verified')}; {remedy}",
            code="CertificateNotVerified",
        )
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return TransientError(f"{doing}: the connection broke while TLS was being set up", code=CONNECTION_BROKEN)
    return ProviderError(
        f"{doing}: no TLS connection could be agreed on ({_detail(error, 'reason', 'no reason given')}): does https go to this port?",
        code="TlsFailed",
    )


def _detail(error: ssl.SSLError, name: str, otherwise: str) -> str:
    """What OpenSSL said, which an error that was raised in Python lacks."""
    value: object = getattr(error, name, None)
    return value if isinstance(value, str) and value else otherwise


def _proxy_refusal(status: int, doing: str) -> ProviderError:
    if status >= 500:
        return TransientError(f"{doing}: the proxy cannot reach the server", code=UNREACHABLE, status=status)
    remedy = "put a user and a password into the proxy's URL" if status == 407 else "ask who runs it, or name the host in NO_PROXY"
    return ProviderError(f"{doing}: the proxy refused to connect: {remedy}", code="ProxyRefused", status=status)


def _shortage(error: BaseException) -> str | None:
    """What this machine is short of, or cannot look up now, if that is what led to *error*."""
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror):
            if cause.errno in (socket.EAI_AGAIN, socket.EAI_MEMORY, getattr(socket, "EAI_SYSTEM", None)):
                return "the name of the host cannot be looked up now"
        elif short := shortage(cause):
            return short
    return None


def _reason(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, TimeoutError):
            return "no answer within the connect time-out"
        if isinstance(cause, urllib3.exceptions.LocationParseError):
            return "no host can have this name"
        if isinstance(cause, socket.gaierror):
            return "the name of the host is not known here"
        if isinstance(cause, OSError) and cause.errno:
            return os.strerror(cause.errno)
    return "the system did not say why"


def _has(error: BaseException, *kinds: type[BaseException]) -> bool:
    """Whether *error*, or what led to it, is one of *kinds*."""
    return any(isinstance(cause, kinds) for cause in _causes(error))


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    for _ in range(10):
        if seen is None:
            return
        yield seen
        seen = seen.__cause__ or seen.__context__
