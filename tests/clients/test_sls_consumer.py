"""``aliyun-log-python-sdk``: consumer groups under `sls_consumer`."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Iterator
from typing import Any

import pytest

from alicred import CachingProvider, ConfigurationError, Credential, DeniedError, Provider, RefreshPolicy
from alicred.adapters import sls_consumer
from tests.clients.sessions import Early
from tests.clients.signatures import sls as signatures
from tests.clients.sls_service import LOGSTORE, PACKAGE, PROJECT, VERSIONS, LogStore, SlsLoopback, error, of_a_program, resolve_projects
from tests.clients.support import Keys, Loopback, run_example
from tests.support import SECOND, Script, wait_until

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client does at its import
    from aliyun.log import LogException
    from aliyun.log.consumer import ConsumerProcessorBase, ConsumerWorker, LogHubConfig

pytestmark = [
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),  # the client's, on 3.12 and newer
    pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning"),
]
EXPIRED = error(401, "SecurityTokenExpired", "The security token you provided has expired")


class Processor(ConsumerProcessorBase):
    """Counts, and saves each checkpoint at once."""

    def __init__(self, seen: list[object]) -> None:
        super().__init__()
        self.checkpoint_timeout = 0
        self._seen = seen

    def process(self, log_groups: Any, check_point_tracker: Any) -> None:
        self._seen.append(log_groups)
        self.save_checkpoint(check_point_tracker, force=True)


@pytest.fixture(autouse=True)
def projects(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve_projects(monkeypatch)


@pytest.fixture
def store() -> LogStore:
    return LogStore()


@pytest.fixture
def service(store: LogStore) -> Iterator[SlsLoopback]:
    with SlsLoopback(Keys(), signatures.verify, store) as running:
        yield running


def config_of(service: Loopback, version: str = "v4", **options: Any) -> LogHubConfig:
    return LogHubConfig(
        service.address, "", "", PROJECT, LOGSTORE, "a-group", "one", heartbeat_interval=1, data_fetch_interval=0.1,
        auth_version=version, region=signatures.REGION if version == "v4" else "", **options,
    )  # fmt: skip


class Running:
    """A worker that is stopped at the end, threads and all."""

    def __init__(self, worker: ConsumerWorker) -> None:
        self.worker = worker

    def __enter__(self) -> ConsumerWorker:
        self.worker.start()
        return self.worker

    def __exit__(self, *exc_info: object) -> None:
        self.worker.shutdown()
        self.worker.join(20)
        self.worker.heart_beat.join(20)
        assert not self.worker.is_alive()
        assert not self.worker.heart_beat.is_alive()


def kinds(service: Loopback) -> set[str]:
    """What has been asked for."""
    return {f"{each.request.method} {each.request.query.get('type', each.request.path.rpartition('/')[2])}" for each in service.seen}


@VERSIONS
@pytest.mark.parametrize("tokens", [True, False], ids=["sts", "ak"])
@pytest.mark.tried(PACKAGE, "sync", "threads", "rotation")
def test_each_request_of_a_worker_is_signed_with_one_current_credential(version: str, tokens: bool) -> None:
    seen: list[object] = []
    store = LogStore()
    with SlsLoopback(Keys(tokens=tokens), signatures.verify, store) as service:
        worker = sls_consumer(service.keys).worker(Processor, config_of(service, version), args=(seen,))
        assert isinstance(worker, ConsumerWorker)
        assert kinds(service) == {"GET consumergroups", "POST consumergroups"}, "the first requests come from the constructor"
        with Running(worker):
            wait_until(lambda: len(seen) > 2 and len(store.checkpoints) > 2, 30)
        assert service.refusals == []
        assert kinds(service) == {
            "GET consumergroups", "POST consumergroups", "POST heartbeat", "GET a-group", "GET cursor", "GET log", "POST checkpoint"
        }  # fmt: skip
        assert len({each.credential for each in service.seen}) == len(service.seen) == service.keys.minted - 1
        agents = {each.request.headers["user-agent"].partition(",")[2].rpartition("-consumergroup-")[2] for each in service.seen}
        assert agents == {"a-group-one"}


@pytest.mark.slow
@VERSIONS
@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_a_worker_outlives_many_short_sessions(version: str) -> None:
    """The service refuses a session after three seconds; `Early` says two."""
    seen: list[object] = []
    with SlsLoopback(Keys(lasts=3 * SECOND), signatures.verify, LogStore()) as service:
        cache = CachingProvider(Early(service.keys), refresh=RefreshPolicy(ahead=SECOND))
        with Running(sls_consumer(cache).worker(Processor, config_of(service, version), args=(seen,))):
            time.sleep(8)
        cache.close()
        assert service.refusals == []
        assert 3 <= len({each.credential for each in service.seen}) <= 16
        assert len(seen) > 1


# Where the service rejects a credential


def test_a_request_that_was_refused_because_of_its_credential_is_repeated_with_the_next_one(service: SlsLoopback) -> None:
    cache = CachingProvider(service.keys)
    worker = sls_consumer(cache).worker(Processor, config_of(service), args=([],))
    assert service.keys.minted == 1
    service.faults.append(EXPIRED)
    assert worker.consumer_client.get_begin_cursor(0) == "0"
    assert service.keys.minted == 2, "the rejected one is not held any more"
    assert [service.keys.serial(each.credential) for each in service.seen[-2:] if each.credential] == [1, 2]


def test_it_is_repeated_once(service: SlsLoopback) -> None:
    worker = sls_consumer(service.keys).worker(Processor, config_of(service), args=([],))
    before = len(service.seen)
    service.faults += [EXPIRED] * 5
    with pytest.raises(LogException, match="SecurityTokenExpired"):
        worker.consumer_client.get_begin_cursor(0)
    assert len(service.seen) == before + 2


@pytest.mark.parametrize("code", ["Unauthorized", "SignatureNotMatch", "LogStoreNotExist"])
def test_an_error_that_is_not_about_the_credential_leaves_it_alone(service: SlsLoopback, code: str) -> None:
    """A role that may not do something may not with a fresh credential either, and the others go on with the one that is held."""
    cache = CachingProvider(service.keys)
    worker = sls_consumer(cache).worker(Processor, config_of(service), args=([],))
    before = len(service.seen)
    service.faults.append(error(401, code, "denied by sts or ram, action: log:Get"))
    with pytest.raises(LogException, match=code):
        worker.consumer_client.get_begin_cursor(0)
    assert len(service.seen) == before + 1
    assert service.keys.minted == 1


# Where the provider has nothing


def test_what_is_no_configuration_is_refused_by_its_name(service: SlsLoopback) -> None:
    with pytest.raises(ConfigurationError, match=r"sls_consumer\.worker\.consumer_option must be a LogHubConfig, not a str"):
        sls_consumer(service.keys).worker(Processor, "config")  # type: ignore[arg-type]  # that is the point


def test_without_a_credential_no_worker_is_made(service: SlsLoopback) -> None:
    denied = DeniedError("no", provider="vault", code="NoPermission")
    with pytest.raises(DeniedError) as caught:
        sls_consumer(Script(denied)).worker(Processor, config_of(service), args=([],))
    assert caught.value is denied
    assert service.seen == ()


def test_a_worker_pauses_while_there_is_no_credential_and_goes_on_when_there_is(
    service: SlsLoopback, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing:
        """A vault that is shut for a while."""

        name = "vault"

        def __init__(self, provider: Provider[Credential]) -> None:
            self._provider = provider
            self.shut = False
            self.refused: list[str] = []

        def get(self) -> Credential:
            if self.shut:
                self.refused.append(threading.current_thread().name)
                raise DeniedError("the vault is shut: InvalidAccessKeyId", provider=self.name)
            return self._provider.get()

    seen: list[object] = []
    vault = Failing(service.keys)
    with caplog.at_level(logging.WARNING), Running(sls_consumer(vault).worker(Processor, config_of(service), args=(seen,))) as worker:
        wait_until(lambda: len(seen) > 0, 30)
        vault.shut = True
        time.sleep(3.5)
        beats = vault.refused.count(worker.heart_beat.name)
        vault.shut = False
        before = len(seen)
        wait_until(lambda: len(seen) > before + 1, 30)
    assert 1 <= beats <= 5, "one a second, as configured; a heart beat that meets an exception it does not know goes on without a pause"
    assert service.refusals == []
    assert "CredentialsProviderError" in caplog.text
    assert "the vault is shut" in caplog.text


# As a refresher, in a worker that is not made here


@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_the_clients_own_worker_calls_the_refresher_when_its_first_request_is_refused(
    service: SlsLoopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One refused request first, and after it the strings that it got: what remains reactive without `worker`."""
    worker = ConsumerWorker(Processor, config_of(service, credentials_refresher=sls_consumer(service.keys)), args=([],))
    assert len(service.refusals) == 1
    assert {each.credential for each in service.seen if each.credential} == {service.seen[-1].credential}
    worker.consumer_client.get_begin_cursor(0)
    assert service.keys.minted == 1
    # five minutes are what the client leaves between two calls
    slept: list[float] = []
    monkeypatch.setattr("aliyun.log.logclient.time.sleep", slept.append)
    service.faults.append(EXPIRED)
    worker.consumer_client.get_begin_cursor(0)
    assert service.keys.minted == 2
    assert [200 < span <= 300 for span in slept] == [True]


@pytest.mark.slow
def test_the_program_of_the_page_runs(service: SlsLoopback) -> None:
    said = run_example("sls_consumer", service.keys, of_a_program(service))
    assert service.refusals == []
    assert "'number': '1'" in said
