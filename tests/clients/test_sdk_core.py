"""``aliyun-python-sdk-core`` under `sdk_core` and `sdk_core_client`."""

from __future__ import annotations

import contextlib
import contextvars
import copy
import gc
import json
import logging
import pickle
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from alicred import ConfigurationError, Credential, DeniedError, Provider, StaticProvider
from alicred.adapters import sdk_core, sdk_core_client
from alicred.testing.cloud.exchange import Answer, Request
from tests.clients.signatures import acs
from tests.clients.support import Driver, Keys, Loopback, run_example
from tests.support import Script

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client does at its import
    from aliyunsdkcore.auth.credentials import StsTokenCredential
    from aliyunsdkcore.client import AcsClient
    from aliyunsdkcore.request import CommonRequest

PACKAGE = "aliyun-python-sdk-core"


def answer(request: Request) -> Answer:
    return Answer(status=200, body=b"{}", headers=(("Content-Type", "application/json"),))


@pytest.fixture
def service() -> Iterator[Loopback]:
    with Loopback(Keys(), acs.verify, answer) as running:
        yield running


def rpc(mark: str) -> CommonRequest:
    request = CommonRequest(domain="127.0.0.1", version="2020-01-01", action_name="Look")
    request.set_protocol_type("http")
    request.add_query_param("Mark", mark)
    return request


def roa(mark: str) -> CommonRequest:
    request = CommonRequest(domain="127.0.0.1", version="2020-01-01", uri_pattern="/things/[mark]")
    request.set_protocol_type("http")
    request.set_method("GET")
    request.add_path_param("mark", mark)
    return request


def client_of(kind: str, provider: Provider[Credential], service: Loopback, **options: Any) -> AcsClient:
    if kind == "client":
        return sdk_core_client(provider, "cn-hangzhou", port=service.port, **options)
    return AcsClient(region_id="cn-hangzhou", credential=sdk_core(provider), port=service.port, **options)


KINDS = pytest.mark.parametrize("kind", ["credential", "client"])
STYLES = pytest.mark.parametrize("style", [rpc, roa])


@KINDS
@STYLES
@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_each_request_is_signed_with_one_current_credential(service: Loopback, kind: str, style: Any) -> None:
    client = client_of(kind, service.keys, service)
    Driver(service).one_after_the_other(lambda mark: client.do_action_with_exception(style(mark)))


@KINDS
@STYLES
@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_threads_share_a_client(service: Loopback, kind: str, style: Any) -> None:
    client = client_of(kind, service.keys, service)
    Driver(service).in_threads(lambda mark: client.do_action_with_exception(style(mark)))


@STYLES
@pytest.mark.tried(PACKAGE, "sync", "threads", "rotation")
def test_keys_without_a_token_have_none_on_the_wire(style: Any) -> None:
    with Loopback(Keys(tokens=False), acs.verify, answer) as service:
        client = client_of("client", service.keys, service)
        Driver(service).one_after_the_other(lambda mark: client.do_action_with_exception(style(mark)))
        Driver(service).in_threads(lambda mark: client.do_action_with_exception(style(mark)))
        for seen in service.seen:
            assert "SecurityToken" not in seen.request.params
            assert "x-acs-security-token" not in seen.request.headers


def test_a_credential_without_a_token_is_refused_before_it_is_sent() -> None:
    with Loopback(Keys(tokens=False), acs.verify, answer) as service:
        with pytest.raises(ConfigurationError, match=r"use sdk_core_client\(\)"):
            client_of("credential", service.keys, service).do_action_with_exception(rpc("mark"))
        assert service.seen == ()


@STYLES
def test_a_request_that_is_sent_again_does_not_keep_the_token_of_its_first_time(style: Any) -> None:
    with Loopback(Keys(), acs.verify, answer) as service:
        plain = Keys(tokens=False)
        turns = iter([service.keys.get(), plain.get()])
        client = client_of("client", Script(lambda: next(turns)), service)
        request = style("mark")
        client.do_action_with_exception(request)
        assert service.refusals == []
        with pytest.raises(Exception, match="nobody has the id"):  # this service does not know it; that is not the point
            client.do_action_with_exception(request)
        again = service.seen[-1].request
        assert "SecurityToken" not in again.params
        assert "x-acs-security-token" not in again.headers


@KINDS
@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_a_retry_is_signed_with_a_credential_of_its_own(kind: str) -> None:
    troubles = iter([Answer(status=503, body=b"{}"), Answer(status=503, body=b"{}")])
    with Loopback(Keys(), acs.verify, lambda request: next(troubles, answer(request))) as service:
        client = client_of(kind, service.keys, service, auto_retry=True, max_retry_time=3)
        request = rpc("mark")  # the client retries what it knows to be harmless
        request.set_product("Ecs")
        request.set_version("2014-05-26")
        request.set_action_name("DescribeInstances")
        client.do_action_with_exception(request)
        assert service.refusals == []
        assert service.serials("mark") == [1, 2, 3]


@KINDS
def test_what_the_provider_raises_arrives_as_it_is(service: Loopback, kind: str) -> None:
    denied = DeniedError("no", provider="vault", code="NoPermission")
    with pytest.raises(DeniedError) as caught:
        client_of(kind, Script(denied), service).do_action_with_exception(rpc("mark"))
    assert caught.value is denied
    assert service.seen == ()


def test_a_credential_that_is_read_live_is_torn(service: Loopback) -> None:
    """What happens without the adapter: shown, so that the service is known to notice."""

    class Live(StsTokenCredential):
        def __init__(self) -> None:
            pass

        sts_token = property(lambda self: service.keys.get().security_token)
        sts_access_key_id = property(lambda self: service.keys.get().access_key_id)
        sts_access_key_secret = property(lambda self: service.keys.get().access_key_secret)

    client = AcsClient(region_id="cn-hangzhou", credential=Live(), port=service.port)
    for style in (rpc, roa):
        with pytest.raises(Exception, match="not its own"):
            client.do_action_with_exception(style("mark"))


@STYLES
def test_a_secret_of_another_credential_is_noticed(service: Loopback, style: Any) -> None:
    one, other = service.keys.get(), service.keys.get()
    torn = StsTokenCredential(one.access_key_id, other.access_key_secret, one.security_token or "")
    client = AcsClient(region_id="cn-hangzhou", credential=torn, port=service.port)
    with pytest.raises(Exception, match="the signature is not the one"):
        client.do_action_with_exception(style("mark"))


def test_the_variables_of_the_client_do_not_win(service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIYUN_ACCESS_KEY_ID", "somebody-else")
    monkeypatch.setenv("ALIYUN_ACCESS_KEY_SECRET", "planted-secret")
    with pytest.raises(ConfigurationError, match="ALIYUN_ACCESS_KEY_ID") as caught:
        sdk_core(service.keys)
    assert "planted-secret" not in str(caught.value)
    client = client_of("client", service.keys, service)
    Driver(service).one_after_the_other(lambda mark: client.do_action_with_exception(rpc(mark)))


def test_the_client_takes_the_options_of_an_acs_client_but_for_keys(service: Loopback) -> None:
    client = sdk_core_client(service.keys, "cn-beijing", timeout=7, user_agent="mine")
    assert (client.get_region_id(), client.get_user_agent()) == ("cn-beijing", "mine")
    for name in ("ak", "secret", "credential", "private_key"):
        with pytest.raises(ConfigurationError, match=f"leave out {name}") as caught:
            sdk_core_client(service.keys, "cn-beijing", **{name: "planted-secret"})
        assert "planted-secret" not in str(caught.value)


@pytest.mark.parametrize("options", [{"ak": "planted-secret"}, {"no_such_option": 1}])
def test_a_client_that_was_refused_leaves_without_a_word(options: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: heard.append(repr(unraisable.object)))
    with contextlib.suppress(ConfigurationError, TypeError):
        sdk_core_client(Keys(), "cn-beijing", **options)
        pytest.fail("it was not refused")
    gc.collect()
    assert not any("AcsClient.__del__" in each for each in heard)


def test_it_can_be_pickled_and_copied_and_shows_no_secret() -> None:
    held = Credential("the-id", "the-secret", "the-token")
    made = sdk_core(StaticProvider(held))
    assert copy.deepcopy(made) is made
    again = pickle.loads(pickle.dumps(made))
    assert (again.sts_token, again.sts_access_key_id, again.sts_access_key_secret) == ("the-token", "the-id", "the-secret")
    assert repr(made) == "<sdk_core adapter of static_sts>"
    assert sdk_core(StaticProvider(held)).sts_access_key_id == "the-id"


def test_nothing_is_left_of_a_credential_object_that_is_gone() -> None:
    context = contextvars.copy_context()

    def read() -> None:
        for _ in range(50):
            made = sdk_core(StaticProvider(Credential("the-id", "of-one-that-is-gone", "the-token")))
            assert context.run(lambda made=made: (made.sts_token, made.sts_access_key_secret)) == ("the-token", "of-one-that-is-gone")

    read()
    gc.collect()
    kept = [each for each in gc.get_objects() if type(each) is Credential and each.access_key_secret == "of-one-that-is-gone"]
    assert kept == []
    assert len(context) <= len(contextvars.copy_context()) + 1


def test_two_credential_objects_do_not_mix_in_one_thread() -> None:
    first, second = sdk_core(Script()), sdk_core(Script())
    assert second.sts_token == "token-1"
    for number in (1, 2):
        assert (first.sts_token, second.sts_token) == (f"token-{number}", f"token-{number + 1}")
        assert (first.sts_access_key_id, second.sts_access_key_id) == (f"id-{number}", f"id-{number + 1}")
        assert (first.sts_access_key_secret, second.sts_access_key_secret) == (f"secret-{number}", f"secret-{number + 1}")


@KINDS
def test_nothing_but_a_provider_is_taken(kind: str) -> None:
    with pytest.raises(ConfigurationError, match="sdk_core"):
        (sdk_core if kind == "credential" else lambda given: sdk_core_client(given, "cn-hangzhou"))("nonsense")  # type: ignore[arg-type]


def test_the_program_of_the_page_runs(service: Loopback) -> None:
    said = run_example("acs_client", service.keys, {"API_HOST": "127.0.0.1", "API_PORT": str(service.port), "API_PROTOCOL": "http"})
    assert service.refusals == []
    assert len(service.seen) == 1
    assert json.loads(said) == {}


def test_the_clients_own_log_is_the_one_place_where_a_token_shows(service: Loopback, caplog: pytest.LogCaptureFixture) -> None:
    """The page warns of it; should a release mend it, the page is to be mended too."""
    with caplog.at_level(logging.DEBUG, "aliyunsdkcore"):
        client_of("credential", service.keys, service).do_action_with_exception(rpc("mark"))
    token = service.keys.find(service.seen[0].request.params["AccessKeyId"], service.seen[0].request.params["SecurityToken"]).security_token
    assert token is not None
    assert token in caplog.text
