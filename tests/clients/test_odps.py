"""``pyodps`` under `odps` and `odps_bearer`."""

from __future__ import annotations

import copy
import logging
import pickle
import warnings
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from alicred import BearerToken, CachingProvider, ConfigurationError, Credential, DeniedError, RefreshPolicy, StaticProvider
from alicred.adapters import odps as adapted
from alicred.adapters import odps_bearer
from alicred.testing.cloud.exchange import Answer, Request
from tests.clients.odps_service import PROJECT, TABLE, OdpsLoopback, Project, error
from tests.clients.sessions import Early, for_a_while
from tests.clients.signatures import odps as signatures
from tests.clients.support import Driver, Keys, Loopback, Refused, run_example
from tests.support import HOUR, Script

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client does at its import
    from odps import ODPS, options
    from odps.accounts import BaseAccount, BearerTokenAccount, CloudAccount, CredentialProviderAccount, StsAccount
    from odps.config import option_context
    from odps.errors import ODPSError
    from odps.rest import RestClient
    from odps.tunnel import TableTunnel

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*datetime.datetime.utcnow:DeprecationWarning"),  # the client's, on 3.12 and newer
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),  # it closes no session
]
PACKAGE = "pyodps"
VERSIONS = pytest.mark.parametrize("version", ["v2", "v4"])


@pytest.fixture(autouse=True)
def quick_and_alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Short pauses between attempts, and nothing that one test leaves to the next: the client has much that is global."""
    monkeypatch.setattr("odps.rest._RETRY_BACKOFF_FACTOR", 0.01)
    monkeypatch.setattr(RestClient, "_endpoints_without_v4_sign", set())
    with option_context() as local:
        local.retry_delay = 0.01
        yield


@pytest.fixture(params=[True, False], ids=["sts", "ak"])
def keys(request: pytest.FixtureRequest) -> Keys:
    return Keys(tokens=request.param)


@pytest.fixture
def service(keys: Keys) -> Iterator[OdpsLoopback]:
    with OdpsLoopback(keys, signatures.verify, Project()) as running:
        yield running


def odps_of(service: Loopback, account: Any, version: str = "v4", **options: Any) -> ODPS:
    region = signatures.REGION if version == "v4" else None
    return ODPS(
        account=account, project=PROJECT, endpoint=f"{service.url}{signatures.PREFIX}", tunnel_endpoint=service.url,
        region_name=region, overwrite_global=False, **options,
    )  # fmt: skip


def everything(client: ODPS) -> Callable[[str], None]:
    """What people do with a project; the mark stands in some of the requests of each kind."""

    def do(mark: str) -> None:
        assert [table.name for table in client.list_tables(prefix=mark)] == [TABLE]
        assert not client.exist_table(mark)
        with client.execute_sql(f"SELECT '{mark}'").open_reader(tunnel=False) as rows:
            assert [row[0] for row in rows] == ["1"]
        tunnel = TableTunnel(client)
        upload = tunnel.create_upload_session(TABLE, tags=[mark])
        with upload.open_record_writer(0) as writer:
            writer.write(upload.new_record([1]))
        upload.commit([0])
        with tunnel.create_download_session(TABLE, tags=[mark]).open_record_reader(0, 1) as reader:
            assert [record[0] for record in reader] == [1]

    return do


@VERSIONS
@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_each_request_is_signed_with_one_current_credential(service: OdpsLoopback, version: str) -> None:
    Driver(service).one_after_the_other(everything(odps_of(service, adapted(service.keys), version)), calls=3)
    assert len(service.seen) > 40
    assert len({each.credential for each in service.seen}) == len(service.seen)
    to_the_tunnel = [each for each in service.seen if not each.request.path.startswith(signatures.PREFIX)]
    assert len(to_the_tunnel) == 3 * 6
    for each in service.seen:
        assert ("aliyun_v4_request" in each.request.headers["authorization"]) == (version == "v4" and each not in to_the_tunnel)


@VERSIONS
@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_threads_share_a_client(service: OdpsLoopback, version: str) -> None:
    Driver(service).in_threads(everything(odps_of(service, adapted(service.keys), version)), calls=1)


@VERSIONS
@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_a_token_that_rotates_under_one_id_is_noticed(version: str) -> None:
    with OdpsLoopback(Keys(same_id=True), signatures.verify, Project()) as service:
        Driver(service).one_after_the_other(everything(odps_of(service, adapted(service.keys), version)), calls=2)
        assert len({each.request.headers["authorization-sts-token"] for each in service.seen}) == len(service.seen)


def test_the_clients_own_account_does_not_notice_it() -> None:
    """What happens with ``CredentialProviderAccount``."""
    with OdpsLoopback(Keys(same_id=True), signatures.verify, Project()) as service:
        client = odps_of(service, CredentialProviderAccount(getters(service.keys)))
        for _ in range(3):
            client.exist_table(TABLE)
        assert len({each.request.headers["authorization-sts-token"] for each in service.seen}) == 1


def getters(provider: Any) -> Any:
    from alicred.adapters import sls  # the same getters

    return sls(provider)


@VERSIONS
def test_the_clients_variables_do_not_win_over_a_key_without_a_token(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "TOKEN"):
        monkeypatch.setenv(f"ODPS_STS_{name}", "of-the-environment")
    with OdpsLoopback(Keys(tokens=False), signatures.verify, Project()) as service:
        Driver(service).one_after_the_other(everything(odps_of(service, adapted(service.keys), version)), calls=2)
        assert not any("authorization-sts-token" in each.request.headers for each in service.seen)
        seen = len(service.seen)
        with pytest.raises(ODPSError, match="nobody has the id"):  # what happens with the client's own account
            odps_of(service, CredentialProviderAccount(getters(service.keys))).exist_table(TABLE)
        assert "of-the-environment" in str(service.seen[seen].request.headers)


@VERSIONS
@pytest.mark.tried(PACKAGE, "sync", "rotation")
def test_a_retry_is_signed_with_a_credential_of_its_own(service: OdpsLoopback, version: str) -> None:
    client = odps_of(service, adapted(service.keys), version)
    for status in (502, 503, 504):
        service.fail("mark", Answer(status=status, body=b"busy"))
    client.exist_table("mark")
    assert service.refusals == []
    serials = service.serials("mark")
    assert serials == [serials[0] + number for number in range(4)]


def test_the_way_back_to_an_older_signature_stays_open(service: OdpsLoopback) -> None:
    client = odps_of(service, adapted(service.keys))
    service.fail("mark", error(400, "InvalidParameter", "ODPS-0410051:Invalid credentials - accessKeyId not found"))
    client.exist_table("mark")
    assert service.refusals == []
    versions = ["aliyun_v4_request" in each.request.headers["authorization"] for each in service.seen if "mark" in each.request.target]
    assert versions == [True, False]


def test_an_authentication_that_has_expired_is_reported_to_the_provider(service: OdpsLoopback) -> None:
    cache = CachingProvider(service.keys)
    client = odps_of(service, adapted(cache))
    assert service.keys.minted == 1
    service.fail("mark", error(401, "AuthenticationRequestExpired", "The request authentication has expired"))
    client.exist_table("mark")
    assert service.serials("mark") == [1, 2]
    assert service.keys.minted == 2
    client.account.reload()
    assert cache.get() == cache.get()
    assert service.keys.minted == 2, "only a reload that is forced is a rejection"


# Where the provider has nothing


def test_what_the_provider_raises_arrives_as_it_is(service: OdpsLoopback) -> None:
    denied = DeniedError("no", provider="vault", code="NoPermission")
    answers: list[object] = [service.keys.get]
    source = Script(lambda: answers[0]() if callable(answers[0]) else answers[0])
    client = odps_of(service, adapted(source))
    tunnel = TableTunnel(client)
    answers[0] = denied
    seen = len(service.seen)
    for ask in (
        lambda: list(client.list_tables()),
        lambda: client.exist_table(TABLE),
        lambda: client.execute_sql("SELECT 1"),
        lambda: tunnel.create_upload_session(TABLE),
        lambda: client.account.access_id,
        lambda: odps_of(service, adapted(source)),
    ):
        with pytest.raises(DeniedError) as caught:
            ask()
        assert caught.value is denied
    assert len(service.seen) == seen


def test_the_clients_own_account_hides_what_was_raised(service: OdpsLoopback) -> None:
    class Own:
        """With the one name that its documentation has."""

        def get_credential(self) -> None:
            raise DeniedError("no", provider="vault")

    with pytest.raises(AttributeError, match="get_credentials"):
        odps_of(service, CredentialProviderAccount(Own())).exist_table(TABLE)


# The service notices


@VERSIONS
def test_parts_of_another_credential_are_noticed(service: OdpsLoopback, version: str) -> None:
    one, other = service.keys.get(), service.keys.get()
    torn: CloudAccount = CloudAccount(one.access_key_id, other.access_key_secret)
    if one.security_token is not None:
        torn = StsAccount(one.access_key_id, other.access_key_secret, one.security_token, expired_hours=None)
    with pytest.raises(ODPSError, match="not the one of this request"):
        odps_of(service, torn, version).exist_table(TABLE)
    foreign = StsAccount(one.access_key_id, one.access_key_secret, "token-of-nobody", expired_hours=None)
    with pytest.raises(ODPSError, match="not its own"):
        odps_of(service, foreign, version).exist_table(TABLE)


def test_an_old_request_is_noticed(service: OdpsLoopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odps.utils.formatdate", lambda *args, **kwargs: "Mon, 06 May 2024 07:08:09 GMT")
    with pytest.raises(ODPSError, match="more than 0:15:00 off"):
        odps_of(service, adapted(service.keys)).exist_table(TABLE)


# As an account


def test_it_is_an_account_and_may_come_first(service: OdpsLoopback) -> None:
    account = adapted(service.keys)
    assert isinstance(account, BaseAccount)
    client = ODPS(account, project=PROJECT, endpoint=f"{service.url}{signatures.PREFIX}", overwrite_global=False)
    assert client.account is account
    assert client.exist_table(TABLE)


def test_its_id_is_the_one_of_the_current_credential() -> None:
    cache = CachingProvider(Script(HOUR))
    account = adapted(cache)
    assert account.access_id == "id-1"
    cache.invalidate()
    assert account.access_id == "id-2"


def test_it_can_be_pickled_and_copied_and_shows_no_secret() -> None:
    account = adapted(StaticProvider(Credential("the-id", "the-secret", "the-token")))
    assert copy.deepcopy(account) is account
    assert pickle.loads(pickle.dumps(account)).access_id == "the-id"
    assert repr(account) == "<odps adapter of static_sts>"


def test_a_pickled_client_takes_its_account_along_if_the_variable_says_so(service: OdpsLoopback, monkeypatch: pytest.MonkeyPatch) -> None:
    held = service.keys.get()
    client = odps_of(service, adapted(StaticProvider(held)))
    options.account = None
    without = pickle.dumps(client)
    assert held.access_key_secret.encode() not in without
    assert held.access_key_id.encode() not in without
    with pytest.raises(TypeError, match="should be provided"):
        pickle.loads(without)
    monkeypatch.setenv("PYODPS_PICKLE_ACCOUNT", "true")
    again = pickle.loads(pickle.dumps(client))
    assert again.exist_table(TABLE)
    assert service.refusals == []


@pytest.mark.parametrize("make", [adapted, odps_bearer])
def test_nothing_but_a_provider_is_taken(make: Callable[[Any], object]) -> None:
    with pytest.raises(ConfigurationError, match=r"odps.*\.provider"):
        make("nonsense")


# Bearer tokens


class Tokens:
    """A provider of bearer tokens, one of each key of *keys*, which knows them again."""

    name = "tokens"

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._minted: dict[str, Credential] = {}

    def get(self) -> BearerToken:
        credential = self._keys.get()
        assert credential.security_token is not None
        self._minted[credential.security_token] = credential
        return BearerToken(credential.security_token, credential.expires_at)

    def verify(self, request: Request, keys: Keys) -> Credential:
        token = request.headers.get("x-odps-bearer-token", "")
        if token not in self._minted or "authorization" in request.headers:
            raise Refused("this token is nobody's")
        return self._minted[token]


@pytest.fixture
def tokens() -> Tokens:
    return Tokens(Keys())


@pytest.fixture
def service_of_tokens(tokens: Tokens) -> Iterator[OdpsLoopback]:
    with OdpsLoopback(tokens._keys, tokens.verify, Project()) as running:
        yield running


@pytest.mark.tried(PACKAGE, "sync", "threads", "rotation")
def test_each_request_has_the_current_bearer_token_and_no_log_has_it(
    service_of_tokens: OdpsLoopback, tokens: Tokens, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        client = odps_of(service_of_tokens, odps_bearer(tokens))
        Driver(service_of_tokens).one_after_the_other(everything(client), calls=2)
        Driver(service_of_tokens).in_threads(everything(client), calls=1)
    assert len({each.credential for each in service_of_tokens.seen}) == len(service_of_tokens.seen)
    assert not any(token in caplog.text for token in tokens._minted)


def test_the_clients_own_account_writes_each_token_to_a_log(tokens: Tokens, caplog: pytest.LogCaptureFixture) -> None:
    """Why it is not used; should a release mend it, the page is to be mended too."""
    with caplog.at_level(logging.INFO, "odps"):
        account = BearerTokenAccount(get_bearer_token_fun=lambda: tokens.get().token)
    assert account.token in caplog.text


def test_a_token_of_another_key_is_noticed(service_of_tokens: OdpsLoopback) -> None:
    with pytest.raises(ODPSError, match="nobody's"):
        odps_of(service_of_tokens, odps_bearer(StaticProvider(BearerToken("other")))).exist_table(TABLE)


def test_a_bearer_account_tells_and_asks_as_the_other_one(service_of_tokens: OdpsLoopback, tokens: Tokens) -> None:
    cache = CachingProvider(tokens)
    account = odps_bearer(cache)
    client = odps_of(service_of_tokens, account)
    service_of_tokens.fail("mark", error(401, "AuthenticationRequestExpired", "The request authentication has expired"))
    client.exist_table("mark")
    assert service_of_tokens.serials("mark") == [1, 2]
    assert account.token == cache.get().token
    account.reload()
    assert account.token == cache.get().token
    assert copy.deepcopy(account) is account
    assert pickle.loads(pickle.dumps(odps_bearer(StaticProvider(BearerToken("a-token"))))).token == "a-token"
    assert repr(account) == "<odps_bearer adapter of tokens>"
    assert isinstance(account, BearerTokenAccount), "the client looks for one where it makes links to logs"
    with pytest.raises(ConfigurationError, match="must provide a BearerToken, not a Credential"):
        odps_bearer(Keys()).token  # type: ignore[arg-type]  # noqa: B018


# Over many sessions


@pytest.mark.slow
@pytest.mark.tried(PACKAGE, "threads", "rotation")
def test_a_pool_of_workers_outlives_many_short_sessions() -> None:
    """The service refuses a session after three seconds; `Early` says two."""
    with OdpsLoopback(Keys(lasts=timedelta(seconds=3)), signatures.verify, Project()) as service:
        cache = CachingProvider(Early(service.keys), refresh=RefreshPolicy(ahead=timedelta(seconds=1)))
        counts = for_a_while(6, everything(odps_of(service, adapted(cache))))
        cache.close()
        assert service.refusals == []
        assert min(counts) >= 1, counts
        assert 3 <= len({each.credential for each in service.seen}) <= 12


def test_the_program_of_the_page_runs(service: OdpsLoopback) -> None:
    said = run_example("odps_tables", service.keys, {"ODPS_ENDPOINT": f"{service.url}{signatures.PREFIX}", "ODPS_PROJECT": PROJECT})
    assert service.refusals == []
    assert said.splitlines() == [TABLE, "1"]
