"""Time-outs: to connect, for the handshake, for the whole answer."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

import pytest

from alicred.errors import TransientError
from alicred.wire.http import HttpClient
from tests.wire.http_support import HEAD, SHORT, chunked, failure, full_listener
from tests.wire.servers import misbehaving


def drip(data: bytes) -> Callable[[socket.socket], None]:
    def act(connection: socket.socket) -> None:
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    return act


@pytest.mark.parametrize(
    "act",
    [
        lambda connection: connection.recv(1),
        drip(HEAD + b"A: " + b"x" * 200),
        drip(HEAD + b"Content-Length: 500\r\n\r\n" + b"x" * 150),
        drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(1) * 20),
    ],
    ids=["silent", "head", "body", "chunks"],
)
def test_the_read_timeout_bounds_the_whole_answer_however_it_drips(act: Callable[[socket.socket], None]) -> None:
    with misbehaving(act) as server:
        started = time.monotonic()
        error = failure(HttpClient(read_timeout=SHORT), f"{server.url}/path?planted")
        took = time.monotonic() - started
    assert isinstance(error, TransientError)
    assert error.code == "ReadTimeout"
    assert 0.15 < took < 3
    remedy = "Check the network, or set a longer read_timeout"
    assert str(error) == f"GET {server.url}/path failed: no complete answer came within 0.2 s. {remedy}. [ReadTimeout]"


def test_a_refused_connection_is_unreachable(closed_port: int) -> None:
    error = failure(HttpClient(), f"http://u:planted@127.0.0.1:{closed_port}/path?planted")
    assert isinstance(error, TransientError)
    doing, remedy = f"GET http://127.0.0.1:{closed_port}/path", "Check the address, the network and the proxy settings"
    assert str(error) == f"{doing} failed: cannot connect (Connection refused). {remedy}. [Unreachable]"
    assert error.__cause__ is None
    assert error.__context__ is None


def test_a_connection_that_hangs_is_unreachable_after_the_connect_timeout() -> None:
    listener, waiting = full_listener()
    try:
        started = time.monotonic()
        error = failure(HttpClient(connect_timeout=SHORT), f"http://127.0.0.1:{listener.getsockname()[1]}/")
        took = time.monotonic() - started
    finally:
        for each in (listener, *waiting):
            each.close()
    assert isinstance(error, TransientError)
    assert (error.code, error.retryable) == ("Unreachable", True)
    assert took < 3


def test_a_tls_handshake_that_hangs_is_unreachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        error = failure(HttpClient(connect_timeout=SHORT), f"https://127.0.0.1:{listener.getsockname()[1]}/")
    assert isinstance(error, TransientError)
    assert error.code == "Unreachable"
