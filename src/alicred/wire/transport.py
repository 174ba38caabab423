"""Connections: opened over urllib3, kept for a while, read under a deadline. Loaded at the first request, never by ``import alicred``.

urllib3's connections are used, not its pools: those log every URL with its query, and hold locks that a fork could leave held.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import os
import socket
import ssl
import time
from collections import deque
from functools import partial

from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.exceptions import HTTPError

from alicred.errors import AlicredError, ConfigurationError, MalformedResponseError
from alicred.wire.endpoint import Endpoint
from alicred.wire.failures import connect_failure, exchange_failure
from alicred.wire.http import HttpResponse
from alicred.wire.proxies import Proxy
from alicred.wire.target import Target

LARGEST_BODY = 1 << 20  # bytes
LONGEST_IDLE = 30.0  # seconds; a connection that idles longer may have been forgotten by something in between, without a word
_KEPT = 8  # connections for each process and peer
_CHUNK = 65536
_WITHOUT_BODY = ("GET", "HEAD", "DELETE", "OPTIONS")

Peer = tuple[int, Endpoint, "Proxy | None"]  # process, server, proxy


class _DeadlineReader(io.RawIOBase):
    """A socket as a file whose every read ends by one moment, not each within a time-out of its own. Closing it leaves the socket open."""

    def __init__(self, sock: socket.socket, ends: float) -> None:
        self._sock = sock
        self._ends = ends
        self.has_ended = False

    def makefile(self, mode: str) -> io.BufferedReader:
        """Itself, buffered: what `http.client.HTTPResponse` asks a socket for."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int | None:  # type: ignore[override]  # a bytes-like object is enough
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        count = self._sock.recv_into(buffer)
        self.has_ended = count == 0
        return count


class _Answer(http.client.HTTPResponse):
    """An answer that must be complete at the moment *ends* of the monotonic clock."""

    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None, *, ends: float) -> None:
        self._reader = _DeadlineReader(sock, ends)
        super().__init__(self._reader, debuglevel, method, url)  # type: ignore[arg-type]  # no socket, but it has makefile()

    def begin(self) -> None:
        super().begin()
        while 100 <= self.status < 200 and self.status != http.client.SWITCHING_PROTOCOLS:
            # Interim, as 103: the base class knows 100 alone, and takes the others for the whole answer.
            self.headers = None  # type: ignore[assignment]  # so that it begins anew
            super().begin()
        if self._reader.has_ended:  # within the headers, which the base class takes for their end
            raise http.client.IncompleteRead(b"")


def _tunnel_answer(timeout: float, sock: socket.socket, *, method: str | None = None) -> _Answer:
    """What a proxy answers that was asked for a tunnel a moment ago."""
    return _Answer(sock, method=method, ends=time.monotonic() + timeout)


class Transport:
    """Sends requests on connections that it keeps. Thread- and fork-safe without locks: deques change atomically, keys hold the process id.

    What a forked child inherits it never uses, and closes when the transport goes away; that does not touch the parent's connections.
    """

    def __init__(self, *, connect_timeout: float, read_timeout: float, ca_file: str | None) -> None:
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._ca_file = ca_file
        self._context: ssl.SSLContext | None = None
        self._idle: dict[Peer, deque[tuple[HTTPConnection, float]]] = {}

    def send(self, method: str, target: Target, headers: dict[str, str], body: bytes, proxy: Proxy | None) -> HttpResponse:
        """One request, one whole answer."""
        doing = f"{method} {target}"
        forwarded = proxy is not None and target.endpoint.scheme == "http"
        if forwarded and proxy is not None and proxy.authorization is not None:
            headers = {**headers, "proxy-authorization": proxy.authorization}
        message = _message(method, target.absolute_form if forwarded else target.origin_form, headers, body)
        peer: Peer = (os.getpid(), target.endpoint, proxy)
        connection = self._take(peer) or self._connect(doing, target.endpoint, proxy)
        keep = False
        failure: AlicredError
        try:
            response, keep = self._exchange(doing, connection, method, message, target.endpoint.scheme == "https")
        except (OSError, http.client.HTTPException) as error:
            failure = exchange_failure(error, doing=doing, timeout=self._read_timeout)
        else:
            return response
        finally:
            if keep:
                self._put(peer, connection)
            else:
                connection.close()
        raise failure  # here, so that the error that may quote what was sent is not even its context

    def close(self) -> None:
        """Close every kept connection."""
        for kept in list(self._idle.values()):
            with contextlib.suppress(IndexError):  # the end; looking first would not be atomic
                while True:
                    kept.pop()[0].close()

    def __del__(self) -> None:
        self.close()

    def _take(self, peer: Peer) -> HTTPConnection | None:
        kept = self._idle.get(peer)
        if kept is None:
            return None
        with contextlib.suppress(IndexError):
            while True:
                connection, since = kept.pop()
                if time.monotonic() - since < LONGEST_IDLE and connection.is_connected:
                    return connection
                connection.close()
        return None

    def _put(self, peer: Peer, connection: HTTPConnection) -> None:
        kept = self._idle.setdefault(peer, deque())
        if len(kept) < _KEPT:
            kept.append((connection, time.monotonic()))
        else:
            connection.close()

    def _connect(self, doing: str, server: Endpoint, proxy: Proxy | None) -> HTTPConnection:
        connection = self._new_connection(server, proxy)
        failure: AlicredError
        try:
            connection.connect()
        except (OSError, http.client.HTTPException, HTTPError) as error:
            failure = connect_failure(error, doing=doing, proxy=None if proxy is None else proxy.endpoint)
        except BaseException:
            connection.close()
            raise
        else:
            return connection
        connection.close()
        raise failure

    def _new_connection(self, server: Endpoint, proxy: Proxy | None) -> HTTPConnection:
        first = server if proxy is None else proxy.endpoint
        host, port = first.host.strip("[]"), first.port
        connection: HTTPConnection
        if server.scheme == "http" and first.scheme == "http":
            connection = HTTPConnection(host, port, timeout=self._connect_timeout)
        else:
            context = self._tls_context()
            port = port or (443 if first.scheme == "https" else 80)
            through = ProxyConfig(context, False, None, None)
            connection = HTTPSConnection(host, port, timeout=self._connect_timeout, ssl_context=context, proxy_config=through)
        connection.response_class = partial(_tunnel_answer, self._connect_timeout)  # type: ignore[assignment]  # a function makes one too
        if proxy is not None and server.scheme == "https":
            through_port = server.port or 443
            asked = {"Host": f"{server.host}:{through_port}"}  # http.client leaves the brackets of an address out
            if proxy.authorization is not None:
                asked["Proxy-Authorization"] = proxy.authorization
            connection.set_tunnel(server.host, through_port, headers=asked, scheme=first.scheme)
        return connection

    def _tls_context(self) -> ssl.SSLContext:
        if self._context is None:
            ca_file = None if self._ca_file is None else os.path.expanduser(self._ca_file)
            try:
                context = ssl.create_default_context(cafile=ca_file)
            except OSError as error:
                not_pem = isinstance(error, ssl.SSLError) or error.errno is None
                why = "it holds no certificate in PEM form" if not_pem else os.strerror(error.errno or 0)
                raise ConfigurationError(f"HttpClient.ca_file {self._ca_file!r} cannot be used: {why}") from None
            context.set_alpn_protocols(["http/1.1"])
            self._context = context
        return self._context

    def _exchange(
        self, doing: str, connection: HTTPConnection, method: str, message: bytes, secure: bool
    ) -> tuple[HttpResponse, bool]:
        """Send and read. Also says whether the connection can carry another request."""
        sock = connection.sock
        if sock is None:
            raise http.client.NotConnected
        ends = time.monotonic() + self._read_timeout
        sock.settimeout(self._read_timeout)
        # Neither written nor read by urllib3: that would send head and body one by one, and may log the URL.
        sock.sendall(message)
        answer = _Answer(sock, method=method, ends=ends)
        try:
            answer.begin()
            content = _read(answer, doing)
            received: dict[str, str] = {}
            for name, value in answer.getheaders():
                lower = name.lower()
                received[lower] = f"{received[lower]}, {value}" if lower in received else value
            can_go_on = answer.isclosed() and not answer.will_close and answer.status >= 200
            return HttpResponse(answer.status, received, content, secure), can_go_on
        finally:
            answer.close()


def _message(method: str, url: str, headers: dict[str, str], body: bytes) -> bytes:
    """A whole request. What *url* and *headers* may hold, `Target` has seen to."""
    if not method.isascii() or not method.isalpha():
        raise ConfigurationError("the method of a request must be a word, such as GET or POST")
    sent = {"accept-encoding": "identity", **headers}
    if body or method not in _WITHOUT_BODY:
        sent.setdefault("content-length", str(len(body)))
    lines = [f"{method} {url} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    return "\r\n".join(lines).encode("ascii") + body


def _read(answer: http.client.HTTPResponse, doing: str) -> bytes:
    too_large = MalformedResponseError(
        f"{doing}: the answer is larger than {LARGEST_BODY} bytes and was not read: is this the address of the service?",
        status=answer.status,
    )
    if (answer.length or 0) > LARGEST_BODY:
        raise too_large
    content = bytearray()
    while chunk := answer.read(min(_CHUNK, LARGEST_BODY + 1 - len(content))):  # waits for no more than it takes to refuse
        content += chunk
        if len(content) > LARGEST_BODY:
            raise too_large
    if answer.length:
        raise http.client.IncompleteRead(b"", answer.length)
    return bytes(content)
