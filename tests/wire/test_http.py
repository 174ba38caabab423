"""What goes out and comes in: requests, answers, bodies, parameters."""

from __future__ import annotations

import socket
import threading
import time
from datetime import timedelta

import pytest

from alicred.errors import ConfigurationError, MalformedResponseError, TransientError
from alicred.wire.http import HttpClient
from alicred.wire.response import HttpResponse
from tests.wire.http_support import HEAD, chunked, failure, ok
from tests.wire.servers import Reply, answering, misbehaving

# --- what goes out and comes in ---------------------------------------------------------------------------------------------------------


def test_a_request_goes_out_as_it_is_and_the_answer_comes_in_whole() -> None:
    with answering(ok) as server:
        response = HttpClient().request("POST", f"{server.url}/a%20b?c=d%20e", headers={"X-Two": "2"}, body=b"body")
    (seen,) = server.requests
    assert (seen.method, seen.target, seen.body, seen.headers["x-two"]) == ("POST", "/a%20b?c=d%20e", b"body", "2")
    assert seen.headers["host"] == f"127.0.0.1:{server.port}"
    assert (response.status, response.body, response.headers["x-one"], response.secure) == (200, b"ok", "1", False)


def test_repeated_headers_are_joined() -> None:
    def act(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\nContent-Length: 0\r\n\r\n")

    with misbehaving(act) as server:
        assert HttpClient().request("GET", server.url).headers["a"] == "1, 2"


def test_the_repr_of_an_answer_shows_the_status_only() -> None:
    assert repr(HttpResponse(200, {"a": "planted"}, b"planted", True)) == "HttpResponse(status=200)"


@pytest.mark.parametrize("status", [200, 204, 400, 404, 500])
def test_any_other_status_is_the_callers_business(status: int) -> None:
    with answering(lambda _: Reply(status, b"")) as server:
        assert HttpClient().request("GET", server.url).status == status


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_redirects_are_refused_and_not_followed(status: int) -> None:
    with answering(lambda _: Reply(status, b"", {"Location": "/planted"})) as server:
        error = failure(HttpClient(), server.url)
    assert isinstance(error, MalformedResponseError)
    assert error.status == status
    assert "redirect" in str(error)
    assert "planted" not in str(error)
    assert len(server.requests) == 1


# --- bodies -----------------------------------------------------------------------------------------------------------------------------

MIB = 1 << 20


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: %d\r\n\r\n" % MIB + b"x" * MIB,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(MIB - 5, 5, 0),
        HEAD + b"\r\n" + b"x" * MIB,
    ],
    ids=["length", "chunked", "until the end"],
)
def test_a_body_of_one_mebibyte_is_read(answer: bytes) -> None:
    with misbehaving(lambda connection: connection.sendall(answer)) as server:
        assert len(HttpClient().request("GET", server.url).body) == MIB


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + b"Content-Length: %d\r\n\r\n" % (MIB + 1),  # and nothing follows: it is refused unread
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(MIB, 1),
        HEAD + b"\r\n" + b"x" * (MIB + 1),
    ],
    ids=["length", "chunked", "until the end"],
)
def test_a_larger_body_is_refused(answer: bytes) -> None:
    done = threading.Event()

    def act(connection: socket.socket) -> None:
        connection.sendall(answer)
        done.wait(30)

    with misbehaving(act) as server:
        started = time.monotonic()
        error = failure(HttpClient(), server.url)
        done.set()
    assert isinstance(error, MalformedResponseError)
    assert "1048576" in str(error)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        HEAD,
        HEAD + b"Content-Length: 10\r\n\r\nplanted",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunked(5),
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\nplanted",
    ],
)
def test_a_truncated_answer_is_transient(answer: bytes) -> None:
    with misbehaving(lambda connection: connection.sendall(answer)) as server:
        error = failure(HttpClient(), server.url)
    assert isinstance(error, TransientError)
    assert error.code == "ConnectionBroken"
    assert "planted" not in f"{error}{error.__cause__}{error.__context__}"


@pytest.mark.parametrize("answer", [b"SSH-2.0-planted\r\n\r\n", b"HTTP/9 planted\r\n\r\n", HEAD + b"A: planted" * 9000 + b"\r\n\r\n"])
def test_what_is_not_http_is_malformed(answer: bytes) -> None:
    def act(connection: socket.socket) -> None:
        connection.sendall(answer)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)

    with misbehaving(act) as server:
        error = failure(HttpClient(), server.url)
    assert isinstance(error, MalformedResponseError)
    assert "planted" not in f"{error}{error.__cause__}{error.__context__}"


def test_a_reset_is_transient() -> None:
    def act(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with misbehaving(act) as server:
        error = failure(HttpClient(), server.url)
    assert isinstance(error, TransientError)
    assert error.code == "ConnectionBroken"


# --- parameters -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("connect_timeout", timedelta(0)),
        ("connect_timeout", 5),
        ("read_timeout", timedelta(seconds=-1)),
        ("read_timeout", None),
        ("proxy", "socks5://u:planted@p:1"),
        ("proxy", ""),
        ("proxy", 3),
        ("trust_environment", "planted"),
        ("ca_file", 3),
        ("ca_file", ""),
    ],
)
def test_a_wrong_parameter_is_named(name: str, value: object) -> None:
    arguments: dict[str, object] = {name: value}
    with pytest.raises(ConfigurationError, match=rf"HttpClient\.{name}") as caught:
        HttpClient(**arguments)  # type: ignore[arg-type]  # that is the point
    assert "planted" not in str(caught.value)


def test_a_logger_at_debug_level_learns_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="")
    with answering(lambda _: Reply(headers={"broken header": "planted"})) as server:
        client = HttpClient()
        client.request("GET", f"{server.url}/?planted", headers={"x": "planted"}, body=b"planted")
    assert "planted" not in caplog.text


def test_construction_loads_no_http_library() -> None:
    import subprocess
    import sys

    program = (
        "import sys; from alicred.wire.http import HttpClient; HttpClient();"
        "print([name for name in sys.modules if name in ('urllib3', 'ssl', 'http.client')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
