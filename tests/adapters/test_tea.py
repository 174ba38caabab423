"""The Tea adapter: alone, and under the real OCR client."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import gc
import pickle
import threading
import warnings
from datetime import datetime, timedelta, timezone
from functools import partial

import pytest

from alicred import (
    BearerToken,
    CachingProvider,
    ConfigurationError,
    Credential,
    DeniedError,
    NotConfiguredError,
    RefreshPolicy,
    StaticProvider,
)
from alicred.adapters import TeaCredential, TeaValue, tea
from alicred.testing import FakeClock, FakeCloud
from tests.support import HOUR, Script, in_threads, wait_until

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client's packages do at their import
    from alibabacloud_ocr20191230.client import Client
    from alibabacloud_ocr20191230.models import GetAsyncJobResultRequest
    from alibabacloud_tea_openapi.models import Config
    from alibabacloud_tea_util.models import RuntimeOptions

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the clients', on 3.12 and newer
STS = Credential("the-id", "the-secret", "the-token", provider_name="profile/sts")
AK = Credential("the-id", "the-secret")
BEARER = BearerToken("the-token")


class Rotating(Script):
    """A new credential at every call, like a cache in the worst of moments."""


def rotating() -> Rotating:
    return Rotating(HOUR)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (STS, ("profile/sts", "sts", "the-id", "the-secret", "the-token", None)),
        (AK, (None, "access_key", "the-id", "the-secret", None, None)),
        (BEARER, (None, "bearer", None, None, None, "the-token")),
    ],
)
def test_a_client_gets_everything_at_once(value: Credential | BearerToken, expected: tuple[str | None, ...]) -> None:
    class Fixed:
        name = "fixed"

        def get(self) -> Credential | BearerToken:
            return value

    adapter = tea(Fixed())  # type: ignore[arg-type]  # one class for both kinds of values
    for got in (adapter.get_credential(), asyncio.run(adapter.get_credential_async())):
        assert (
            got.provider_name, got.type, got.access_key_id, got.access_key_secret, got.security_token, got.bearer_token
        ) == expected  # fmt: skip
        assert "the-secret" not in repr(got)
        assert "the-token" not in repr(got)


def test_parts_that_are_asked_for_one_by_one_belong_together() -> None:
    adapter = tea(rotating())
    for number in range(1, 4):
        assert adapter.get_access_key_id() == f"id-{number}"
        assert adapter.get_access_key_secret() == f"secret-{number}"
        assert adapter.get_security_token() == f"token-{number}"
    assert adapter.get_type() == "sts"
    assert adapter.get_bearer_token() is None


def test_a_part_that_is_asked_for_first_is_fetched() -> None:
    assert tea(rotating()).get_security_token() == "token-1"
    assert asyncio.run(tea(rotating()).get_access_key_secret_async()) == "secret-1"
    assert tea(StaticProvider(BEARER)).get_bearer_token() == "the-token"


def test_two_adapters_do_not_mix_in_one_thread() -> None:
    first, second = tea(rotating()), tea(rotating())
    second.get_access_key_id()
    for number in range(1, 4):
        assert first.get_access_key_id() == f"id-{number}"
        assert second.get_access_key_id() == f"id-{number + 1}"
        assert first.get_access_key_secret() == f"secret-{number}"
        assert second.get_security_token() == f"token-{number + 1}"
        assert first.get_security_token() == f"token-{number}"


def test_nothing_is_left_of_an_adapter_that_is_gone() -> None:
    thread, task = contextvars.copy_context(), contextvars.copy_context()

    def read() -> None:
        for _ in range(50):
            adapter = tea(StaticProvider(Credential("the-id", "of-one-that-is-gone", "the-token")))
            for context in (thread, task):
                context.run(adapter.get_access_key_id)
                assert context.run(adapter.get_access_key_secret) == "of-one-that-is-gone"

    read()
    gc.collect()
    kept = [each for each in gc.get_objects() if type(each) in (TeaValue, Credential) and each.access_key_secret == "of-one-that-is-gone"]
    assert kept == []
    assert len(thread) <= len(contextvars.copy_context()) + 1


def test_an_adapter_that_is_gone_takes_nothing_of_another_with_it() -> None:
    first, second = tea(rotating()), tea(rotating())
    first.get_access_key_id()
    second.get_access_key_id()
    del second
    gc.collect()
    assert first.get_access_key_secret() == "secret-1"


def whole(parts: tuple[str | None, ...]) -> bool:
    """Whether id, secret and token are of one fetch."""
    return len({(part or "").partition("-")[2] for part in parts}) == 1


def test_parts_do_not_mix_between_threads() -> None:
    adapter = tea(rotating())

    def read() -> bool:
        return all(whole((adapter.get_access_key_id(), adapter.get_access_key_secret(), adapter.get_security_token())) for _ in range(200))

    assert in_threads(8, read) == [True] * 8


def test_parts_do_not_mix_between_tasks() -> None:
    adapter = tea(rotating())

    async def read() -> bool:
        key_id = await adapter.get_access_key_id_async()
        await asyncio.sleep(0)
        secret = await adapter.get_access_key_secret_async()
        await asyncio.sleep(0)
        return whole((key_id, secret, await adapter.get_security_token_async()))

    async def main() -> list[bool]:
        return await asyncio.gather(*(read() for _ in range(40)))

    assert asyncio.run(main()) == [True] * 40


def test_a_provider_without_aget_does_not_block_the_loop() -> None:
    here = threading.get_ident()
    asked_on: list[int] = []

    def note() -> timedelta:
        asked_on.append(threading.get_ident())
        return HOUR

    asyncio.run(tea(Script(note)).get_credential_async())
    assert asked_on != [here]


def test_a_copied_configuration_shares_the_provider_and_a_pickled_one_takes_its_settings() -> None:
    adapter = tea(rotating())
    assert copy.deepcopy({"credential": adapter})["credential"] is adapter
    twin = pickle.loads(pickle.dumps(tea(CachingProvider(StaticProvider(STS)))))
    assert isinstance(twin, TeaCredential)
    assert twin.get_access_key_id() == "the-id"
    assert "the-secret" not in repr(twin)


@pytest.mark.parametrize("provider", [None, "env", STS])
def test_what_is_no_provider_is_refused(provider: object) -> None:
    with pytest.raises(ConfigurationError, match=r"tea\.provider"):
        tea(provider)  # type: ignore[arg-type]  # that is the point


def test_a_provider_of_something_else_is_found_out() -> None:
    class Odd:
        name = "odd"

        def get(self) -> TeaValue:
            return TeaValue(provider_name=None, type="x")

    with pytest.raises(ConfigurationError, match="must provide a Credential or a BearerToken"):
        tea(Odd()).get_credential()  # type: ignore[arg-type]  # that is the point


# Under the real client


def ocr(cloud: FakeCloud, credential: TeaCredential) -> Client:
    scheme, _, host = cloud.http_endpoint.partition("://")
    return Client(Config(credential=credential, endpoint=host, protocol=scheme, region_id="cn-shanghai"))


def call(client: Client) -> object:
    return client.get_async_job_result_with_options(GetAsyncJobResultRequest(job_id="j"), RuntimeOptions()).status_code


async def call_async(client: Client) -> object:
    request = GetAsyncJobResultRequest(job_id="j")
    return (await client.get_async_job_result_with_options_async(request, RuntimeOptions())).status_code


class Sessions:
    """A source that asks the cloud for a new session at every call."""

    name = "sessions"

    def __init__(self, cloud: FakeCloud) -> None:
        self._cloud = cloud
        self._sts = cloud.sts_client()

    def get(self) -> Credential:
        return self._sts.assume_role(self._cloud.access_key, role_arn=self._cloud.role_arn, role_session_name="tests")


def test_each_request_of_the_client_is_of_one_piece_and_uses_the_current_credential(alicred_cloud: FakeCloud) -> None:
    client = ocr(alicred_cloud, tea(Sessions(alicred_cloud)))
    assert [call(client) for _ in range(3)] == [200] * 3
    assert in_threads(8, lambda: call(client)) == [200] * 8

    async def main() -> list[object]:
        return await asyncio.gather(*(call_async(client) for _ in range(10)))

    assert asyncio.run(main()) == [200] * 10
    calls = [each for each in alicred_cloud.calls if each.operation == "GetAsyncJobResult"]
    assert alicred_cloud.rejected == ()
    assert len(calls) == 21
    assert len({each.access_key_id for each in calls}) == 21  # a rotation at every call


def all_ahead(counts: list[int], before: list[int]) -> bool:
    return all(now > then for now, then in zip(counts, before, strict=True))


@pytest.mark.slow
def test_the_client_is_served_over_many_sessions_by_one_cache() -> None:
    """The time of the cloud and of the cache goes on only when every thread has made a call, so that no slow machine ends a session."""
    clock, counts, stop = FakeClock(datetime.now(timezone.utc)), [0] * 8, threading.Event()
    with FakeCloud(session=timedelta(minutes=1), clock=clock) as cloud:
        cache = CachingProvider(Sessions(cloud), refresh=RefreshPolicy(ahead=timedelta(seconds=30)), clock=clock)
        client = ocr(cloud, tea(cache))

        def work(number: int) -> None:
            while not stop.is_set():
                assert call(client) == 200
                counts[number] += 1

        threads = [threading.Thread(target=work, args=(number,)) for number in range(len(counts))]
        for thread in threads:
            thread.start()
        try:
            for _ in range(60):
                wait_until(partial(all_ahead, counts, list(counts)), seconds=20)
                clock.advance(timedelta(seconds=3))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        assert cloud.rejected == ()
        assert 5 <= cloud.count("AssumeRole") <= 8  # three minutes, each session for 30 to 36 seconds


def test_a_bearer_token_is_taken_by_the_service(alicred_cloud: FakeCloud) -> None:
    client = ocr(alicred_cloud, tea(StaticProvider(alicred_cloud.add_bearer_token())))
    assert call(client) == 200
    assert asyncio.run(call_async(client)) == 200
    assert alicred_cloud.rejected == ()


@pytest.mark.parametrize("error", [NotConfiguredError("VAULT_ADDR is not set"), DeniedError("no", code="NoPermission")])
def test_the_providers_error_arrives_inside_the_clients(alicred_cloud: FakeCloud, error: Exception) -> None:
    client = ocr(alicred_cloud, tea(Script(error)))
    with pytest.raises(Exception) as caught:  # noqa: PT011  (the client's own type differs between its releases)
        call(client)
    assert getattr(caught.value, "inner_exception", None) is error
    assert alicred_cloud.calls == ()
