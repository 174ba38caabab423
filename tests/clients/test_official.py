"""The official package, ``alibabacloud_credentials``, under its adapter."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from alicred import DeniedError, StaticProvider
from alicred.adapters import alibabacloud_credentials
from alicred.testing import FakeCloud
from alicred.testing.cloud.exchange import Answer, Request
from tests.clients.signatures import acs
from tests.clients.support import Driver, Keys, Loopback, run_example
from tests.support import Script, in_threads

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the package does at its import
    from alibabacloud_credentials.client import Client
    from alibabacloud_credentials.provider import RamRoleArnCredentialsProvider
    from alibabacloud_tea_openapi.client import Client as OpenApiClient
    from alibabacloud_tea_openapi.models import Config, OpenApiRequest, Params
    from alibabacloud_tea_util.models import RuntimeOptions

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")
PACKAGE = "alibabacloud-credentials"
PARAMS = Params(
    action="Look", version="2020-01-01", protocol="HTTP", pathname="/", method="POST", auth_type="AK", style="RPC",
    req_body_type="formData", body_type="json",
)  # fmt: skip


def answer(request: Request) -> Answer:
    return Answer(status=200, body=b"{}", headers=(("Content-Type", "application/json"),))


@pytest.fixture
def service() -> Iterator[Loopback]:
    with Loopback(Keys(), acs.verify, answer) as running:
        yield running


def caller_of(service: Loopback) -> Any:
    """A Tea client with the official client between it and the provider."""
    credential = Client(provider=alibabacloud_credentials(service.keys))
    return OpenApiClient(Config(credential=credential, endpoint=service.address, protocol="HTTP", region_id="cn-hangzhou"))


def marked(mark: str) -> OpenApiRequest:
    return OpenApiRequest(query={"Mark": mark})


@pytest.mark.tried(PACKAGE, "sync", "threads", "rotation")
def test_each_request_is_signed_with_one_current_credential(service: Loopback) -> None:
    client = caller_of(service)
    Driver(service).one_after_the_other(lambda mark: client.call_api(PARAMS, marked(mark), RuntimeOptions()))
    Driver(service).in_threads(lambda mark: client.call_api(PARAMS, marked(mark), RuntimeOptions()))


@pytest.mark.tried(PACKAGE, "async", "rotation")
def test_tasks_share_a_client(service: Loopback) -> None:
    client = caller_of(service)
    asyncio.run(Driver(service).in_tasks(lambda mark: client.call_api_async(PARAMS, marked(mark), RuntimeOptions())))


@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_keys_without_a_token_have_none_on_the_wire() -> None:
    with Loopback(Keys(tokens=False), acs.verify, answer) as service:
        client = caller_of(service)
        Driver(service).one_after_the_other(lambda mark: client.call_api(PARAMS, marked(mark), RuntimeOptions()))


@pytest.mark.tried(PACKAGE, "sync", "threads", "rotation")
def test_a_credential_model_is_of_one_fetch() -> None:
    keys = Keys()
    client = Client(provider=alibabacloud_credentials(keys))

    def read() -> None:
        for _ in range(20):
            model = client.get_credential()
            held = keys.find(model.access_key_id, model.security_token)  # raises if the token is another's
            assert model.access_key_secret == held.access_key_secret
            assert (model.type, model.provider_name) == ("alicred", "alicred")

    in_threads(8, read)


@pytest.mark.tried(PACKAGE, "sync")
def test_a_role_may_be_assumed_by_the_package_with_a_key_of_the_provider(alicred_cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    chained = RamRoleArnCredentialsProvider(
        credentials_provider=alibabacloud_credentials(StaticProvider(alicred_cloud.access_key)),
        role_arn=alicred_cloud.role_arn,
        sts_endpoint=alicred_cloud.endpoint.removeprefix("https://"),
    )
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", alicred_cloud.ca_file)
    monkeypatch.setenv("SSL_CERT_FILE", alicred_cloud.ca_file)
    got = chained.get_credentials()
    assert got.get_access_key_id() == alicred_cloud.sessions[-1].access_key_id


def test_what_the_provider_raises_arrives_as_it_is() -> None:
    denied = DeniedError("no", provider="vault")
    client = Client(provider=alibabacloud_credentials(Script(denied)))
    with pytest.raises(DeniedError) as caught:
        client.get_credential()
    assert caught.value is denied


@pytest.mark.filterwarnings("ignore:.*get_credential:DeprecationWarning")
def test_the_getters_of_the_package_fetch_each_part_separately() -> None:
    """So they mix; the page says so, and should a release mend it, the page is to be mended too."""
    keys = Keys()
    client = Client(provider=alibabacloud_credentials(keys))
    parts = client.get_access_key_id(), client.get_access_key_secret()
    assert keys.minted == 2
    assert keys.first.access_key_id == parts[0]
    assert keys.first.access_key_secret != parts[1]


def test_the_program_of_the_page_runs() -> None:
    keys = Keys()
    said = run_example("official_client", keys, {})
    assert said.split() == [keys.first.access_key_id, "alicred"]
