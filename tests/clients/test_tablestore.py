"""``tablestore`` under `tablestore`: the ``OTSClient`` and the ``AsyncOTSClient``."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from alicred import CachingProvider, Credential, DeniedError, Provider, RefreshPolicy
from alicred.adapters import tablestore as adapted
from alicred.testing.cloud.exchange import Answer, Request
from tests.clients.sessions import Early, Slow, for_a_while, in_tasks_for_a_while
from tests.clients.signatures import ots
from tests.clients.support import Driver, Keys, Loopback, Verify, run_example
from tests.support import Script

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client does at its import
    import tablestore
    from tablestore import AsyncOTSClient, OTSClient, OTSClientError, OTSServiceError
    from tablestore.credentials import Credentials, CredentialsProvider
    from tablestore.protobuf import table_store_pb2

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the client's, on 3.12 and newer
PACKAGE = "tablestore"
VERSIONS = pytest.mark.parametrize("version", ["v2", "v4"])


class OtsLoopback(Loopback):
    """A `Loopback` that signs its answers as the table store does, and refuses in its words.

    Faults come once each, though the request was good. Answers are signed with *other*, if that is given.
    """

    def __init__(self, keys: Keys, verify: Verify = ots.verify) -> None:
        super().__init__(keys, verify, self._signed)
        self.faults: list[tuple[int, str]] = []
        self.other: Credential | None = None

    def _signed(self, request: Request) -> Answer:
        credential = self.other or self.keys.find(request.headers["x-ots-accesskeyid"], request.headers.get("x-ots-ststoken"))
        status, body = self._answer_of(request)
        return ots.signed_answer(request, credential, status, body)

    def _answer_of(self, request: Request) -> tuple[int, bytes]:
        if self.faults:
            status, code = self.faults.pop(0)
            return status, table_store_pb2.Error(code=code, message="a fault").SerializeToString()
        if request.path == "/ListTable":
            return 200, table_store_pb2.ListTableResponse(table_names=["a_table"]).SerializeToString()
        consumed = table_store_pb2.ConsumedCapacity(capacity_unit=table_store_pb2.CapacityUnit(read=1, write=1))
        if request.path == "/PutRow":
            return 200, table_store_pb2.PutRowResponse(consumed=consumed, row=b"").SerializeToString()
        return 200, table_store_pb2.GetRowResponse(consumed=consumed, row=b"").SerializeToString()

    def _serve(self, request: Request) -> Answer | None:
        answer = super()._serve(request)
        if answer is not None and answer.status == 403 and not answer.headers:
            body = table_store_pb2.Error(code="OTSAuthFailed", message=answer.body.decode()).SerializeToString()
            return Answer(status=403, body=body)
        return answer


@pytest.fixture(params=[True, False], ids=["sts", "ak"])
def keys(request: pytest.FixtureRequest) -> Keys:
    return Keys(tokens=request.param)


@pytest.fixture
def service(keys: Keys) -> Iterator[OtsLoopback]:
    with OtsLoopback(keys) as running:
        yield running


def client_of(service: Loopback, credentials: Any, version: str = "v4", kind: Any = OTSClient) -> Any:
    region = ots.REGION if version == "v4" else None
    return kind(service.url, instance_name="an-instance", credentials_provider=credentials, region=region)


def row(mark: str) -> tablestore.Row:
    return tablestore.Row([("key", mark)], [("number", 1)])


def everything(client: OTSClient) -> Callable[[str], None]:
    """What people do with a table; the mark is the key of a row."""

    def do(mark: str) -> None:
        assert list(client.list_table()) == ["a_table"]
        client.put_row("a_table", row(mark), tablestore.Condition("IGNORE"))
        assert client.get_row("a_table", [("key", mark)], max_version=1)[1] is None

    return do


@VERSIONS
@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_each_request_is_signed_with_one_current_credential(service: OtsLoopback, version: str) -> None:
    Driver(service).one_after_the_other(everything(client_of(service, adapted(service.keys), version)))
    assert len({each.credential for each in service.seen}) == len(service.seen) == 15
    assert all((ots.V4 in each.request.headers) == (version == "v4") for each in service.seen)


@VERSIONS
@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_threads_share_a_client(service: OtsLoopback, version: str) -> None:
    Driver(service).in_threads(everything(client_of(service, adapted(service.keys), version)))


@VERSIONS
@pytest.mark.tried(PACKAGE, "async", "rotation")
def test_tasks_share_a_client(service: OtsLoopback, version: str) -> None:
    async def main() -> None:
        async with client_of(service, adapted(service.keys), version, AsyncOTSClient) as client:

            async def call(mark: str) -> None:
                await client.put_row("a_table", row(mark), tablestore.Condition("IGNORE"))
                assert (await client.get_row("a_table", [("key", mark)], max_version=1))[1] is None

            await Driver(service).in_tasks(call)

    asyncio.run(main())


@VERSIONS
def test_keys_without_a_token_have_none_on_the_wire(version: str) -> None:
    with OtsLoopback(Keys(tokens=False)) as service:
        client_of(service, adapted(service.keys), version).list_table()
        assert "x-ots-ststoken" not in service.seen[0].request.headers


@VERSIONS
@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_the_attempts_of_one_request_share_a_credential_and_its_answer_is_verified_with_it(service: OtsLoopback, version: str) -> None:
    service.faults += [(503, "OTSServerBusy"), (500, "OTSInternalServerError")]
    client_of(service, adapted(service.keys), version).get_row("a_table", [("key", "mark")], max_version=1)
    assert service.refusals == []
    assert service.serials("mark") == [1, 1, 1]


def test_what_the_provider_raises_arrives_as_it_is(service: OtsLoopback) -> None:
    denied = DeniedError("no", provider="vault", code="NoPermission")
    with pytest.raises(DeniedError) as caught:
        client_of(service, adapted(Script(denied))).list_table()
    assert caught.value is denied

    async def main() -> None:
        async with client_of(service, adapted(Script(denied)), kind=AsyncOTSClient) as client:
            await client.list_table()

    with pytest.raises(DeniedError) as caught:
        asyncio.run(main())
    assert caught.value is denied
    assert service.seen == ()


# The service and the client notice


class Fixed(CredentialsProvider):
    def __init__(self, *parts: str | None) -> None:
        self._parts = parts

    def get_credentials(self) -> Any:
        return Credentials(*self._parts)


class Live(CredentialsProvider):
    """What happens without the adapter: each part is asked for on its own."""

    def __init__(self, provider: Provider[Credential]) -> None:
        self._provider = provider

    def get_credentials(self) -> Any:
        return self

    def get_access_key_id(self) -> str:
        return self._provider.get().access_key_id

    def get_access_key_secret(self) -> str:
        return self._provider.get().access_key_secret

    def get_security_token(self) -> str | None:
        return self._provider.get().security_token


@VERSIONS
def test_a_credential_that_is_read_live_is_torn(service: OtsLoopback, version: str) -> None:
    with pytest.raises(OTSServiceError):
        client_of(service, Live(service.keys), version).list_table()
    assert len(service.refusals) == 1


@VERSIONS
def test_parts_of_another_credential_are_noticed(service: OtsLoopback, version: str) -> None:
    one, other = service.keys.get(), service.keys.get()
    with pytest.raises(OTSServiceError, match="not the one of this request"):
        client_of(service, Fixed(one.access_key_id, other.access_key_secret, one.security_token), version).list_table()
    with pytest.raises(OTSServiceError, match="not its own"):
        client_of(service, Fixed(one.access_key_id, one.access_key_secret, "token-of-nobody"), version).list_table()


def test_an_empty_token_is_noticed() -> None:
    with OtsLoopback(Keys(tokens=False)) as service:
        one = service.keys.get()
        with pytest.raises(OTSServiceError, match="a security token that is none"):
            client_of(service, Fixed(one.access_key_id, one.access_key_secret, "")).list_table()


def test_an_old_request_is_noticed(service: OtsLoopback, monkeypatch: pytest.MonkeyPatch) -> None:
    import tablestore.utils

    now = tablestore.utils.get_now_utc_datetime
    monkeypatch.setattr(tablestore.utils, "get_now_utc_datetime", lambda: now() - timedelta(minutes=20))
    with pytest.raises(OTSServiceError, match="more than 0:15:00 off"):
        client_of(service, adapted(service.keys), "v2").list_table()


@VERSIONS
def test_an_answer_that_is_signed_with_another_credential_is_noticed(service: OtsLoopback, version: str) -> None:
    """The client verifies what comes back, with the credential that it has asked with."""
    one, other = service.keys.get(), service.keys.get()
    service.other = other
    with pytest.raises(OTSClientError, match="Invalid access key id in response"):
        client_of(service, adapted(service.keys), version).list_table()
    service.other = Credential(one.access_key_id, other.access_key_secret)
    with pytest.raises(OTSClientError, match="Invalid signature in response"):
        client_of(service, Fixed(one.access_key_id, one.access_key_secret, one.security_token), version).list_table()


# Over many sessions, and on an event loop


@pytest.mark.slow
@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_a_pool_of_workers_outlives_many_short_sessions() -> None:
    """The service refuses a session after three seconds; `Early` says two."""
    with OtsLoopback(Keys(lasts=timedelta(seconds=3))) as service:
        cache = CachingProvider(Early(service.keys), refresh=RefreshPolicy(ahead=timedelta(seconds=1)))
        counts = for_a_while(6, everything(client_of(service, adapted(cache))))
        cache.close()
        assert service.refusals == []
        assert min(counts) > 1, counts
        assert 3 <= len({each.credential for each in service.seen}) <= 12


@pytest.mark.slow
@pytest.mark.tried(PACKAGE, "async", "rotation")
def test_a_loop_whose_tasks_await_the_provider_first_never_stands_still() -> None:
    with OtsLoopback(Keys(lasts=timedelta(seconds=6))) as service:
        slow = Slow(Early(service.keys))
        cache = CachingProvider(slow, refresh=RefreshPolicy(ahead=timedelta(seconds=3)))

        async def main() -> None:
            async with client_of(service, adapted(cache), kind=AsyncOTSClient) as client:

                async def call(mark: str) -> None:
                    await cache.aget()
                    await client.get_row("a_table", [("key", mark)], max_version=1)

                with slow.watching():
                    await in_tasks_for_a_while(8, call)

        asyncio.run(main())
        cache.close()
        assert service.refusals == []
        assert slow.in_vain == 0
        assert slow.calls >= 2


def test_a_loop_whose_tasks_do_not_stands_still_while_the_provider_fetches(service: OtsLoopback) -> None:
    """Why the page says so."""
    slow = Slow(service.keys, patience=1)
    cache = CachingProvider(slow)

    async def main() -> None:
        async with client_of(service, adapted(cache), kind=AsyncOTSClient) as client:
            with slow.watching():
                await asyncio.sleep(0)
                await client.list_table()

    asyncio.run(main())
    cache.close()
    assert slow.in_vain == 1


def test_the_program_of_the_page_runs(service: OtsLoopback) -> None:
    said = run_example("tablestore_tables", service.keys, {"TABLESTORE_ENDPOINT": service.url, "TABLESTORE_INSTANCE": "an-instance"})
    assert service.refusals == []
    assert said.splitlines() == ["['a_table']"] * 2
