"""`sls` and `sls_consumer` without their client, or with a stand-in for it; tests/clients has the rest."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from alicred import CachingProvider, ConfigurationError, Credential, DeniedError, StaticProvider
from alicred.adapters import SlsCredential, sls, sls_consumer
from tests.support import HOUR, Script

HELD = Credential("the-id", "the-secret", "the-token")


def test_a_log_client_gets_getters_of_one_credential() -> None:
    adapter = sls(Script(HOUR))
    for number in (1, 2):
        got = adapter.get_credentials()
        assert (got.get_access_key_id(), got.get_access_key_secret(), got.get_security_token()) == (
            f"id-{number}", f"secret-{number}", f"token-{number}"
        )  # fmt: skip
    assert repr(adapter) == "<sls adapter of script>"
    assert repr(SlsCredential("the-id", "the-secret", "the-token")) == "SlsCredential(access_key_id='the-id')"
    assert pickle.loads(pickle.dumps(sls(StaticProvider(HELD)))).get_credentials().get_access_key_id() == "the-id"


def test_a_refresher_gives_the_current_credential_and_tells_of_the_rejected_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("alicred.adapters.sls_workers.time.monotonic", lambda: now)
    cache = CachingProvider(Script(HOUR))
    refresher = sls_consumer(cache)
    assert refresher() == ("id-1", "secret-1", "token-1")
    now += 300
    assert refresher() == ("id-2", "secret-2", "token-2"), "it is called because the last one was refused"
    assert refresher() == ("id-2", "secret-2", "token-2"), "by another client, whose credential is an older one"
    now += 300
    cache.invalidate()
    assert cache.get().access_key_id == "id-3"
    assert refresher() == ("id-3", "secret-3", "token-3"), "what has been replaced since is not replaced again"
    again = pickle.loads(pickle.dumps(sls_consumer(StaticProvider(HELD))))
    again()
    now += 300
    assert again() == ("the-id", "the-secret", "the-token"), "a provider need not want to know"
    assert pickle.loads(pickle.dumps(again))._given is None, "what was given last, and when, is of this process"
    assert repr(again) == "<sls_consumer adapter of static_sts>"


@pytest.mark.parametrize("make", [sls, sls_consumer])
def test_nothing_but_a_provider_is_taken(make: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"sls\w*\.provider"):
        make("nonsense")


def module(name: str, **contents: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(contents)
    return made


@pytest.fixture
def without_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "aliyun" or name == "alicred.adapters._clients.sls_worker"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aliyun", None)


@pytest.mark.usefixtures("without_client")
def test_a_client_that_is_not_there_is_asked_for() -> None:
    with pytest.raises(ConfigurationError, match="sls_consumer needs the package aliyun-log-python-sdk: pip install"):
        sls_consumer(StaticProvider(HELD)).worker(Any, SimpleNamespace())  # type: ignore[arg-type]


class Refusal(Exception):
    def get_error_code(self) -> str:
        return str(self.args[0])


class StandIn:
    """As much of a ``LogClient`` as a worker's client overrides. It answers with the id that it would sign with."""

    def __init__(self, endpoint: str, *, auth_version: str, region: str, credentials_provider: Any) -> None:
        self.made_with = (endpoint, auth_version, region)
        self.provider = credentials_provider
        self.refusals: list[Exception] = []

    def set_user_agent(self, agent: str) -> None:
        self.agent = agent

    def _send(self, method: str) -> str:
        held = self.provider.get_credentials()
        if self.refusals:
            raise self.refusals.pop(0)
        return f"{method} {held.get_access_key_id()}"


class Worker:
    """As much of a ``ConsumerWorker``: it makes a client, and sends with it in its constructor."""

    def __init__(self, make_processor: Any, consumer_option: Any, args: Any, kwargs: Any) -> None:
        self.option = consumer_option
        self.given = (make_processor, args, kwargs)
        self.consumer_client: Any = SimpleNamespace(mclient=None)
        self.first = self.consumer_client.mclient._send("GET")


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, without_client: None) -> Iterator[None]:
    for name, contents in {
        "aliyun": {},
        "aliyun.log": {"LogClient": StandIn, "LogException": Refusal},
        "aliyun.log.consumer": {"ConsumerWorker": Worker, "LogHubConfig": SimpleNamespace},
        "aliyun.log.version": {"USER_AGENT": "sdk"},
    }.items():
        monkeypatch.setitem(sys.modules, name, module(name, **contents))
    yield
    sys.modules.pop("alicred.adapters._clients.sls_worker", None)


OPTION: Any = SimpleNamespace(endpoint="here", auth_version="v4", region="r", consumer_group_name="group", consumer_name="one")


@pytest.mark.usefixtures("stand_in")
def test_a_worker_has_a_client_under_the_provider_before_it_sends_anything() -> None:
    cache = CachingProvider(Script(HOUR))
    worker: Any = sls_consumer(cache).worker(str, OPTION, (1,), {"two": 2})  # type: ignore[arg-type]
    client = worker.consumer_client.mclient
    assert worker.first == "GET id-1"
    assert worker.given == (str, (1,), {"two": 2})
    assert (client.made_with, client.agent) == (("here", "v4", "r"), "sdk-consumergroup-group-one")
    client.refusals = [Refusal("SecurityTokenExpired")]
    assert client._send("POST") == "POST id-2", "once more, with what the provider has after it was told"
    client.refusals = [Refusal("InvalidAccessKeyId"), Refusal("InvalidAccessKeyId")]
    with pytest.raises(Refusal):
        client._send("POST")
    client.refusals = [Refusal("Unauthorized")]
    with pytest.raises(Refusal):
        client._send("POST")
    assert client._send("POST") == "POST id-3"


@pytest.mark.usefixtures("stand_in")
def test_what_the_provider_raises_is_one_thing_before_and_another_in_the_workers_threads() -> None:
    denied = DeniedError("InvalidAccessKeyId: the key was taken away")
    with pytest.raises(DeniedError) as caught:
        sls_consumer(Script(denied)).worker(str, OPTION)  # type: ignore[arg-type]
    assert caught.value is denied
    source = Script(HOUR, HOUR, denied)
    worker: Any = sls_consumer(source).worker(str, OPTION)  # type: ignore[arg-type]
    with pytest.raises(Refusal) as refused:
        worker.consumer_client.mclient._send("POST")
    assert refused.value.args == ("CredentialsProviderError", str(denied))
    assert refused.value.__cause__ is denied
    assert source.calls == 3, "not asked again, whatever its text says"
