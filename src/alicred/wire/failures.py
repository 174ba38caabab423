"""What a broken exchange means, as alicred's own errors. The texts of the errors below are never quoted: they may hold what was sent."""

from __future__ import annotations

import http.client
import os
import re
import socket
import ssl
from collections.abc import Iterator

import attrs
import urllib3

from alicred._internal.shortage import TEMPORARY, shortage
from alicred.errors import ProviderError, TransientError
from alicred.wire.operation import Operation
from alicred.wire.trust import Trust
from alicred.wire.url import Endpoint

UNREACHABLE = "Unreachable"
READ_TIMEOUT = "ReadTimeout"
CONNECTION_BROKEN = "ConnectionBroken"

_RETRY = "Try again"
_REACH = "Check the address, the network and the proxy settings"
_SHORT = "Raise the limits of this process, or try again later"


def is_of_connecting(error: BaseException) -> bool:
    """Whether *error* says that no connection could be made."""
    return _has(error, urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)


def connect_failure(error: BaseException, *, operation: Operation, proxy: Endpoint | None, trust: Trust) -> ProviderError:
    """What went wrong before a connection stood.

    Args:
        error: What the layers below raised.
        operation: Method and address, without anything secret.
        proxy: The proxy in between, if there is one.
        trust: The authorities that the request trusted.
    """
    if proxy is not None:
        operation = attrs.evolve(operation, name=f"{operation.name} through the proxy {proxy}")
    if short := _shortage(error):
        return TransientError(operation.failed(f"no connection can be made now ({short})", _SHORT), code=TEMPORARY)
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLError):
            return _tls_failure(cause, operation, trust)
        if refused := re.match(r"Tunnel connection failed: ([1-5][0-9]{2})\b", str(cause)):
            return _proxy_error(int(refused[1]), operation)
    if not is_of_connecting(error) and _has(error, ConnectionResetError, BrokenPipeError, http.client.HTTPException):
        return TransientError(operation.failed("the connection broke while it was being made", _RETRY), code=CONNECTION_BROKEN)
    if _has(error, OSError, urllib3.exceptions.HTTPError):
        return TransientError(operation.failed(f"cannot connect ({_reason(error)})", _REACH), code=UNREACHABLE)
    return _unforeseen(error, operation)


def exchange_failure(error: BaseException, *, operation: Operation, timeout: float) -> ProviderError:
    """What went wrong on a connection that stood.

    Args:
        error: What the layers below raised.
        operation: Method and address, without anything secret.
        timeout: The seconds that the answer had.
    """
    if short := _shortage(error):
        return TransientError(operation.failed(f"it cannot go on now ({short})", _SHORT), code=TEMPORARY)
    if _has(error, TimeoutError):
        return TransientError(
            operation.failed(f"no complete answer came within {timeout:g} s", "Check the network, or set a longer read_timeout"),
            code=READ_TIMEOUT,
        )
    if _has(error, OSError, http.client.RemoteDisconnected, http.client.IncompleteRead, http.client.NotConnected):
        return TransientError(operation.failed("the connection broke before the answer was complete", _RETRY), code=CONNECTION_BROKEN)
    if _has(error, http.client.HTTPException, urllib3.exceptions.HTTPError, ValueError):
        return operation.malformed("what came back is not HTTP")
    return _unforeseen(error, operation)


def _unforeseen(error: BaseException, operation: Operation) -> ProviderError:
    """As of a test tool that forbids the request. The text of *error* may quote what was sent, so only its type is named."""
    cause = f"{type(error).__name__} was raised instead of an answer"
    return ProviderError(operation.failed(cause, "Check what instruments urllib3 in this program"))


def _tls_failure(error: ssl.SSLError, operation: Operation, trust: Trust) -> ProviderError:
    if isinstance(error, ssl.SSLCertVerificationError):
        remedy = trust.gap() or (
            "Set ca_file or SSL_CERT_FILE if the certificate comes from an authority of your own, and check this machine's clock"
        )
        cause = f"the server's certificate was not accepted ({_detail(error, 'verify_message', 'it could not be verified')})"
        return ProviderError(operation.failed(cause, remedy), code="CertificateNotVerified")
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return TransientError(operation.failed("the connection broke while TLS was being set up", _RETRY), code=CONNECTION_BROKEN)
    cause = f"no TLS connection could be agreed on ({_detail(error, 'reason', 'no reason given')})"
    return ProviderError(operation.failed(cause, "Check that this port takes https"), code="TlsFailed")


def _detail(error: ssl.SSLError, name: str, otherwise: str) -> str:
    """What OpenSSL said, which an error that was raised in Python lacks."""
    value: object = getattr(error, name, None)
    return value if isinstance(value, str) and value else otherwise


def _proxy_error(status: int, operation: Operation) -> ProviderError:
    if status >= 500:
        return TransientError(operation.failed("the proxy cannot reach the server", _REACH), code=UNREACHABLE, status=status)
    remedy = "Put a user and a password into the proxy's URL" if status == 407 else "Ask who runs the proxy, or add the host to NO_PROXY"
    return ProviderError(operation.failed("the proxy refused to connect", remedy), code="ProxyRefused", status=status)


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
