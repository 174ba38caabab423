"""``aliyun-log-python-sdk``: the ``LogClient`` under `sls`."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from alicred import CachingProvider, Credential, DeniedError, Provider, RefreshPolicy
from alicred.adapters import sls
from tests.clients.sessions import Early, for_a_while
from tests.clients.signatures import sls as signatures
from tests.clients.sls_service import LOGSTORE, PACKAGE, PROJECT, VERSIONS, LogStore, SlsLoopback, error, of_a_program, resolve_projects
from tests.clients.support import Driver, Keys, Loopback, run_example
from tests.support import Script

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client does at its import
    from aliyun.log import GetLogsRequest, ListLogstoresRequest, LogClient, LogException, LogItem, PutLogsRequest
    from aliyun.log.credentials import Credentials, CredentialsProvider

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the client's, on 3.12 and newer


@pytest.fixture(params=[True, False], ids=["sts", "ak"])
def keys(request: pytest.FixtureRequest) -> Keys:
    return Keys(tokens=request.param)


@pytest.fixture(autouse=True)
def projects(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_projects(monkeypatch)


@pytest.fixture
def store() -> LogStore:
    return LogStore()


@pytest.fixture
def service(keys: Keys, store: LogStore) -> Iterator[SlsLoopback]:
    with SlsLoopback(keys, signatures.verify, store) as running:
        yield running


def client_of(service: Loopback, credentials: Any, version: str = "v4") -> LogClient:
    region = signatures.REGION if version == "v4" else ""
    client = LogClient(service.address, auth_version=version, region=region, source="tests", credentials_provider=credentials)
    client.timeout = 20
    return client


def put(client: LogClient, mark: str, **options: Any) -> Any:
    return client.put_logs(PutLogsRequest(PROJECT, LOGSTORE, "a topic", "tests", [LogItem(contents=[("mark", mark)])], **options))


def everything(client: LogClient) -> Callable[[str], None]:
    """What people do with a logstore; the mark stands in each request."""

    def do(mark: str) -> None:
        put(client, mark, compress=False, hashKey=mark)
        put(client, mark, compress=True, logtags=[("mark", mark)], hashKey=mark)
        query = GetLogsRequest(PROJECT, LOGSTORE, 0, int(time.time()), query=f"mark: {mark} ü | SELECT count(*) AS number", line=5)
        assert [each.get_contents() for each in client.get_logs(query).get_logs()] == [{"number": "1"}]
        assert client.execute_logstore_sql(PROJECT, LOGSTORE, 0, 9, f"* | SELECT '{mark}'", False).get_count() == 1
        pulled = client.pull_logs(PROJECT, LOGSTORE, 0, f"{mark}+/=", count=10)
        assert [each["number"] for each in pulled.get_flatten_logs_json()] == ["1"]
        assert client.get_cursor(PROJECT, LOGSTORE, 0, "begin").get_cursor() == "0"
        assert client.list_logstores(ListLogstoresRequest(PROJECT)).get_logstores() == [LOGSTORE]

    return do


@VERSIONS
@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_each_request_is_signed_with_one_current_credential(service: SlsLoopback, store: LogStore, version: str) -> None:
    Driver(service).one_after_the_other(everything(client_of(service, sls(service.keys), version)))
    assert len(service.seen) == 5 * 7
    assert {each.headers.get("x-log-compresstype", "") for each in store.written} == {"", "lz4"}
    assert len({each.credential for each in service.seen}) == 5 * 7


@VERSIONS
@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_threads_share_a_client(service: SlsLoopback, version: str) -> None:
    Driver(service).in_threads(everything(client_of(service, sls(service.keys), version)), calls=2)


@VERSIONS
def test_keys_without_a_token_have_none_on_the_wire(service: SlsLoopback, version: str) -> None:
    put(client_of(service, sls(service.keys), version), "mark")
    seen = service.seen[0]
    assert seen.credential is not None
    assert seen.request.headers.get("x-acs-security-token") == seen.credential.security_token


@VERSIONS
@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_a_retry_is_signed_with_a_credential_of_its_own(service: SlsLoopback, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aliyun.log.logclient.time.sleep", lambda seconds: None)
    service.faults += [error(503, "ServerBusy", "busy"), error(500, "InternalServerError", "busy")]
    put(client_of(service, sls(service.keys), version), "mark", hashKey="mark")
    assert service.refusals == []
    assert service.serials("mark") == [1, 2, 3]


@VERSIONS
def test_what_the_provider_raises_arrives_as_it_is(service: SlsLoopback, version: str) -> None:
    denied = DeniedError("no", provider="vault", code="NoPermission")
    with pytest.raises(DeniedError) as caught:
        put(client_of(service, sls(Script(denied)), version), "mark")
    assert caught.value is denied
    assert service.seen == ()


# The service notices


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


class Fixed(CredentialsProvider):
    def __init__(self, *parts: str | None) -> None:
        self._parts = parts

    def get_credentials(self) -> Any:
        return Credentials(*self._parts)


@VERSIONS
def test_a_credential_that_is_read_live_is_torn(service: SlsLoopback, version: str) -> None:
    with pytest.raises(LogException):
        put(client_of(service, Live(service.keys), version), "mark")
    assert len(service.refusals) == 1


@VERSIONS
def test_parts_of_another_credential_are_noticed(service: SlsLoopback, version: str) -> None:
    one, other = service.keys.get(), service.keys.get()
    with pytest.raises(LogException, match="SignatureNotMatch"):
        put(client_of(service, Fixed(one.access_key_id, other.access_key_secret, one.security_token), version), "mark")
    with pytest.raises(LogException, match="SecurityTokenInvalid"):
        put(client_of(service, Fixed(one.access_key_id, one.access_key_secret, "token-of-nobody"), version), "mark")


@VERSIONS
def test_an_old_request_is_noticed(service: SlsLoopback, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Past:
        @staticmethod
        def utcnow() -> datetime:
            return datetime.now(timezone.utc) - timedelta(minutes=20)

    monkeypatch.setattr("aliyun.log.auth.datetime", Past)
    with pytest.raises(LogException):
        put(client_of(service, sls(service.keys), version), "mark")
    assert ["more than 0:15:00 off" in each for each in service.refusals] == [True]


def test_strings_go_stale_and_the_client_does_not_try_again() -> None:
    """What happens without a provider."""
    with SlsLoopback(Keys(lasts=timedelta(milliseconds=1)), signatures.verify, LogStore()) as service:
        one = service.keys.get()
        time.sleep(0.01)
        client = LogClient(service.address, one.access_key_id, one.access_key_secret, one.security_token, source="tests")
        with pytest.raises(LogException, match="SecurityTokenExpired"):
            put(client, "mark")
        assert len(service.seen) == 1


# Over many sessions


@pytest.mark.slow
@VERSIONS
@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_a_pool_of_workers_outlives_many_short_sessions(version: str) -> None:
    """The service refuses a session after three seconds; `Early` says two."""
    with SlsLoopback(Keys(lasts=timedelta(seconds=3)), signatures.verify, LogStore()) as service:
        cache = CachingProvider(Early(service.keys), refresh=RefreshPolicy(ahead=timedelta(seconds=1)))
        client = client_of(service, sls(cache), version)

        def work(mark: str) -> None:
            put(client, mark, hashKey=mark)
            client.pull_logs(PROJECT, LOGSTORE, 0, mark)

        counts = for_a_while(8, work)
        cache.close()
        assert service.refusals == []
        assert min(counts) > 1, counts
        assert 2 * sum(counts) == len(service.seen)
        assert 3 <= len({each.credential for each in service.seen}) <= 16


def test_the_program_of_the_page_runs(service: SlsLoopback) -> None:
    said = run_example("sls_logs", service.keys, of_a_program(service))
    assert service.refusals == []
    assert [each.request.path.rpartition("/")[2] for each in service.seen] == ["lb", "logs"]
    assert said == "{'number': '1'}\n"
