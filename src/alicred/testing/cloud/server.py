"""HTTP/1.1 on two loopback ports, plain and over TLS: sockets and threads, nothing about credentials."""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qsl

from alicred.testing.cloud.exchange import Answer, Request

Serve = Callable[[Request], "Answer | None"]
"""Answers one request; ``None`` closes the connection without an answer."""

_BACKLOG = 512
_PATIENCE = 5.0  # seconds: for a TLS handshake, and for a connection's thread to end at the stop
_NONE_LEFT = (errno.EMFILE, errno.ENFILE)
_PAUSE = 0.05  # seconds: until the next look for a descriptor when none is left
_HASTY_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a RST
_FORM = "application/x-www-form-urlencoded"


class Server:
    """Listens from construction to `stop`, with one thread that accepts and one for each connection.

    `stop` may be called from any thread but those of the server itself; it blocks until all of them have ended.

    Args:
        serve: Answers the requests.
        context: For the port over TLS.
        port: The plain port; 0 is any free one.

    Raises:
        OSError: The port is in use.
    """

    def __init__(self, serve: Serve, context: ssl.SSLContext, port: int = 0) -> None:
        self._serve = serve
        self._context = context
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._plain, self._tls = _listener(port), _listener(0)
        self.http_port: int = self._plain.getsockname()[1]
        self.https_port: int = self._tls.getsockname()[1]
        self._wake, self._woken = socket.socketpair()
        self._accepting = threading.Thread(target=self._accept, name="alicred-fake-cloud", daemon=True)
        self._accepting.start()

    def stop(self) -> None:
        self._wake.send(b"x")
        self._accepting.join()
        for listener in (self._plain, self._tls):
            _shut_down(listener)  # also for a forked child that holds a copy: its own would go on accepting
            listener.close()
        self._wake.close()
        self._woken.close()
        with self._lock:
            connections = dict(self._connections)
        for connection in connections.values():
            _shut_down(connection)
        for thread in connections:
            thread.join(_PATIENCE)

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            for listener in (self._plain, self._tls, self._woken):
                selector.register(listener, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._woken:
                        return
                    listener = self._tls if key.fileobj is self._tls else self._plain
                    try:
                        self._begin(listener.accept()[0], over_tls=listener is self._tls)
                    except OSError as error:  # else the peer was gone before it was accepted
                        if error.errno in _NONE_LEFT:
                            time.sleep(_PAUSE)  # the selector reports the same connection again at once

    def _begin(self, connection: socket.socket, *, over_tls: bool) -> None:
        connection.settimeout(_PATIENCE if over_tls else None)
        if over_tls:
            connection = self._context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=self._converse, args=(connection, over_tls), name="alicred-fake-cloud-connection", daemon=True)
        with self._lock:
            self._connections[thread] = connection
        thread.start()

    def _converse(self, connection: socket.socket, over_tls: bool) -> None:
        try:
            with contextlib.suppress(OSError):  # the peer has gone, or wanted no TLS: there is no peer to answer
                if isinstance(connection, ssl.SSLSocket):
                    connection.do_handshake()
                    connection.settimeout(None)
                _Conversation(connection, over_tls, self._serve)
        finally:
            connection.close()
            with self._lock:
                del self._connections[threading.current_thread()]


def _listener(port: int) -> socket.socket:
    listener = socket.create_server(("127.0.0.1", port), backlog=_BACKLOG)
    listener.setblocking(False)
    return listener


def _shut_down(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        # not the method of an SSLSocket: that one takes the TLS state away from the thread that is reading
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


class _Conversation(BaseHTTPRequestHandler):
    """One connection, request after request, until either side closes it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16  # so that head and body leave in one piece

    def __init__(self, connection: socket.socket, over_tls: bool, serve: Serve) -> None:
        # The base class wants a socketserver around it, which this is not; setup, handle and finish are all that one would call.
        self.request = connection
        self.client_address = ("127.0.0.1", 0)
        self._over_tls = over_tls
        self._serve = serve
        self.setup()
        try:
            self.handle()
        finally:
            self.finish()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def _exchange(self) -> None:
        answer = self._serve(self._read())
        if answer is None:
            self.close_connection = True
        elif answer.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _HASTY_CLOSE)
            self.close_connection = True
        else:
            self._write(answer)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = _exchange

    def _read(self) -> Request:
        headers = {name.lower(): value.strip() for name, value in self.headers.items()}
        body = self._chunks() if headers.get("transfer-encoding", "").lower() == "chunked" else self._sized(headers)
        target = self.path
        if not target.startswith("/"):  # a proxy is asked for a whole URL
            target = "/" + target.partition("://")[2].partition("/")[2]
        path, _, query = target.partition("?")
        is_form = headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM
        return Request(
            method=self.command,
            target=self.path,
            path=path,
            query=_parameters(query),
            form=_parameters(body.decode("utf-8", "replace")) if is_form else {},
            headers=headers,
            body=body,
            over_tls=self._over_tls,
        )

    def _sized(self, headers: dict[str, str]) -> bytes:
        length = headers.get("content-length", "0")
        return self._exactly(int(length)) if length.isascii() and length.isdigit() else b""

    def _chunks(self) -> bytes:
        body = bytearray()
        while size := self._chunk_size():
            body += self._exactly(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        return bytes(body)

    def _chunk_size(self) -> int:
        try:
            return int(self.rfile.readline().partition(b";")[0], 16)
        except ValueError:
            raise ConnectionError("the request broke off between two chunks") from None

    def _exactly(self, size: int) -> bytes:
        body = self.rfile.read(size)
        if len(body) < size:
            raise ConnectionError("the request broke off")
        return body

    def _write(self, answer: Answer) -> None:
        if answer.cut_at is not None:
            self.close_connection = True
        head = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
        head += [f"{name}: {value}" for name, value in answer.headers]
        head.append(f"Content-Length: {len(answer.body)}")
        if self.close_connection:
            head.append("Connection: close")
        self.wfile.write("\r\n".join([*head, "", ""]).encode("latin-1"))
        if self.command != "HEAD":
            self.wfile.write(answer.body[: answer.cut_at])


def _parameters(text: str) -> dict[str, str]:
    return dict(parse_qsl(text, keep_blank_values=True)) if text else {}


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
