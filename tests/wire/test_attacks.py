"""What a server, or a proxy in front of it, can do to a request: nothing but make it fail in time, with an error of alicred's own."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest
import urllib3
from hypothesis import given
from hypothesis import strategies as st

from alicred.errors import AlicredError, MalformedResponseError, ProviderError, TransientError
from alicred.wire.http import HttpClient
from alicred.wire.response import HttpResponse
from alicred.wire.transport import LARGEST_BODY
from tests.wire.servers import Reply, Request, answering, make_certificate, misbehaving, tls_proxy

SHORT = timedelta(milliseconds=200)
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


def outcome(client: HttpClient, url: str) -> HttpResponse | AlicredError:
    try:
        return client.request("GET", url)
    except AlicredError as error:
        found = error
    assert found.__cause__ is None
    assert found.__context__ is None
    return found


# --- sizes ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [b"-1", b"-5", b"-0x1", b"-1;x=y", b"-" + b"9" * 30])
def test_the_size_of_a_chunk_is_no_negative_number(size: bytes) -> None:
    """http.client reads on for ever at -1, and lets a ValueError out at others. This also notices when its private method is gone."""
    sent = 0

    def act(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(CHUNKED + size + b"\r\n")
        while sent < 32 * LARGEST_BODY:
            sent += connection.send(b"x" * 65536)

    with misbehaving(act) as server:
        found = outcome(HttpClient(), server.url)
    assert isinstance(found, MalformedResponseError)
    assert sent < 16 * LARGEST_BODY  # what fits into the buffers on the way


@pytest.mark.parametrize("size", [b"f" * 16, b"f" * 5000, b"7fffffffffffffff"])
def test_a_chunk_of_an_absurd_size_is_refused_when_the_bound_is_reached(size: bytes) -> None:
    with misbehaving(lambda connection: connection.sendall(CHUNKED + size + b"\r\n" + b"x" * (LARGEST_BODY + 1))) as server:
        found = outcome(HttpClient(), server.url)
    assert isinstance(found, MalformedResponseError)
    assert "1048576" in str(found)


@pytest.mark.parametrize("length", [b"-1", b"9" * 5000, b"1e3", b"5, 6", b"0x5"])
def test_an_absurd_length_does_no_harm(length: bytes) -> None:
    with misbehaving(lambda connection: connection.sendall(HEAD + b"Content-Length: " + length + b"\r\n\r\nhello")) as server:
        found = outcome(HttpClient(), server.url)
    assert isinstance(found, (MalformedResponseError, TransientError)) or found.body == b"hello"


# --- anything ---------------------------------------------------------------------------------------------------------------------------

PIECES = [
    HEAD, b"HTTP/1.1 103 x\r\n", b"HTTP/1.0 ", b"HTTP/1.1 099 x\r\n", b"HTTP/1.1 99999 x\r\n", b"\r\n", b"\r\n\r\n", b"\n",
    b"Content-Length: 5\r\n", b"Content-Length: -5\r\n", b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Content-Encoding: gzip\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: x\r\n", b"Location: /x\r\n", b"Connection: close\r\n", b"Upgrade: x\r\n",
    b"a" * 70000, b"A: b\r\n" * 120, b": x\r\n", b" folded\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"-1\r\n", b"\xff\xfe", b"\0", b"{}",
]  # fmt: skip


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=20)), max_size=12).map(b"".join))
def test_whatever_comes_is_an_answer_or_an_error_of_alicreds_own(answer: bytes) -> None:
    with misbehaving(lambda connection: connection.sendall(answer)) as server:
        assert isinstance(outcome(HttpClient(), server.url), (HttpResponse, ProviderError))


@pytest.mark.parametrize(
    "raised",
    [ValueError("planted"), RuntimeError("planted"), AssertionError("planted"), UnicodeError("planted"), RecursionError("planted"),
     http.client.ResponseNotReady("planted"), urllib3.exceptions.LocationParseError("planted"), OSError("planted"), MemoryError()],
    ids=lambda raised: type(raised).__name__,
)  # fmt: skip
@pytest.mark.parametrize(
    "below", ["urllib3.HTTPConnectionPool.__init__", "urllib3.HTTPConnectionPool.urlopen", "http.client.HTTPResponse.read"]
)
def test_whatever_is_raised_below_leaves_as_an_error_of_alicreds_own(
    raised: Exception, below: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    with answering(lambda _: Reply()) as server:
        monkeypatch.setattr(below, fail)
        found = outcome(HttpClient(), server.url)
    assert isinstance(found, ProviderError)
    assert "planted" not in str(found)
    assert isinstance(found, TransientError) or type(raised) not in (OSError, MemoryError)


# --- time, through a proxy that is reached over TLS -------------------------------------------------------------------------------------


def test_tls_goes_within_the_tls_of_a_proxy(certificate: Path) -> None:
    with answering(lambda _: Reply(body=b"ok"), certificate=certificate) as server, tls_proxy(certificate, threading.Event()) as port:
        response = HttpClient(ca_file=certificate, proxy=f"https://127.0.0.1:{port}").request("GET", server.url)
    assert (response.body, response.secure) == (b"ok", True)


@pytest.mark.parametrize("moment", ["the handshake", "the answer"])
def test_a_proxy_that_drips_does_not_win_time(moment: str, certificate: Path) -> None:
    slow = threading.Event()

    def reply(request: Request) -> Reply:
        slow.set()
        return Reply(body=b"x" * 500)

    if moment == "the handshake":
        slow.set()
    with answering(reply, certificate=certificate) as server, tls_proxy(certificate, slow) as port:
        timeouts = {"connect_timeout": SHORT if slow.is_set() else 10 * SHORT, "read_timeout": SHORT}
        started = time.monotonic()
        found = outcome(HttpClient(ca_file=certificate, proxy=f"https://127.0.0.1:{port}", **timeouts), server.url)
        took = time.monotonic() - started
    assert isinstance(found, TransientError)
    assert found.code == ("Unreachable" if moment == "the handshake" else "ReadTimeout")
    assert took < 3


def test_a_proxy_that_drips_its_answer_to_connect_does_not_win_time() -> None:
    def act(connection: socket.socket) -> None:
        for byte in HEAD + b"A: " + b"x" * 200:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    with misbehaving(act) as proxy:
        started = time.monotonic()
        found = outcome(HttpClient(proxy=proxy.url, connect_timeout=SHORT), "https://sts.example/")
        took = time.monotonic() - started
    assert isinstance(found, TransientError)
    assert found.code == "Unreachable"
    assert took < 3
