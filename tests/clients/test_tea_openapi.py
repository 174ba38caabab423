"""``alibabacloud-tea-openapi``, old and new, under `tea`: the client beneath every ``alibabacloud_*`` package of its generation."""

from __future__ import annotations

import asyncio
import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from alicred import BearerToken, DeniedError, StaticProvider
from alicred.adapters import tea
from alicred.testing.cloud.exchange import Answer, Request
from tests.clients.signatures import acs
from tests.clients.support import Driver, Keys, Loopback, refusal
from tests.support import Script

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client does at its import
    from alibabacloud_tea_openapi.client import Client
    from alibabacloud_tea_openapi.models import Config, OpenApiRequest, Params
    from alibabacloud_tea_util.models import RuntimeOptions

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the client's, on 3.12 and newer
PACKAGE = "alibabacloud-tea-openapi"
HAS_RETRY_OPTIONS = "retry_options" in inspect.signature(Config).parameters


def answer(request: Request) -> Answer:
    return Answer(status=200, body=b'{"ok": true}', headers=(("Content-Type", "application/json"),))


@pytest.fixture
def service() -> Iterator[Loopback]:
    with Loopback(Keys(), acs.verify, answer) as running:
        yield running


def client_of(provider: Any, service: Loopback, **options: Any) -> Any:
    return Client(Config(credential=tea(provider), endpoint=service.address, protocol="HTTP", region_id="cn-hangzhou", **options))


def retry_options() -> dict[str, Any]:
    if not HAS_RETRY_OPTIONS:
        return {}
    from darabonba.policy.retry import RetryOptions

    return {"retry_options": RetryOptions({"retryable": True, "retryCondition": [{"maxAttempts": 3, "errorCode": ["ServiceUnavailable"]}]})}


def params(style: str) -> Any:
    return Params(
        action="Look", version="2020-01-01", protocol="HTTP", pathname="/things" if style == "ROA" else "/", method="POST",
        auth_type="AK", style=style, req_body_type="formData" if style == "RPC" else "json", body_type="json",
    )  # fmt: skip


def marked(mark: str) -> Any:
    return OpenApiRequest(query={"Mark": mark, "Text": "with spaces, ~ and *"}, body={"what": mark})


STYLES = pytest.mark.parametrize("style", ["RPC", "ROA"])


@STYLES
@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_each_request_is_signed_with_one_current_credential(service: Loopback, style: str) -> None:
    client = client_of(service.keys, service)
    Driver(service).one_after_the_other(lambda mark: client.call_api(params(style), marked(mark), RuntimeOptions()))


@STYLES
@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_threads_share_a_client(service: Loopback, style: str) -> None:
    client = client_of(service.keys, service)
    Driver(service).in_threads(lambda mark: client.call_api(params(style), marked(mark), RuntimeOptions()))


@STYLES
@pytest.mark.tried(PACKAGE, "async", "rotation")
def test_tasks_share_a_client(service: Loopback, style: str) -> None:
    client = client_of(service.keys, service)
    asyncio.run(Driver(service).in_tasks(lambda mark: client.call_api_async(params(style), marked(mark), RuntimeOptions())))


@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_keys_without_a_token_have_none_on_the_wire() -> None:
    with Loopback(Keys(tokens=False), acs.verify, answer) as service:
        client = client_of(service.keys, service)
        Driver(service).one_after_the_other(lambda mark: client.call_api(params("RPC"), marked(mark), RuntimeOptions()))
        assert not any("x-acs-security-token" in seen.request.headers for seen in service.seen)


@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_a_retry_is_signed_with_a_credential_of_its_own() -> None:
    # Newer clients retry the codes that they are told of, older ones a connection that is closed without an answer.
    busy = Answer(status=503, body=b'{"Code": "ServiceUnavailable"}', headers=(("Content-Type", "application/json"),))
    troubles: Iterator[Answer | None] = iter([busy if HAS_RETRY_OPTIONS else None])
    with Loopback(Keys(), acs.verify, lambda request: next(troubles, answer(request))) as service:
        client = client_of(service.keys, service, **retry_options())
        client.call_api(params("RPC"), marked("mark"), RuntimeOptions(autoretry=True, max_attempts=3))
        assert service.refusals == []
        first, second = service.serials("mark")
        assert first < second


@pytest.mark.tried(PACKAGE, "sync")
def test_a_bearer_token_goes_out_as_one() -> None:
    with Loopback(Keys(), lambda request, keys: keys.get(), answer) as service:
        client_of(StaticProvider(BearerToken("the-token")), service).call_api(params("ROA"), marked("mark"), RuntimeOptions())
        headers = service.seen[0].request.headers
        assert headers["x-acs-bearer-token"] == "the-token"
        assert "authorization" not in headers


def test_what_the_provider_raises_is_kept(service: Loopback) -> None:
    denied = DeniedError("no", provider="vault", code="NoPermission")
    arrived: list[object] = []
    try:
        client_of(Script(denied), service).call_api(params("RPC"), marked("mark"), RuntimeOptions())
    except Exception as error:  # the client's own, or the provider's as it is
        arrived = [error, getattr(error, "inner_exception", None)]
    assert denied in arrived
    assert service.seen == ()


def test_what_is_read_part_by_part_without_the_adapter_is_torn(service: Loopback) -> None:
    """Shown so that the service is known to notice."""

    class Live:
        def get_type(self) -> str:
            return "sts"

        def get_access_key_id(self) -> str:
            return service.keys.get().access_key_id

        def get_access_key_secret(self) -> str:
            return service.keys.get().access_key_secret

        def get_security_token(self) -> str | None:
            return service.keys.get().security_token

        def get_credential(self) -> object:
            class Parts:
                type, provider_name = "sts", "live"
                access_key_id = property(lambda parts: self.get_access_key_id())
                access_key_secret = property(lambda parts: self.get_access_key_secret())
                security_token = property(lambda parts: self.get_security_token())

            return Parts()

    client = Client(Config(credential=Live(), endpoint=service.address, protocol="HTTP", region_id="cn-hangzhou"))
    assert "not its own" in refusal(service, lambda: client.call_api(params("RPC"), marked("mark"), RuntimeOptions()))


def test_a_secret_of_another_credential_is_noticed(service: Loopback) -> None:
    one, other = service.keys.get(), service.keys.get()
    torn = Config(
        access_key_id=one.access_key_id, access_key_secret=other.access_key_secret, security_token=one.security_token,
        endpoint=service.address, protocol="HTTP", region_id="cn-hangzhou",
    )  # fmt: skip
    why = refusal(service, lambda: Client(torn).call_api(params("RPC"), marked("mark"), RuntimeOptions()))
    assert why == "the signature is not the one of this request and this id"
