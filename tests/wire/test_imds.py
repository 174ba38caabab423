from __future__ import annotations

import pickle
import socket
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from alicred.credential import Credential
from alicred.errors import (
    AlicredError,
    ConfigurationError,
    DeniedError,
    MalformedResponseError,
    NotConfiguredError,
    ProviderError,
    TransientError,
)
from alicred.testing import FakeClock
from alicred.wire.imds import ImdsClient
from tests.forked import in_child
from tests.wire.metadata import Metadata, metadata
from tests.wire.servers import Reply

GOOD = Credential("STS.id", "planted-1", "planted-2", datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc))


@pytest.fixture
def service() -> Iterator[Metadata]:
    with metadata() as running:
        yield running


def fetch(client: ImdsClient, *, allow_v1: bool = True) -> Credential:
    return client.role_credential(client.role_name(allow_v1=allow_v1), allow_v1=allow_v1)


def outcome(client: ImdsClient, *, allow_v1: bool = True) -> Credential | AlicredError:
    try:
        return fetch(client, allow_v1=allow_v1)
    except AlicredError as error:
        shown = f"{error}{error!r}{vars(error)}{error.__cause__}{error.__context__}{pickle.dumps(error)!r}"
        assert "planted" not in shown
        return error


def test_the_steps_of_a_fetch_share_one_token_and_so_do_later_fetches(service: Metadata) -> None:
    client = ImdsClient(service.server.url)
    assert [fetch(client), fetch(client)] == [GOOD, GOOD]
    assert service.steps == "TNKNK"


def test_the_name_of_the_role_is_stripped_and_goes_encoded(service: Metadata) -> None:
    service.roles["r%2F1%3F"] = service.roles["role"]
    client = ImdsClient(service.server.url)
    assert client.role_name() == "role"
    assert client.role_credential("r/1?") == GOOD


def test_the_token_is_asked_for_with_its_time_to_live(service: Metadata) -> None:
    ImdsClient(service.server.url, token_ttl=timedelta(seconds=60)).role_name()
    assert service.server.requests[0].headers["x-aliyun-ecs-metadata-token-ttl-seconds"] == "60"


def test_a_token_is_used_until_it_ends(service: Metadata) -> None:
    clock = FakeClock()
    client = ImdsClient(service.server.url, token_ttl=timedelta(seconds=60), clock=clock)
    client.role_name()
    clock.advance(timedelta(seconds=59.9))
    client.role_name()
    assert service.steps == "TNN"
    clock.advance(timedelta(seconds=0.1))
    client.role_name()
    assert service.steps == "TNNTN"


def test_a_token_that_is_refused_is_dropped_and_fetched_once_more(service: Metadata) -> None:
    client = ImdsClient(service.server.url)
    client.role_name()
    service.token = "another"
    assert client.role_credential("role", allow_v1=False) == GOOD
    assert service.steps == "TNKTK"


def test_a_token_that_was_refused_is_not_tried_again_if_no_other_comes(service: Metadata) -> None:
    client = ImdsClient(service.server.url)
    client.role_name()
    service.token = "another"
    service.token_reply = Reply(500, b"")
    with pytest.raises(TransientError):
        client.role_credential("role", allow_v1=False)
    service.token_reply = None
    assert client.role_credential("role", allow_v1=False) == GOOD
    assert service.steps == "TNKTTK"


@pytest.mark.parametrize("status", [401, 403])
def test_tokens_that_are_always_refused_end_the_fetch(service: Metadata, status: int) -> None:
    service.with_token = Reply(status, b"planted")
    error = outcome(ImdsClient(service.server.url), allow_v1=False)
    assert isinstance(error, DeniedError)
    assert service.steps == "TNTN"


@pytest.mark.parametrize(
    "reply", [Reply(403, b""), Reply(404, b""), Reply(405, b""), Reply(500, b""), Reply(200, b""), Reply(200, b"<html> planted </html>")]
)
@pytest.mark.parametrize("allow_v1", [True, False])
def test_without_a_token_v1_is_asked_if_it_may_be(service: Metadata, reply: Reply, allow_v1: bool) -> None:
    service.token_reply = reply
    found = outcome(ImdsClient(service.server.url), allow_v1=allow_v1)
    assert (found == GOOD) is allow_v1
    assert service.steps == ("TnTk" if allow_v1 else "T")


NO_KEY = Reply(body=b'{"Code": "Failed", "Message": "planted"}')


@pytest.mark.parametrize(
    ("name", "key", "steps"),
    [
        (Reply(404, b"planted"), None, "TNnK"),
        (Reply(body=b"<html>planted"), None, "TNnK"),
        (None, Reply(404, b"planted"), "TNKk"),
        (None, Reply(body=b""), "TNKk"),
        (None, Reply(body=b"{}"), "TNKk"),
        (None, Reply(body=b"<html>planted"), "TNKk"),
        (None, NO_KEY, "TNKk"),
    ],
)
def test_v1_is_asked_too_if_an_answer_to_a_token_is_not_usable(
    service: Metadata, name: Reply | None, key: Reply | None, steps: str
) -> None:
    service.listing_with_token, service.key_with_token = name, key
    client = ImdsClient(service.server.url)
    assert outcome(client) == GOOD
    assert service.steps == steps
    assert isinstance(outcome(client, allow_v1=False), (NotConfiguredError, ProviderError))
    assert service.steps.count("n") + service.steps.count("k") == 1


@pytest.mark.parametrize(("name", "key"), [(Reply(404, b""), None), (None, Reply(404, b"")), (None, NO_KEY)])
def test_if_the_service_wants_a_token_what_it_says_to_one_is_the_error(service: Metadata, name: Reply | None, key: Reply | None) -> None:
    service.v1 = False
    service.listing_with_token, service.key_with_token = name, key
    client = ImdsClient(service.server.url)
    with_token = outcome(client, allow_v1=False)
    assert str(outcome(client)) == str(with_token)


@pytest.mark.parametrize("status", [400, 401, 403, 500, 503])
def test_v1_is_asked_too_if_a_token_does_not_help(service: Metadata, status: int) -> None:
    service.with_token = Reply(status, b"planted")
    client = ImdsClient(service.server.url)
    assert outcome(client) == GOOD
    assert service.steps.count("n") == service.steps.count("k") == 1
    assert isinstance(outcome(client, allow_v1=False), ProviderError)


def test_throttling_is_no_reason_to_ask_again(service: Metadata) -> None:
    service.with_token = Reply(429, b"planted", {"Retry-After": "3"})
    error = outcome(ImdsClient(service.server.url))
    assert isinstance(error, TransientError)
    assert error.retry_after == timedelta(seconds=3)
    assert service.steps == "TN"


def test_if_the_service_wants_a_token_and_gives_none_that_is_the_error(service: Metadata) -> None:
    service.v1 = False
    service.token_reply = Reply(503, b"planted")
    error = outcome(ImdsClient(service.server.url))
    assert isinstance(error, TransientError)
    assert error.status == 503
    assert "token" in str(error)


def test_an_instance_without_a_role_is_not_set_up(service: Metadata) -> None:
    service.listing = Reply(404, b"planted")
    client = ImdsClient(service.server.url)
    assert isinstance(outcome(client), NotConfiguredError)
    assert not client.has_found_role
    assert service.steps == "TNn"


def test_a_named_role_that_is_not_attached_is_denied(service: Metadata) -> None:
    with pytest.raises(DeniedError, match="other") as caught:
        ImdsClient(service.server.url).role_credential("other")
    assert caught.value.status == 404
    assert service.steps == "TKk"


@pytest.mark.parametrize("listing", [b"", b" \n", b"<html>planted</html>", b"planted role", b"a\nb", b"x" * 65, b"\xff", b".", b".."])
def test_what_is_no_name_of_a_role_is_malformed(service: Metadata, listing: bytes) -> None:
    service.listing = Reply(body=listing)
    assert isinstance(outcome(ImdsClient(service.server.url)), MalformedResponseError)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(body=b"planted"), MalformedResponseError),
        (Reply(body=b"{}"), MalformedResponseError),
        (Reply(body=b'{"Code": "Success", "AccessKeyId": "planted"}'), MalformedResponseError),
        (Reply(body=b'{"Code": "Failed", "Message": "planted"}'), ProviderError),
        (Reply(302, b"", {"Location": "http://planted/"}), MalformedResponseError),
    ],
)
def test_an_answer_that_is_no_key_is_an_error(service: Metadata, reply: Reply, kind: type[ProviderError]) -> None:
    service.roles["role"] = reply
    assert type(outcome(ImdsClient(service.server.url))) is kind


def test_a_refused_connection_is_tried_once(closed_port: int) -> None:
    started = time.monotonic()
    error = outcome(ImdsClient(f"http://127.0.0.1:{closed_port}"))
    assert isinstance(error, TransientError)
    assert error.code == "Unreachable"
    assert time.monotonic() - started < 3


def test_a_machine_that_is_no_instance_waits_for_one_connect_timeout() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        client = ImdsClient(f"http://127.0.0.1:{listener.getsockname()[1]}", connect_timeout=timedelta(seconds=2))
        started = time.monotonic()
        error = outcome(client)
        took = time.monotonic() - started
        for each in waiting:
            each.close()
    assert isinstance(error, TransientError)
    assert error.code == "Unreachable"
    assert 1.9 < took < 3.9


def test_no_proxy_is_ever_used(service: Metadata, monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    assert outcome(ImdsClient(service.server.url)) == GOOD


def test_a_pickle_holds_no_token(service: Metadata) -> None:
    client = ImdsClient(service.server.url)
    fetch(client)
    pickled = pickle.dumps(client)
    assert b"planted" not in pickled
    twin = pickle.loads(pickled)
    assert not twin.has_found_role
    assert fetch(twin) == GOOD
    assert service.steps == "TNKTNK"
    assert "planted" not in repr(client)


def test_a_forked_child_can_ask(service: Metadata) -> None:
    client = ImdsClient(service.server.url)
    fetch(client)
    assert in_child(lambda: fetch(client)) == GOOD
    assert fetch(client) == GOOD
    assert service.steps == "TNK" + "NKNK"


def test_threads_may_share_a_client(service: Metadata) -> None:
    client = ImdsClient(service.server.url)
    found: list[object] = []
    threads = [threading.Thread(target=lambda: found.extend(outcome(client, allow_v1=True) for _ in range(5))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [GOOD] * 30


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("endpoint", "100.100.100.200"),
        ("endpoint", "http://h/planted"),
        ("connect_timeout", timedelta(0)),
        ("read_timeout", 1),
        ("token_ttl", timedelta(milliseconds=999)),
        ("token_ttl", timedelta(hours=6, seconds=1)),
        ("token_ttl", 60),
    ],
)
def test_a_wrong_parameter_is_named(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"ImdsClient\.{name}") as caught:
        ImdsClient(**{name: value})
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "planted\r\n", None, ".", "..", " .. "])
def test_a_wrong_name_of_a_role_is_refused(name: Any) -> None:
    with pytest.raises(ConfigurationError, match="role_name"):
        ImdsClient().role_credential(name)


def test_the_defaults_are_those_of_the_service() -> None:
    assert ImdsClient().endpoint == "http://100.100.100.200"


@pytest.mark.parametrize("status", [500, 503])
def test_a_service_that_is_out_of_order_with_a_token_and_knows_nothing_without_one_has_not_said_that_there_is_no_role(status: int) -> None:
    with metadata() as service:
        service.listing, service.listing_with_token = Reply(404), Reply(status)
        client = ImdsClient(service.server.url)
        with pytest.raises(TransientError) as caught:
            client.role_name()
        assert caught.value.status == status
        with pytest.raises(NotConfiguredError):
            client_of_v1(service).role_name()


def client_of_v1(service: Metadata) -> ImdsClient:
    """One that asks a service which knows no tokens."""
    service.token_reply = Reply(404)
    return ImdsClient(service.server.url)
