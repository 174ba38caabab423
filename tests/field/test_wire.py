"""Between a source and its service: what a server, a proxy or the machine itself can do to one request."""

from __future__ import annotations

import http.client
import resource
import socket
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alicred import (
    AlicredError,
    ChainProvider,
    Credential,
    CredentialsUriProvider,
    EcsRamRoleProvider,
    HttpClient,
    ImdsClient,
    StaticProvider,
    StsClient,
)
from alicred.clock import SystemClock
from alicred.wire.response import HttpResponse, learn_time
from tests.field import naive_wire
from tests.field.harness import Subject, bites, outcome
from tests.field.services import key
from tests.wire.metadata import metadata
from tests.wire.servers import Reply, answering, make_certificate, misbehaving, tls_proxy

HEAD = b"HTTP/1.1 200 OK\r\n"


def whole(body: bytes) -> bytes:
    return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body


def through_a_proxy(url: str, *, proxy: str, ca_file: str, timeout: float) -> CredentialsUriProvider:
    span = timedelta(seconds=timeout)
    return CredentialsUriProvider(url, http=HttpClient(proxy=proxy, ca_file=ca_file, connect_timeout=span, read_timeout=span))


def metadata_service(url: str) -> EcsRamRoleProvider:
    return EcsRamRoleProvider("role", imds=ImdsClient(url))


class CallerOf:
    """Asks STS, and trusts what the system trusts."""

    def __init__(self, url: str) -> None:
        self._sts = StsClient(url, http=HttpClient(trust_environment=False))

    def get(self) -> Any:
        return self._sts.get_caller_identity(Credential("id", "secret"))


@bites(naive_wire.TrustsTheSizeOfAChunk, failing="it has taken", alicred=CredentialsUriProvider)
def test_a_chunk_of_a_negative_size_is_no_way_round_the_bound_of_an_answer(subject: Subject) -> None:
    taken = 0

    def act(connection: socket.socket) -> None:
        nonlocal taken
        connection.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n")
        while taken < 64 << 20:
            taken += connection.send(b"x" * 65536)

    with misbehaving(act) as server:
        try:
            outcome(subject.make(server.url).get)
        except (ValueError, http.client.HTTPException):
            assert subject.naive  # what it has taken is no key, of course
    assert taken < 32 << 20, f"it has taken {taken >> 20} MiB"


@bites(naive_wire.KeepsItsConnection, failing="mixed up", alicred=CredentialsUriProvider)
def test_an_answer_that_comes_too_early_answers_no_request(subject: Subject) -> None:
    requests = 0

    def act(connection: socket.socket) -> None:
        nonlocal requests
        requests += 1
        planted = whole(key("planted")) if requests == 1 else b""
        connection.sendall(whole(key(f"id-{requests}")) + planted)
        connection.recv(65536)

    with misbehaving(act) as server:
        source = subject.make(server.url)
        found = [source.get().access_key_id for _ in range(2)]
    assert found == ["id-1", "id-2"], f"mixed up: {found}"


@bites(naive_wire.TimesEachRead, failing="it took", alicred=through_a_proxy)
def test_a_proxy_that_drips_wins_no_time(subject: Subject, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path / "tls.pem")
    slow = threading.Event()

    def reply(_: object) -> Reply:
        slow.set()
        return Reply(body=key("id", "x" * 600))

    with answering(reply, certificate=certificate) as server, tls_proxy(certificate, slow) as port:
        source = subject.make(server.url, proxy=f"https://127.0.0.1:{port}", ca_file=str(certificate), timeout=1)
        began = time.monotonic()
        outcome(source.get)
        took = time.monotonic() - began
    assert took < 6, f"it took {took:.0f} s"


@bites(naive_wire.believes_the_date, failing="it raised", alicred=learn_time)
def test_a_date_that_is_none_does_no_harm(subject: Subject) -> None:
    response = HttpResponse(200, {"date": "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"}, b"", secure=True)
    raised: Exception | None = None
    try:
        subject.make(SystemClock(), response, 1.0)
    except Exception as error:
        raised = error
    assert raised is None, f"it raised {raised!r}"


@bites(naive_wire.HandsOutWhatCame, failing="handed out", alicred=CredentialsUriProvider)
def test_a_token_that_cannot_be_sent_on_is_not_handed_out(subject: Subject) -> None:
    with answering(lambda _: Reply(body=key("id", "token\ud800"))) as server:
        found = outcome(subject.make(server.url).get)
    assert isinstance(found, AlicredError), "handed out, and every request signed with it fails"


@bites(naive_wire.TakesEveryShortageForAbsence, failing="another identity", alicred=metadata_service)
def test_a_machine_without_descriptors_does_not_change_its_identity(subject: Subject) -> None:
    with metadata() as service:
        outcome(subject.make(service.server.url).get)  # so that all modules are loaded
        chain = ChainProvider(subject.make(service.server.url), StaticProvider(Credential("another", "secret")))

        def without_descriptors() -> str:
            _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (0, most))
            found = outcome(chain.get)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            return found.access_key_id if isinstance(found, Credential) else ""

        assert subject.in_child(without_descriptors) == "", "another identity is used"


@bites(naive_wire.BlamesTheServer, failing="astray", alicred=CallerOf)
def test_where_nothing_is_trusted_the_error_says_so(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = make_certificate(tmp_path / "tls.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "misspelt.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with answering(lambda _: Reply(), certificate=certificate) as server:
        said = str(outcome(subject.make(server.url).get))
    assert "Correct SSL_CERT_FILE, which names" in said, f"astray: {said}"


ANSWERS: dict[str, Callable[[], Reply]] = {
    "404": lambda: Reply(404, b""),
    "a page": lambda: Reply(200, b"<html></html>"),
    "no success": lambda: Reply(200, b'{"Code": "Failed"}'),
}


@bites(naive_wire.AsksWithoutATokenOnlyIfThereIsNone, failing="no key", alicred=metadata_service)
@pytest.mark.parametrize("answer", sorted(ANSWERS))
def test_a_metadata_service_that_knows_half_of_version_2_is_asked_without_a_token(subject: Subject, answer: str) -> None:
    with metadata() as service:
        service.key_with_token = ANSWERS[answer]()
        try:
            found: object = outcome(subject.make(service.server.url).get)
        except (ValueError, KeyError) as error:
            found = error
    assert isinstance(found, Credential), f"no key: {found}"
