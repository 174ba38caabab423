"""What the tests of HttpClient share."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest

from alicred.errors import AlicredError
from alicred.wire.http import HttpClient
from tests.wire.servers import Reply, Request

SHORT = timedelta(milliseconds=200)


def ok(request: Request) -> Reply:
    return Reply(body=b"ok", headers={"X-One": "1"})


def failure(client: HttpClient, url: str) -> AlicredError:
    with pytest.raises(AlicredError) as caught:
        client.request("GET", url)
    return caught.value


def chunked(*sizes: int) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (size, b"x" * size) for size in sizes)


HEAD = b"HTTP/1.1 200 OK\r\n"


def full_listener() -> tuple[socket.socket, list[socket.socket]]:
    """A listener whose queue is full: further connections hang."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = []
    for _ in range(4):
        waiting.append(socket.socket())
        waiting[-1].setblocking(False)
        waiting[-1].connect_ex(listener.getsockname())
    return listener, waiting
