"""The client with blocking calls that ``nacos-sdk-python`` 2.0 has in its module ``nacos``, under `nacos`."""

from __future__ import annotations

import json
import logging
import queue
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import nacos
import pytest

from alicred import CachingProvider, Credential, DeniedError, Provider, RefreshPolicy
from alicred.adapters import nacos as adapted
from alicred.testing.cloud.exchange import Answer, Request
from tests.clients.sessions import Early, for_a_while
from tests.clients.signatures import nacos as signatures
from tests.clients.support import Driver, Keys, Loopback, refusal
from tests.support import Script

PACKAGE = "nacos-sdk-python"
GROUP = "a-group"


def answer(request: Request) -> Answer:
    """As much of the server as the client needs to see."""
    if "/cs/" in request.path:
        return Answer(status=200, body=b"a value" if request.method == "GET" else b"true")
    hosts = {"hosts": [{"ip": "127.0.0.1", "port": 80}]}
    return Answer(status=200, body=json.dumps(hosts).encode() if request.method == "GET" else b"ok")


@pytest.fixture(autouse=True)
def a_place_for_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The client keeps what it has read where the program was started, and adds a file to its logger when it is made."""
    monkeypatch.chdir(tmp_path)
    yield
    logger = nacos.client.logger
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()
    logger.addHandler(logging.NullHandler())  # a watcher's threads complain when the process ends


@pytest.fixture(params=[True, False], ids=["sts", "ak"])
def keys(request: pytest.FixtureRequest) -> Keys:
    return Keys(tokens=request.param)


@pytest.fixture
def service(keys: Keys) -> Iterator[Loopback]:
    with Loopback(keys, signatures.verify, answer) as running:
        yield running


def client_of(service: Loopback, credentials_provider: object) -> Any:
    return nacos.NacosClient(f"{service.address},{service.address}", namespace="a-namespace", credentials_provider=credentials_provider)


def everything(client: Any) -> Callable[[str], None]:
    """What people do with configurations and services; the mark stands in each request."""

    def do(mark: str) -> None:
        assert client.publish_config(mark, GROUP, "a value: ü")
        assert client.get_config(mark, GROUP) == "a value"
        assert client.remove_config(mark, GROUP)
        assert client.add_naming_instance(mark, "127.0.0.1", 80, group_name=GROUP)
        assert client.list_naming_instance(mark, group_name=GROUP)["hosts"][0]["port"] == 80
        assert client.remove_naming_instance(mark, "127.0.0.1", 80, group_name=GROUP)

    return do


@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_each_request_is_signed_with_one_current_credential(service: Loopback) -> None:
    Driver(service).one_after_the_other(everything(client_of(service, adapted(service.keys))))
    assert len({each.credential for each in service.seen}) == len(service.seen) == 5 * 6


@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_threads_share_a_client(service: Loopback) -> None:
    Driver(service).in_threads(everything(client_of(service, adapted(service.keys))))
    assert len({each.credential for each in service.seen}) == len(service.seen) == 8 * 5 * 6


@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_the_attempts_of_one_request_share_one_whole_credential(keys: Keys) -> None:
    troubles = iter([Answer(status=503)])
    with Loopback(keys, signatures.verify, lambda request: next(troubles, answer(request))) as service:
        everything(client_of(service, adapted(keys)))("mark")
        assert service.refusals == []
        numbers = service.serials("mark")
        assert numbers[0] == numbers[1]
        assert len(set(numbers)) == len(numbers) - 1 == 6


@pytest.mark.slow
@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_what_a_watcher_asks_for_in_its_thread_is_signed_with_a_current_credential(keys: Keys) -> None:
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()

    def changing(request: Request) -> Answer:
        if request.path.endswith("listener"):
            return Answer(status=200, body=f"mark%02{GROUP}%02a-namespace%01".encode())
        return Answer(status=200, body=str(time.monotonic()).encode())

    def watch(change: dict[str, str]) -> None:
        heard.put(change["content"])

    with Loopback(keys, signatures.verify, changing) as service:
        client = client_of(service, adapted(keys))
        client.add_config_watcher("mark", GROUP, watch)
        assert heard.get(timeout=20) != heard.get(timeout=20)
        client.remove_config_watcher("mark", GROUP, watch)
        assert service.refusals == []
        assert {each.request.method for each in service.seen} == {"GET", "POST"}
        assert len({each.credential for each in service.seen}) == len(service.seen) >= 4


def test_keys_without_a_token_have_none_on_the_wire(service: Loopback) -> None:
    """Where services are concerned it stands in the URL, as the page says."""
    everything(client_of(service, adapted(service.keys)))("mark")
    for seen in service.seen:
        assert seen.credential is not None
        headers, query = seen.request.headers, seen.request.query
        sent = headers.get("spas-securitytoken") if "/cs/" in seen.request.path else query.get("Spas-SecurityToken")
        assert sent == seen.credential.security_token


def test_what_the_provider_raises_arrives_as_it_is_but_where_the_client_has_read_before(service: Loopback) -> None:
    """The page says so."""
    denied = DeniedError("no", provider="vault", code="NoPermission")
    client = client_of(service, adapted(Script(service.keys.get(), service.keys.get(), denied)))  # asks once when it is made
    assert client.get_config("mark", GROUP) == "a value"
    for call in (
        lambda: client.publish_config("mark", GROUP, "a value"),
        lambda: client.get_config("mark", GROUP, no_snapshot=True),
        lambda: client.list_naming_instance("mark", group_name=GROUP),
    ):
        with pytest.raises(DeniedError) as caught:
            call()
        assert caught.value is denied
    assert client.get_config("mark", GROUP) == "a value"
    assert len(service.seen) == 1


# The service notices


class Live:
    """What happens without the adapter: each part is asked for on its own."""

    def __init__(self, provider: Provider[Credential]) -> None:
        self._provider = provider

    def get_credentials(self) -> Live:
        return self

    def get_access_key_id(self) -> str:
        return self._provider.get().access_key_id

    def get_access_key_secret(self) -> str:
        return self._provider.get().access_key_secret

    def get_security_token(self) -> str | None:
        return self._provider.get().security_token


CALLS = pytest.mark.parametrize(
    "call",
    [
        lambda client: client.publish_config("mark", GROUP, "a value"),
        lambda client: client.list_naming_instance("mark", group_name=GROUP),
    ],
    ids=["configurations", "services"],
)


@CALLS
def test_a_credential_that_is_read_live_is_torn(service: Loopback, call: Callable[[Any], object]) -> None:
    why = refusal(service, lambda: call(client_of(service, Live(service.keys))))
    assert "not its own" in why or "the signature is not the one" in why


@CALLS
def test_parts_of_another_credential_are_noticed(service: Loopback, call: Callable[[Any], object]) -> None:
    one, other = service.keys.get(), service.keys.get()
    torn = nacos.client.StaticCredentialsProvider(one.access_key_id, other.access_key_secret, one.security_token)
    assert "the signature is not the one" in refusal(service, lambda: call(client_of(service, torn)))
    foreign = nacos.client.StaticCredentialsProvider(one.access_key_id, one.access_key_secret, "token-of-nobody")
    assert "not its own" in refusal(service, lambda: call(client_of(service, foreign)))


@CALLS
def test_strings_go_stale(call: Callable[[Any], object]) -> None:
    """What happens without a provider."""
    with Loopback(Keys(lasts=timedelta(milliseconds=1)), signatures.verify, answer) as service:
        one = service.keys.get()
        time.sleep(0.01)
        fixed = nacos.client.StaticCredentialsProvider(one.access_key_id, one.access_key_secret, one.security_token)
        assert "has expired" in refusal(service, lambda: call(client_of(service, fixed)))


# Over many sessions


@pytest.mark.slow
@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_a_pool_of_workers_outlives_many_short_sessions() -> None:
    """The service refuses a session after three seconds; `Early` says two."""
    with Loopback(Keys(lasts=timedelta(seconds=3)), signatures.verify, answer) as service:
        cache = CachingProvider(Early(service.keys), refresh=RefreshPolicy(ahead=timedelta(seconds=1)))
        counts = for_a_while(8, everything(client_of(service, adapted(cache))))
        cache.close()
        assert service.refusals == []
        assert min(counts) > 1, counts
        assert 4 <= len({each.credential for each in service.seen}) <= 16
