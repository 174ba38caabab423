"""``alibabacloud-ocr20191230`` of the present generation under `tea`: a client as it is made for one service."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from alicred.adapters import tea
from alicred.testing.cloud.exchange import Answer, Request
from tests.clients.signatures import acs
from tests.clients.support import Driver, Keys, Loopback, refusal

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client does at its import
    from alibabacloud_ocr20191230.client import Client
    from alibabacloud_ocr20191230.models import GetAsyncJobResultRequest
    from alibabacloud_tea_openapi.models import Config
    from alibabacloud_tea_util.models import RuntimeOptions

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the client's, on 3.12 and newer
PACKAGE = "alibabacloud-ocr20191230"


def answer(request: Request) -> Answer:
    return Answer(status=200, body=b'{"RequestId": "1", "Data": {"Status": "QUEUING"}}', headers=(("Content-Type", "application/json"),))


@pytest.fixture
def service() -> Iterator[Loopback]:
    with Loopback(Keys(), acs.verify, answer) as running:
        yield running


def client_of(credential: Any, service: Loopback) -> Client:
    return Client(Config(credential=credential, endpoint=service.address, protocol="HTTP", region_id="cn-shanghai"))


def ask(client: Client, mark: str) -> None:
    answered = client.get_async_job_result_with_options(GetAsyncJobResultRequest(job_id=mark), RuntimeOptions())
    assert answered.body.data.status == "QUEUING"


async def ask_async(client: Client, mark: str) -> None:
    answered = await client.get_async_job_result_with_options_async(GetAsyncJobResultRequest(job_id=mark), RuntimeOptions())
    assert answered.body.data.status == "QUEUING"


@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_each_request_is_signed_with_one_current_credential(service: Loopback) -> None:
    client = client_of(tea(service.keys), service)
    Driver(service).one_after_the_other(lambda mark: ask(client, mark))


@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_threads_share_a_client(service: Loopback) -> None:
    client = client_of(tea(service.keys), service)
    Driver(service).in_threads(lambda mark: ask(client, mark))


@pytest.mark.tried(PACKAGE, "async", "rotation")
def test_tasks_share_a_client(service: Loopback) -> None:
    client = client_of(tea(service.keys), service)
    asyncio.run(Driver(service).in_tasks(lambda mark: ask_async(client, mark)))


def test_a_secret_of_another_credential_is_noticed(service: Loopback) -> None:
    one, other = service.keys.get(), service.keys.get()
    torn = Config(
        access_key_id=one.access_key_id, access_key_secret=other.access_key_secret, security_token=one.security_token,
        endpoint=service.address, protocol="HTTP", region_id="cn-shanghai",
    )  # fmt: skip
    why = refusal(service, lambda: ask(Client(torn), "mark"))
    assert why == "the signature is not the one of this request and this id"
