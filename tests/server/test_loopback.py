"""The loopback server: strict about who asks, never late, and fresh by itself."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from alicred import CachingProvider, Credential, CredentialsUriProvider, DeniedError, RefreshPolicy, TransientError
from alicred.policy import Backoff
from alicred.server import loopback
from alicred.server.loopback import LoopbackServer, for_clients
from tests.support import HOUR, SECOND, Gate, Script, wait_until


@pytest.fixture
def provider() -> Iterator[CachingProvider[Credential]]:
    with CachingProvider(Script(HOUR), refresh=for_clients()) as cache:
        cache.get()
        yield cache


@pytest.fixture
def server(provider: CachingProvider[Credential]) -> Iterator[LoopbackServer]:
    with LoopbackServer({"reports": provider}) as running:
        yield running


def split(server: LoopbackServer) -> tuple[int, str, str]:
    """Port, path and token of the address of ``reports``."""
    parts = urlsplit(server.uri("reports"))
    assert parts.port is not None
    return parts.port, parts.path, parts.query.removeprefix("token=")


def ask(
    server: LoopbackServer, target: str | None = None, method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], dict[str, str]]:
    """Status, headers and body of an answer."""
    port, path, token = split(server)
    with closing(HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request(
            method, f"{path}?token={token}" if target is None else target, headers={k.replace("_", "-"): v for k, v in headers.items()}
        )
        response = connection.getresponse()
        body = json.loads(response.read())
    assert isinstance(body, dict)
    return response.status, {name.lower(): value for name, value in response.getheaders()}, body


def raw(server: LoopbackServer, sent: bytes) -> bytes:
    """What comes back for *sent*, as bytes."""
    with socket.create_connection(("127.0.0.1", split(server)[0]), timeout=20) as connection:
        connection.sendall(sent)
        received = bytearray()
        try:
            while part := connection.recv(65536):
                received += part
        except ConnectionResetError:
            pass  # not everything that was sent was read
    return bytes(received)


def test_the_address_answers_with_the_credential(server: LoopbackServer) -> None:
    status, headers, body = ask(server)
    assert status == 200
    assert headers["cache-control"] == "no-store"
    assert headers["content-type"] == "application/json"
    assert "server" not in headers
    assert set(body) == {"Code", "AccessKeyId", "AccessKeySecret", "SecurityToken", "Expiration"}
    assert (body["Code"], body["AccessKeyId"]) == ("Success", "id-1")
    assert CredentialsUriProvider(server.uri("reports")).get().access_key_secret == "secret-1"


def test_the_token_may_come_as_a_header(server: LoopbackServer) -> None:
    _, path, token = split(server)
    assert ask(server, path, Authorization=f"Bearer {token}")[0] == 200


@pytest.mark.parametrize(
    "target", ["/v1/credentials/reports", "/v1/credentials/reports?token=", "/?token=x", "/v1/credentials/none?token=wrong"]
)
def test_without_the_token_every_path_is_unauthorized(target: str, server: LoopbackServer) -> None:
    status, _, body = ask(server, target)
    assert (status, body["Code"]) == (401, "Unauthorized")


def test_there_is_no_default_name_and_no_list(server: LoopbackServer) -> None:
    _, path, token = split(server)
    for other in ("/", "/v1/credentials/", "/v1/credentials", "/v1/credentials/none", f"/x{path}", f"{path}/"):
        assert ask(server, f"{other}?token={token}")[0] == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:{port}", "localhost", "LOCALHOST:{port}", "[::1]:{port}"])
def test_the_host_may_be_written_in_every_way_that_means_this_machine(host: str, server: LoopbackServer) -> None:
    assert ask(server, Host=host.format(port=split(server)[0]))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1:1"},
        {"Host": "127.0.0.1.evil.example"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"X_Forwarded_For": "10.0.0.1"},
        {"Forwarded": "for=10.0.0.1"},
    ],
    ids=str,
)
def test_a_page_in_a_browser_and_a_proxy_are_refused(headers: dict[str, str], server: LoopbackServer) -> None:
    port = split(server)[0]
    status, _, body = ask(server, **{name: value.format(port=port) for name, value in headers.items()})
    assert (status, body["Code"]) == (403, "Forbidden")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
def test_anything_but_get_is_refused(method: str, server: LoopbackServer) -> None:
    port, path, token = split(server)
    answer = raw(server, f"{method} {path}?token={token} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 405 ")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\n\r\nabc", 400),
        (b"GET /x HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", 400),
        (b"GET http://127.0.0.1/ HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\xff: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 403),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.example\r\n\r\n", 403),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 90000, 431),
    ],
)
def test_what_is_no_proper_request_is_an_error(sent: bytes, status: int, server: LoopbackServer) -> None:
    answer = raw(server, sent)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()) or (status == 431 and answer == b"")  # reset: not all was read
    assert ask(server)[0] == 200


def test_a_head_that_takes_too_long_is_cut_off(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "_HEAD_WITHIN", 0.2)
    assert raw(server, b"GET / HTTP/1.1\r\n").startswith(b"HTTP/1.1 408 ")


def test_a_client_that_goes_away_does_no_harm(server: LoopbackServer) -> None:
    for sent in (b"", b"GET / HT"):
        with socket.create_connection(("127.0.0.1", split(server)[0])) as connection:
            connection.sendall(sent)
    assert ask(server)[0] == 200


def test_too_many_connections_are_closed_and_the_others_go_on(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    address = ("127.0.0.1", split(server)[0])
    held = [socket.create_connection(address) for _ in range(loopback._CONNECTIONS)]
    try:
        wait_until(lambda: raw(server, b"GET / HTTP/1.1\r\n\r\n") == b"")
    finally:
        for connection in held:
            connection.close()
    wait_until(lambda: raw(server, b"GET / HTTP/1.1\r\n\r\n") != b"")


def test_too_many_requests_have_to_wait(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "_PER_SECOND", 0)
    status, headers, body = ask(server)
    assert (status, headers["retry-after"], body["Code"]) == (429, "1", "TooManyRequests")


def test_a_credential_that_cannot_be_had_is_503_and_says_why_without_a_secret() -> None:
    script = Script(SECOND / 100, DeniedError("no permission", provider="role", code="NoPermission"))
    policy = RefreshPolicy(failure_backoff=Backoff(initial=HOUR, maximum=HOUR))
    with CachingProvider(script, refresh=policy) as cache, LoopbackServer({"reports": cache}) as server:
        cache.get()
        wait_until(lambda: ask(server)[0] != 200)
        status, headers, body = ask(server)
    assert (status, headers["retry-after"], body["Code"]) == (503, "1", "NoPermission")
    assert "no permission" in body["Message"]
    assert "secret-1" not in str(body)
    assert "token-1" not in str(body)


def test_an_answer_comes_within_a_second_even_while_the_source_hangs() -> None:
    gate = Gate()
    with CachingProvider(Script(SECOND / 100, gate)) as cache:
        cache.get()
        with LoopbackServer({"reports": cache}) as server:
            assert gate.entered.wait(10)
            began = time.monotonic()
            status, headers, _ = ask(server)
            assert time.monotonic() - began < 5  # the machine may be busy
            assert (status, headers["retry-after"]) == (503, "1")
            gate.open()
            wait_until(lambda: ask(server)[0] == 200)


@pytest.mark.parametrize("value", [Credential("id", "secret"), Credential("id", "secret", "token")], ids=["permanent", "of unknown end"])
def test_a_key_without_token_or_end_is_not_served(value: Credential) -> None:
    with CachingProvider(Script(value)) as cache, LoopbackServer({"reports": cache}) as server:
        status, _, body = ask(server)
    assert (status, body["Code"]) == (503, "NotTemporary")


def test_the_value_is_refreshed_when_it_is_due_though_no_client_asks() -> None:
    script = Script(SECOND * 2, HOUR)
    with CachingProvider(script, refresh=for_clients()) as cache:
        cache.get()
        with LoopbackServer({"reports": cache}):
            wait_until(lambda: script.calls == 2)


def test_after_a_failed_refresh_it_goes_on() -> None:
    script = Script(SECOND * 2, TransientError("away", provider="script"), HOUR)
    policy = RefreshPolicy(ahead=timedelta(minutes=20), failure_backoff=Backoff(initial=SECOND / 10, maximum=SECOND / 10))
    with CachingProvider(script, refresh=policy) as cache:
        cache.get()
        with LoopbackServer({"reports": cache}):
            wait_until(lambda: script.calls == 3)


def test_after_the_stop_no_one_answers(server: LoopbackServer) -> None:
    port = split(server)[0]
    server.stop()

    def closed() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return True
        return False

    wait_until(closed)


def test_two_servers_have_two_tokens_and_the_repr_has_none(provider: CachingProvider[Credential]) -> None:
    with LoopbackServer({"a": provider}) as one, LoopbackServer({"a": provider}) as other:
        tokens = {each.uri("a").partition("token=")[2] for each in (one, other)}
        assert len(tokens) == 2
        assert all(len(token) >= 43 for token in tokens)
        assert not any(token in repr(each) for token in tokens for each in (one, other))
