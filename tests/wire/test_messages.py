"""What is put on the wire, byte by byte."""

from __future__ import annotations

import socket

import pytest

from alicred.errors import ConfigurationError
from alicred.wire.http import HttpClient
from tests.wire.servers import misbehaving

REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def sent(method: str, monkeypatch: pytest.MonkeyPatch, *, body: bytes = b"", **headers: str) -> tuple[list[bytes], int]:
    """The pieces in which one request is sent, and the port that it goes to."""
    pieces: list[bytes] = []
    original = socket.socket.sendall

    def sendall(self: socket.socket, data: bytes) -> None:
        if not data.startswith(b"HTTP/"):  # those are the server's
            pieces.append(bytes(data))
        original(self, data)

    monkeypatch.setattr(socket.socket, "sendall", sendall)
    with misbehaving(lambda connection: connection.sendall(REPLY)) as server:
        client = HttpClient()
        client.request(method, f"{server.url}/a?b=c", headers={"User-Agent": "me", **headers}, body=body)
        client.close()
    return pieces, server.port


def test_a_request_goes_out_in_one_piece_with_its_body(monkeypatch: pytest.MonkeyPatch) -> None:
    pieces, port = sent("POST", monkeypatch, body=b"body", Accept="x/y")
    head = ["POST /a?b=c HTTP/1.1", "accept-encoding: identity", "user-agent: me", "accept: x/y", f"host: 127.0.0.1:{port}"]
    assert pieces == ["\r\n".join([*head, "content-length: 4", "", "body"]).encode()]


@pytest.mark.parametrize(("method", "has_length"), [("GET", False), ("DELETE", False), ("HEAD", False), ("POST", True), ("PUT", True)])
def test_a_request_without_a_body_says_so_where_one_is_expected(method: str, has_length: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    (message,), _ = sent(method, monkeypatch)
    assert message.endswith(b"\r\n\r\n")
    assert (b"\r\ncontent-length: 0\r\n" in message) is has_length


def test_a_body_has_a_length_whatever_the_method(monkeypatch: pytest.MonkeyPatch) -> None:
    (message,), _ = sent("DELETE", monkeypatch, body=b"ab")
    assert message.endswith(b"\r\ncontent-length: 2\r\n\r\nab")


def test_a_header_that_is_given_is_not_sent_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    (message,), _ = sent("POST", monkeypatch, body=b"ab", **{"Accept-Encoding": "gzip", "Content-Length": "2", "Host": "elsewhere"})
    lines = message.split(b"\r\n")
    assert lines[1:5] == [b"accept-encoding: gzip", b"user-agent: me", b"content-length: 2", b"host: elsewhere"]
    assert lines[5:] == [b"", b"ab"]


@pytest.mark.parametrize("method", ["", "GET /x HTTP/1.1\r\nA: b\r\n\r\nGET", "GE T", "GÉT", "GET\n"])
def test_a_method_that_is_no_word_is_refused_and_nothing_is_sent(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_connection(*_: object) -> None:
        raise AssertionError("the request was begun")

    monkeypatch.setattr("alicred.wire.transport.Transport._connect", no_connection)
    with pytest.raises(ConfigurationError, match="method") as caught:
        HttpClient().request(method, "http://127.0.0.1:1/")
    assert "HTTP" not in str(caught.value)
