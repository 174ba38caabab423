"""What is put on the wire, byte by byte."""

from __future__ import annotations

import socket

import pytest

from alicred.errors import ConfigurationError
from alicred.wire.http import HttpClient
from tests.wire.servers import misbehaving

TARGET = "/a/./%2f;x='y'?b=%c3&c=d|e"
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def sent(method: str, monkeypatch: pytest.MonkeyPatch, *, body: bytes = b"", **headers: str) -> tuple[bytes, int]:
    """What one request is on the wire, and the port that it goes to."""
    pieces: list[bytes] = []
    original = socket.socket.sendall

    def sendall(self: socket.socket, data: bytes) -> None:
        if not data.startswith(b"HTTP/"):  # those are the server's
            pieces.append(bytes(data))
        original(self, data)

    monkeypatch.setattr(socket.socket, "sendall", sendall)
    with misbehaving(lambda connection: connection.sendall(REPLY)) as server:
        HttpClient().request(method, f"{server.url}{TARGET}", headers={"User-Agent": "me", **headers}, body=body)
    return b"".join(pieces), server.port


def test_a_request_is_sent_as_it_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool would encode the target again, and knows no query."""
    message, port = sent("POST", monkeypatch, body=b"body", Accept="x/y")
    head, _, body = message.partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    assert first == f"POST {TARGET} HTTP/1.1"
    assert sorted(line.lower() for line in rest) == sorted(
        ["accept-encoding: identity", "user-agent: me", "accept: x/y", f"host: 127.0.0.1:{port}", "content-length: 4"]
    )
    assert body == b"body"


@pytest.mark.parametrize(("method", "has_length"), [("GET", False), ("DELETE", False), ("HEAD", False), ("POST", True), ("PUT", True)])
def test_a_request_without_a_body_says_so_where_one_is_expected(method: str, has_length: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    message, _ = sent(method, monkeypatch)
    assert message.endswith(b"\r\n\r\n")
    assert (b"\r\ncontent-length: 0\r\n" in message.lower()) is has_length


def test_a_body_has_a_length_whatever_the_method(monkeypatch: pytest.MonkeyPatch) -> None:
    message, _ = sent("DELETE", monkeypatch, body=b"ab")
    assert b"\r\ncontent-length: 2\r\n" in message.lower()
    assert message.endswith(b"\r\n\r\nab")


def test_a_header_that_is_given_is_not_sent_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    message, _ = sent("POST", monkeypatch, body=b"ab", **{"Accept-Encoding": "gzip", "Content-Length": "2", "Host": "elsewhere"})
    lines = message.split(b"\r\n")
    assert lines[1:5] == [b"accept-encoding: gzip", b"user-agent: me", b"content-length: 2", b"host: elsewhere"]
    assert lines[5:] == [b"", b"ab"]


@pytest.mark.parametrize("method", ["", "GET /x HTTP/1.1\r\nA: b\r\n\r\nGET", "GE T", "GÉT", "GET\n"])
def test_a_method_that_is_no_word_is_refused_and_nothing_is_sent(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_pool(*_: object) -> None:
        raise AssertionError("the request was begun")

    monkeypatch.setattr("urllib3.HTTPConnectionPool", no_pool)
    with pytest.raises(ConfigurationError, match="method") as caught:
        HttpClient().request(method, "http://127.0.0.1:1/")
    assert "HTTP" not in str(caught.value)
