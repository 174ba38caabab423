"""Product clients of the Tea family that sign through a gateway of their own, under `tea`."""

from __future__ import annotations

import asyncio
import warnings
from typing import Any

import pytest

from alicred import BearerToken, StaticProvider
from alicred.adapters import tea
from alicred.testing.cloud.exchange import Answer, Request
from tests.clients.signatures import acs, sls
from tests.clients.support import Driver, Keys, Loopback, refusal

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the clients do at their imports
    from alibabacloud_kms20160120.client import Client as KmsClient
    from alibabacloud_kms20160120.models import ListKeysRequest
    from alibabacloud_sls20201230.client import Client as SlsClient
    from alibabacloud_sls20201230.models import ListProjectRequest
    from alibabacloud_tea_openapi.models import Config
    from alibabacloud_tea_util.models import RuntimeOptions

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


def answer(request: Request) -> Answer:
    return Answer(status=200, body=b"{}", headers=(("Content-Type", "application/json"),))


def config(service: Loopback, provider: Any = None) -> Config:
    credential = tea(provider or service.keys)
    return Config(credential=credential, endpoint=service.address, protocol="HTTP", region_id="cn-hangzhou")


@pytest.mark.parametrize("tokens", [True, False])
@pytest.mark.tried("alibabacloud-gateway-pop", "sync", "async", "threads", "rotation")
def test_requests_through_the_pop_gateway_are_signed_with_one_current_credential(tokens: bool) -> None:
    with Loopback(Keys(tokens=tokens), acs.verify, answer) as service:
        client = KmsClient(config(service))

        def ask(mark: str) -> None:
            client.list_keys_with_options(ListKeysRequest(filters=mark), RuntimeOptions())

        async def ask_async(mark: str) -> None:
            await client.list_keys_with_options_async(ListKeysRequest(filters=mark), RuntimeOptions())

        Driver(service).one_after_the_other(ask)
        Driver(service).in_threads(ask)
        asyncio.run(Driver(service).in_tasks(ask_async))


@pytest.mark.parametrize("tokens", [True, False])
@pytest.mark.tried("alibabacloud-gateway-sls", "sync", "async", "threads", "rotation")
def test_requests_through_the_sls_gateway_are_signed_with_one_current_credential(tokens: bool) -> None:
    with Loopback(Keys(tokens=tokens), sls.verify, answer) as service:
        client = SlsClient(config(service))

        def ask(mark: str) -> None:
            client.list_project_with_options(ListProjectRequest(project_name=mark), {}, RuntimeOptions())

        async def ask_async(mark: str) -> None:
            await client.list_project_with_options_async(ListProjectRequest(project_name=mark), {}, RuntimeOptions())

        Driver(service).one_after_the_other(ask)
        Driver(service).in_threads(ask)
        asyncio.run(Driver(service).in_tasks(ask_async))


@pytest.mark.tried("alibabacloud-gateway-pop", "sync")
def test_a_bearer_token_goes_out_as_one() -> None:
    with Loopback(Keys(), lambda request, keys: keys.get(), answer) as service:
        client = KmsClient(config(service, StaticProvider(BearerToken("the-token"))))
        client.list_keys_with_options(ListKeysRequest(), RuntimeOptions())
        assert service.seen[0].request.headers["x-acs-bearer-token"] == "the-token"


def test_a_torn_request_through_the_pop_gateway_is_noticed() -> None:
    with Loopback(Keys(), acs.verify, answer) as service:
        one, other = service.keys.get(), service.keys.get()
        torn = Config(
            access_key_id=one.access_key_id, access_key_secret=other.access_key_secret, security_token=one.security_token,
            endpoint=service.address, protocol="HTTP", region_id="cn-hangzhou",
        )  # fmt: skip
        why = refusal(service, lambda: KmsClient(torn).list_keys_with_options(ListKeysRequest(), RuntimeOptions()))
        assert why == "the signature is not the one of this request and this id"
