"""Proxies: forwarding, tunnels and passwords."""

from __future__ import annotations

import contextlib
import socket
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from urllib3.connection import HTTPConnection

from alicred.errors import ProviderError, TransientError
from alicred.wire.http import HttpClient
from tests.wire.http_support import failure, full_listener, ok
from tests.wire.servers import Reply, answering, read_head


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
            with socket.create_connection(("127.0.0.1", port), timeout=30) as upstream:
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
