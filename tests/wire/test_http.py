from __future__ import annotations

import contextlib
import os
import pickle
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from urllib3.connection import HTTPConnection

from alicred.errors import AlicredError, ConfigurationError, MalformedResponseError, ProviderError, TransientError
from alicred.wire.http import HttpClient
from alicred.wire.response import HttpResponse
from tests.wire.servers import Reply, Request, answering, make_certificate, misbehaving, read_head

SHORT = timedelta(milliseconds=200)


def ok(request: Request) -> Reply:
    return Reply(body=b"ok", headers={"X-One": "1"})


def failure(client: HttpClient, url: str) -> AlicredError:
    with pytest.raises(AlicredError) as caught:
        client.request("GET", url)
    return caught.value


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


def chunked(*sizes: int) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (size, b"x" * size) for size in sizes)


HEAD = b"HTTP/1.1 200 OK\r\n"


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


# --- time -------------------------------------------------------------------------------------------------------------------------------


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
    assert str(error) == f"GET {server.url}/path: no complete answer within 0.2 s (code ReadTimeout)"


def test_a_refused_connection_is_unreachable(closed_port: int) -> None:
    error = failure(HttpClient(), f"http://u:planted@127.0.0.1:{closed_port}/path?planted")
    assert isinstance(error, TransientError)
    assert str(error) == f"GET http://127.0.0.1:{closed_port}/path: cannot connect: Connection refused (code Unreachable)"
    assert error.__cause__ is None
    assert error.__context__ is None


def full_listener() -> tuple[socket.socket, list[socket.socket]]:
    """A listener whose queue is full: further connections hang."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=0)
    waiting = []
    for _ in range(4):
        waiting.append(socket.socket())
        waiting[-1].setblocking(False)
        waiting[-1].connect_ex(listener.getsockname())
    return listener, waiting


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


# --- TLS --------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


def test_an_own_authority_is_trusted_if_it_is_named(certificate: Path) -> None:
    with answering(ok, certificate=certificate) as server:
        assert HttpClient(ca_file=certificate).request("GET", server.url).secure


@pytest.mark.parametrize("case", ["unknown authority", "expired", "other host"])
def test_a_certificate_that_cannot_be_verified_is_refused_for_good(case: str, certificate: Path, tmp_path: Path) -> None:
    served = make_certificate(tmp_path / "expired.pem", expired=True) if case == "expired" else certificate
    client = HttpClient() if case == "unknown authority" else HttpClient(ca_file=served)
    with answering(ok, certificate=served) as server:
        error = failure(client, server.url.replace("127.0.0.1", "localhost") if case == "other host" else server.url)
    assert isinstance(error, ProviderError)
    assert (error.code, error.retryable) == ("CertificateNotVerified", False)
    assert "ca_file" in str(error)
    assert "clock" in str(error)
    assert server.requests == []


def test_plain_http_on_a_tls_port_is_said_so() -> None:
    with answering(ok) as server:
        error = failure(HttpClient(), server.url.replace("http:", "https:"))
    assert isinstance(error, ProviderError)
    assert (error.code, error.retryable) == ("TlsFailed", False)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_an_unusable_ca_file_is_named_at_the_first_request(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    client = HttpClient(ca_file=path)
    error = failure(client, "https://127.0.0.1:1/")
    assert isinstance(error, ConfigurationError)
    assert str(path) in str(error)


# --- connections ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("secure", [False, True])
def test_each_request_has_a_connection_of_its_own(secure: bool, certificate: Path) -> None:
    """So whatever a server sends too much is taken for no other answer."""
    with answering(ok, certificate=certificate if secure else None) as server:
        client = HttpClient(ca_file=certificate)
        for _ in range(3):
            client.request("GET", server.url)
        client.close()
        client.request("GET", server.url)
    assert server.connections == 4


@pytest.mark.parametrize("answer", [HEAD + b"Content-Length: 2\r\n\r\nok", HEAD + b"Content-Length: 2\r\n\r\nok, and more", b"SSH-2.0\r\n"])
def test_a_connection_is_closed_when_its_request_ends(answer: bytes) -> None:
    rest: list[bytes] = []

    def act(connection: socket.socket) -> None:
        connection.sendall(answer)
        rest.append(connection.recv(1))

    with misbehaving(act) as server, contextlib.suppress(MalformedResponseError):
        HttpClient().request("GET", server.url)
    assert rest == [b""]


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints", b"199 x"])
@pytest.mark.parametrize("times", [1, 3])
def test_an_interim_answer_is_not_the_answer(interim: bytes, times: int) -> None:
    def act(connection: socket.socket) -> None:
        connection.sendall((b"HTTP/1.1 " + interim + b"\r\nLink: </a>\r\n\r\n") * times)
        connection.sendall(HEAD + b"Content-Length: 5\r\n\r\nfinal")

    with misbehaving(act) as server:
        answer = HttpClient().request("GET", server.url)
    assert (answer.status, answer.body) == (200, b"final")
    assert "link" not in answer.headers


def test_a_change_of_the_protocol_is_an_answer() -> None:
    with misbehaving(lambda connection: connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")) as server:
        assert HttpClient().request("GET", server.url).status == 101


def in_child(act: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("secure", [False, True])
def test_a_forked_child_can_ask(secure: bool, certificate: Path) -> None:
    with answering(ok, certificate=certificate if secure else None) as server:
        client = HttpClient(ca_file=certificate)
        client.request("GET", server.url)

        def act() -> None:
            assert client.request("GET", server.url).body == b"ok"

        assert in_child(act) == 0
        assert client.request("GET", server.url).body == b"ok"


def test_threads_may_share_a_client() -> None:
    bodies: list[bytes] = []
    with answering(lambda request: Reply(body=request.target.encode())) as server:
        client = HttpClient()

        def work(number: int) -> None:
            for turn in range(20):
                body = client.request("GET", f"{server.url}/{number}/{turn}").body
                bodies.append(body if body == f"/{number}/{turn}".encode() else b"mixed up")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(set(bodies)) == 160
    assert b"mixed up" not in bodies


def test_a_pickled_client_takes_its_configuration_along(tmp_path: Path) -> None:
    with answering(ok) as server:
        client = HttpClient(read_timeout=SHORT, proxy=server.url, trust_environment=False)
        client.request("GET", "http://one.example/")
        twin = pickle.loads(pickle.dumps(client))
        assert twin.request("GET", "http://two.example/").body == b"ok"
        assert repr(twin) == repr(client)
        assert [request.target for request in server.requests] == ["http://one.example/", "http://two.example/"]


# --- proxies ----------------------------------------------------------------------------------------------------------------------------


def test_plain_http_is_forwarded_by_the_proxy_with_its_password() -> None:
    with answering(ok) as proxy:
        client = HttpClient(proxy=proxy.url.replace("//", "//user:planted@"))
        client.request("GET", "http://sts.example:8/path?q")
    (seen,) = proxy.requests
    assert seen.target == "http://sts.example:8/path?q"
    assert seen.headers["host"] == "sts.example:8"
    assert seen.headers["proxy-authorization"] == "Basic dXNlcjpwbGFudGVk"
    assert "planted" not in repr(client)


def test_the_environment_is_read_at_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(ok) as server, answering(lambda _: Reply(body=b"proxy")) as proxy:
        client = HttpClient()
        bodies = [client.request("GET", server.url).body]
        monkeypatch.setenv("http_proxy", proxy.url)
        bodies.append(client.request("GET", server.url).body)
        bodies.append(HttpClient(trust_environment=False).request("GET", server.url).body)
        monkeypatch.setenv("NO_PROXY", "127.0.0.0/8")
        bodies.append(client.request("GET", server.url).body)
        monkeypatch.setenv("http_proxy", "socks5://x")
        bodies.append(HttpClient(proxy=proxy.url).request("GET", server.url).body)
    assert bodies == [b"ok", b"proxy", b"ok", b"ok", b"proxy"]


def connecting_proxy(heads: list[bytes], answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n") -> tuple[socket.socket, threading.Thread]:
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(5)

    def pump(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(5)
            heads.append(read_head(connection))
            connection.sendall(answer)
            if b" 200 " not in answer:
                return
            port = int(heads[0].split(b" ")[1].rpartition(b":")[2])
            with socket.create_connection(("127.0.0.1", port), timeout=5) as upstream:
                back = threading.Thread(target=pump, args=(upstream, connection))
                back.start()
                pump(connection, upstream)
                back.join()

    thread = threading.Thread(target=serve)
    thread.start()
    return listener, thread


def test_tls_goes_through_a_tunnel_and_the_password_to_the_proxy_only(certificate: Path) -> None:
    heads: list[bytes] = []
    listener, thread = connecting_proxy(heads)
    with listener, answering(ok, certificate=certificate) as server:
        client = HttpClient(proxy=f"http://user:planted@127.0.0.1:{listener.getsockname()[1]}", ca_file=certificate)
        assert client.request("GET", f"{server.url}/path").secure
        thread.join()
    assert heads[0].startswith(b"CONNECT 127.0.0.1:%d HTTP/1." % server.port)
    assert b"\r\nProxy-Authorization: Basic dXNlcjpwbGFudGVk\r\n" in heads[0]
    assert [request.target for request in server.requests] == ["/path"]
    assert "proxy-authorization" not in server.requests[0].headers


def test_the_answer_of_a_proxy_has_its_time_whichever_address_of_it_answers(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with two families of addresses, one of which leads nowhere: `connect_timeout` is for each of them."""
    heads: list[bytes] = []
    hole, waiting = full_listener()
    listener, thread = connecting_proxy(heads)
    real = socket.getaddrinfo

    def two_addresses(host: str, *arguments: Any, **options: Any) -> Any:
        if host != "proxy.example":
            return real(host, *arguments, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", each.getsockname()) for each in (hole, listener)]

    monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
    try:
        with listener, answering(ok, certificate=certificate) as server:
            listener.settimeout(20)
            client = HttpClient(proxy="http://proxy.example:1", ca_file=certificate, connect_timeout=timedelta(seconds=2))
            assert client.request("GET", server.url).status == 200
            thread.join()
    finally:
        for each in (hole, *waiting):
            each.close()


@pytest.mark.skipif(not hasattr(HTTPConnection, "_wrap_ipv6"), reason="this http.client and this urllib3 leave the brackets out")
def test_a_tunnel_to_an_address_of_ipv6_is_asked_for_in_brackets() -> None:
    heads: list[bytes] = []
    listener, thread = connecting_proxy(heads, b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
    with listener:
        failure(HttpClient(proxy=f"http://127.0.0.1:{listener.getsockname()[1]}"), "https://[2001:db8::1]/")
        thread.join()
    first, *rest = heads[0].split(b"\r\n")
    assert first.startswith(b"CONNECT [2001:db8::1]:443 HTTP/1.")
    assert [line for line in rest if line.lower().startswith(b"host:")] == [b"Host: [2001:db8::1]:443"]


def test_a_proxy_may_be_reached_over_tls(certificate: Path) -> None:
    with answering(ok, certificate=certificate) as proxy:
        client = HttpClient(proxy=proxy.url.replace("//", "//user:planted@"), ca_file=certificate)
        response = client.request("GET", "http://sts.example/path")
    (seen,) = proxy.requests
    assert seen.target == "http://sts.example/path"
    assert seen.headers["proxy-authorization"] == "Basic dXNlcjpwbGFudGVk"
    assert not response.secure  # the proxy was verified, the server was not


@pytest.mark.parametrize(
    ("status", "code", "retryable"), [(407, "ProxyRefused", False), (403, "ProxyRefused", False), (502, "Unreachable", True)]
)
def test_a_proxy_that_refuses_a_tunnel_is_said_so(status: int, code: str, retryable: bool) -> None:
    listener, thread = connecting_proxy([], b"HTTP/1.1 %d planted\r\n\r\n" % status)
    with listener:
        error = failure(HttpClient(proxy=f"http://user:planted@127.0.0.1:{listener.getsockname()[1]}"), "https://sts.example/")
        thread.join()
    assert isinstance(error, ProviderError)
    assert (error.code, error.status, error.retryable) == (code, status, retryable)
    assert "planted" not in f"{error}{error.__cause__}{error.__context__}"


def test_a_proxy_that_asks_for_a_password_is_said_so() -> None:
    with answering(lambda _: Reply(407, b"")) as proxy:
        error = failure(HttpClient(proxy=proxy.url), "http://sts.example/")
    assert isinstance(error, ProviderError)
    assert error.code == "ProxyRefused"


def test_an_unreachable_proxy_is_named_without_its_password(closed_port: int) -> None:
    error = failure(HttpClient(proxy=f"http://user:planted@127.0.0.1:{closed_port}"), "https://sts.example/")
    assert isinstance(error, TransientError)
    assert error.code == "Unreachable"
    assert f"through the proxy http://127.0.0.1:{closed_port}" in str(error)
    assert "planted" not in f"{error}{error.__cause__}{error.__context__}"


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
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout.strip() == "[]"
