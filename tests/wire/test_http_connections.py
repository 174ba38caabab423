"""Connections: one for each request, closed when it ends; forks, threads and pickles."""

from __future__ import annotations

import contextlib
import pickle
import socket
import threading
from pathlib import Path

import pytest

from alicred.errors import MalformedResponseError
from alicred.wire.http import HttpClient
from tests.forked import in_child
from tests.wire.http_support import HEAD, SHORT, ok
from tests.wire.servers import Reply, answering, misbehaving


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


@pytest.mark.parametrize("secure", [False, True])
def test_a_forked_child_can_ask(secure: bool, certificate: Path) -> None:
    with answering(ok, certificate=certificate if secure else None) as server:
        client = HttpClient(ca_file=certificate)
        client.request("GET", server.url)
        assert in_child(lambda: client.request("GET", server.url).body) == b"ok"
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
