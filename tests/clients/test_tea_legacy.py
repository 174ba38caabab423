"""The Tea clients that read a credential part by part, under `tea`."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from alicred import DeniedError
from alicred.adapters import tea
from alicred.testing.cloud.exchange import Answer, Request
from tests.clients.signatures import acs, oss
from tests.clients.support import Driver, Keys, Loopback, Verify, refusal
from tests.support import Script

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the clients do at their imports
    from alibabacloud_ocr20191230.client import Client as OcrClient
    from alibabacloud_ocr20191230.models import GetAsyncJobResultRequest
    from alibabacloud_oss20190517.client import Client as OssClient
    from alibabacloud_oss20190517.models import ListBucketsRequest
    from alibabacloud_tea_openapi.models import Config as OpenApiConfig
    from alibabacloud_tea_openapi_sse.client import Client as SseClient
    from alibabacloud_tea_openapi_sse.models import Config as SseConfig
    from alibabacloud_tea_openapi_sse.models import OpenApiRequest, Params
    from alibabacloud_tea_roa.client import Client as RoaClient
    from alibabacloud_tea_roa.models import Config as RoaConfig
    from alibabacloud_tea_rpc.models import Config as RpcConfig
    from alibabacloud_tea_util.models import RuntimeOptions
    from alibabacloud_tea_util_sse.models import RuntimeOptions as SseRuntimeOptions

JSON = Answer(status=200, body=b'{"RequestId": "1", "Data": {}}', headers=(("Content-Type", "application/json"),))


def serving(verify: Verify, **options: Any) -> Loopback:
    def answer(request: Request) -> Answer:
        return JSON

    return Loopback(Keys(**options), verify, answer)


@pytest.fixture
def service() -> Iterator[Loopback]:
    with serving(acs.verify) as running:
        yield running


def ocr(provider: Any, service: Loopback) -> OcrClient:
    return OcrClient(RpcConfig(credential=tea(provider), endpoint=service.address, protocol="http", region_id="cn-shanghai", type="sts"))


def ask_ocr(client: OcrClient, mark: str) -> None:
    client.get_async_job_result(GetAsyncJobResultRequest(job_id=mark), RuntimeOptions())


@pytest.mark.tried("alibabacloud-tea-rpc", "sync", "rotation")
@pytest.mark.tried("alibabacloud-ocr20191230", "sync", "rotation")
def test_the_first_ocr_client_signs_each_request_with_one_current_credential(service: Loopback) -> None:
    client = ocr(service.keys, service)
    Driver(service).one_after_the_other(lambda mark: ask_ocr(client, mark))


@pytest.mark.tried("alibabacloud-tea-rpc", "threads", "rotation")
@pytest.mark.tried("alibabacloud-ocr20191230", "threads", "rotation")
def test_threads_share_the_first_ocr_client(service: Loopback) -> None:
    client = ocr(service.keys, service)
    Driver(service).in_threads(lambda mark: ask_ocr(client, mark))


@pytest.mark.tried("alibabacloud-tea-rpc", "async", "rotation")
def test_tasks_share_an_rpc_client(service: Loopback) -> None:
    client: Any = ocr(service.keys, service)

    async def ask(mark: str) -> None:
        runtime = RuntimeOptions()
        await client.do_request_async("GetAsyncJobResult", "HTTP", "POST", "2019-12-30", "AK", None, {"JobId": mark}, runtime)

    asyncio.run(Driver(service).in_tasks(ask))


@pytest.mark.tried("alibabacloud-tea-rpc", "sync", "rotation")
def test_keys_without_a_token_have_none_on_the_wire() -> None:
    with serving(acs.verify, tokens=False) as service:
        client = ocr(service.keys, service)
        Driver(service).one_after_the_other(lambda mark: ask_ocr(client, mark))
        assert not any("SecurityToken" in seen.request.params for seen in service.seen)


def test_what_the_provider_raises_arrives_as_it_is(service: Loopback) -> None:
    denied = DeniedError("no", provider="vault")
    with pytest.raises(DeniedError) as caught:
        ask_ocr(ocr(Script(denied), service), "mark")
    assert caught.value is denied


def test_what_is_read_part_by_part_without_the_adapter_is_torn(service: Loopback) -> None:
    class Live:
        def get_access_key_id(self) -> str:
            return service.keys.get().access_key_id

        def get_access_key_secret(self) -> str:
            return service.keys.get().access_key_secret

        def get_security_token(self) -> str | None:
            return service.keys.get().security_token

    client = OcrClient(RpcConfig(credential=Live(), endpoint=service.address, protocol="http", region_id="cn-shanghai", type="sts"))
    assert "not its own" in refusal(service, lambda: ask_ocr(client, "mark"))


# --- ROA ---------------------------------------------------------------------------------------------------------------------------------


def roa(service: Loopback) -> RoaClient:
    client = RoaClient(RoaConfig(credential=tea(service.keys), protocol="http", region_id="cn-shanghai", type="sts"))
    client._endpoint_host = service.address  # the packages on top of it set it, from their own tables
    return client


ROA = ("2020-01-01", "HTTP", "GET", "AK")


@pytest.mark.tried("alibabacloud-tea-roa", "sync", "threads", "rotation")
def test_roa_requests_are_signed_with_one_current_credential(service: Loopback) -> None:
    client = roa(service)

    def ask(mark: str) -> None:
        client.do_request(*ROA, f"/things/{mark}", {"Mark": mark}, {}, None, RuntimeOptions())

    Driver(service).one_after_the_other(ask)
    Driver(service).in_threads(ask)


@pytest.mark.tried("alibabacloud-tea-roa", "async", "rotation")
def test_tasks_share_a_roa_client(service: Loopback) -> None:
    client = roa(service)

    async def ask(mark: str) -> None:
        await client.do_request_async(*ROA, f"/things/{mark}", {"Mark": mark}, {}, None, RuntimeOptions())

    asyncio.run(Driver(service).in_tasks(ask))


# --- server-sent events -------------------------------------------------------------------------------------------------------------------


def sse(service: Loopback) -> SseClient:
    return SseClient(SseConfig(credential=tea(service.keys), endpoint=service.address, protocol="HTTP", region_id="cn-shanghai"))


def sse_params() -> Params:
    return Params(
        action="Look", version="2020-01-01", protocol="HTTP", pathname="/", method="POST", auth_type="AK", style="RPC",
        req_body_type="formData", body_type="json",
    )  # fmt: skip


@pytest.mark.tried("alibabacloud-tea-openapi-sse", "sync", "threads", "rotation")
def test_requests_for_events_are_signed_with_one_current_credential(service: Loopback) -> None:
    client = sse(service)

    def ask(mark: str) -> None:
        client.call_api(sse_params(), OpenApiRequest(query={"Mark": mark}), SseRuntimeOptions())

    Driver(service).one_after_the_other(ask)
    Driver(service).in_threads(ask)


@pytest.mark.tried("alibabacloud-tea-openapi-sse", "async", "rotation")
def test_tasks_share_a_client_for_events(service: Loopback) -> None:
    client = sse(service)

    async def ask(mark: str) -> None:
        await client.call_api_async(sse_params(), OpenApiRequest(query={"Mark": mark}), SseRuntimeOptions())

    asyncio.run(Driver(service).in_tasks(ask))


# --- the OSS gateway ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.tried("alibabacloud-gateway-oss", "sync", "threads", "rotation")
def test_requests_through_the_oss_gateway_are_signed_with_one_current_credential() -> None:
    buckets = b"<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>"
    listing = Answer(status=200, body=buckets, headers=(("Content-Type", "application/xml"),))
    with Loopback(Keys(), oss.verify, lambda request: listing) as service:
        client = OssClient(OpenApiConfig(credential=tea(service.keys), endpoint=service.address, protocol="HTTP", region_id="cn-hangzhou"))

        def ask(mark: str) -> None:
            client.list_buckets(ListBucketsRequest(prefix=mark))

        Driver(service).one_after_the_other(ask)
        Driver(service).in_threads(ask)
