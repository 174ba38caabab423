"""Connections of the package ``redis`` that wait for a whole answer no longer than they were told. Imported at the first claim."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import redis
from redis._parsers import _RESP2Parser  # pyright: ignore[reportPrivateUsage]

from alicred.clock import SYSTEM_CLOCK
from alicred.sharing.store import LARGEST_RECORD

_LARGEST_ANSWER = 4 * LARGEST_RECORD  # bytes that one connection reads
PARSER = _RESP2Parser
"""Not the one in C: with it the package takes a connection by TLS that has asked nothing yet for one that is used up (redis 8.1)."""
_SHORTEST = 0.001  # seconds; zero would mean: do not wait

if TYPE_CHECKING:

    class _Connection:
        """What is used of the package's."""

        _sock: Any

        def _connect(self) -> Any: ...
        def read_response(self, *args: Any, **options: Any) -> Any: ...
else:
    _Connection = object


class _Socket:
    """A socket that takes the time for a whole answer, whatever pieces it comes in. The package's own time-out is for a piece."""

    def __init__(self, connected: Any) -> None:
        self._connected = connected
        self._seconds = float(connected.gettimeout() or 0)
        self._until = 0.0
        self._left = _LARGEST_ANSWER

    def begin(self) -> None:
        """From now on an answer is waited for."""
        self._until = SYSTEM_CLOCK.monotonic() + self._seconds

    def recv(self, size: int) -> bytes:
        self._hurry()
        data: bytes = self._connected.recv(size)
        self._left -= len(data)
        if self._left < 0:
            raise OSError("the answer is longer than any that was asked for")
        return data

    def _hurry(self) -> None:
        if self._connected.gettimeout():  # else it only looks whether something is there
            self._connected.settimeout(max(_SHORTEST, self._until - SYSTEM_CLOCK.monotonic()))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connected, name)


class _InTime(_Connection):
    def _connect(self) -> Any:
        return _Socket(super()._connect())

    def read_response(self, *args: Any, **options: Any) -> Any:
        if isinstance(self._sock, _Socket):
            self._sock.begin()
        return super().read_response(*args, **options)


class Tcp(_InTime, redis.Connection):
    """In the clear."""


class Unix(_InTime, redis.UnixDomainSocketConnection):
    """By a Unix socket."""


class Tls(_InTime, redis.SSLConnection):
    """By TLS, which verifies the host. The package's own way would trust the system's authorities beside those of a file."""

    def _wrap_socket_with_ssl(self, sock: Any) -> ssl.SSLSocket:
        return ssl.create_default_context(cafile=vars(self)["ca_certs"]).wrap_socket(sock, server_hostname=self.host)
