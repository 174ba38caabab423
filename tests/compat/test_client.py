"""The client over anybody's provider, its parts, and what survives copying, pickling and forking."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import gc
import multiprocessing
import os
import pickle
from datetime import datetime, timezone
from typing import Any

import pytest

from alicred import (
    CachingProvider,
    ChainProvider,
    Credential,
    DeniedError,
    EnvironmentProvider,
    NotConfiguredError,
    ProviderError,
    StaticProvider,
)
from alicred.compat import native
from alicred.compat.api import ICredentials, ICredentialsProvider
from alicred.compat.client import Client
from alicred.compat.cloud_credential import CloudCredential
from alicred.compat.credentials import AccessKeyCredential, BearerTokenCredential, StsCredential
from alicred.compat.credentials import Credential as NoCredential
from alicred.compat.exceptions import CredentialException, CredentialValueError
from alicred.compat.models import Config, CredentialModel
from alicred.compat.provider import (
    EnvironmentVariableCredentialsProvider,
    RamRoleArnCredentialsProvider,
    StaticAKCredentialsProvider,
    StaticSTSCredentialsProvider,
)
from alicred.compat.provider.refreshable import Credentials
from alicred.testing import FakeCloud
from tests.compat.provider_cases import CASES
from tests.compat.support import HAS_OFFICIAL, Package, keys
from tests.forked import in_child
from tests.support import HOUR, Script

STS = {"access_key_id": "id", "access_key_secret": "secret", "security_token": "token"}


class Plain:
    """The least that a provider can be."""

    def __init__(self, **parts: Any) -> None:
        self.parts = parts or STS

    def get_credentials(self) -> Any:
        return Credentials(**self.parts)


class Named(Plain):
    def get_provider_name(self) -> str:
        return "vault"

    async def get_credentials_async(self) -> Any:
        await asyncio.sleep(0)
        return Credentials(**{**self.parts, "security_token": "asked by a task"})


class Inherited(ICredentialsProvider):
    """Inherits the coroutine that only says that it must be overridden."""

    def get_credentials(self) -> ICredentials:
        return Credentials(**STS)

    def get_provider_name(self) -> str:
        return "inherited"


class Broken(Plain):
    def get_credentials(self) -> Any:
        raise LookupError("the vault is sealed")


# --- anybody's provider -------------------------------------------------------------------------------------------------------------


def test_anybodys_provider_is_asked_at_every_call() -> None:
    client = Client(provider=Named())
    assert client.get_type() == "vault"
    assert client.get_credential().security_token == "token"
    assert asyncio.run(client.get_credential_async()).security_token == "asked by a task"
    client.cloud_credential.provider.parts = {**STS, "access_key_id": "new"}  # type: ignore[union-attr]
    assert client.get_credential().access_key_id == "new"


@pytest.mark.parametrize("provider", [Plain(), Inherited()])
def test_a_provider_without_a_coroutine_of_its_own_is_asked_on_a_thread(provider: Any) -> None:
    import threading

    threads: list[int] = []

    class Watched(type(provider)):  # type: ignore[misc]
        def get_credentials(self) -> Any:
            threads.append(threading.get_ident())
            return super().get_credentials()

    client = Client(provider=Watched())
    assert asyncio.run(client.get_credential_async()).access_key_id == "id"
    assert threads != [threading.get_ident()]


@pytest.mark.skipif(not HAS_OFFICIAL, reason="the official package is not installed")
def test_a_provider_of_the_official_kind_that_inherits_its_coroutine_is_asked_on_a_thread() -> None:
    from alibabacloud_credentials_api import ICredentialsProvider as Official

    class Mine(Official):  # type: ignore[misc]
        def get_credentials(self) -> Any:
            return Credentials(**STS)

        def get_provider_name(self) -> str:
            return "mine"

    assert asyncio.run(Client(provider=Mine()).get_credential_async()).access_key_id == "id"


@pytest.mark.filterwarnings("ignore:Call to deprecated function:DeprecationWarning")
@pytest.mark.skipif(not HAS_OFFICIAL, reason="the official package is not installed")
def test_each_packages_client_takes_the_others_provider(official: Package, ours: Package) -> None:
    theirs, mine = (package.provider.StaticSTSCredentialsProvider(**STS) for package in (official, ours))
    for package, provider in ((official, mine), (ours, theirs)):
        client = package.of("client").Client(provider=provider)
        assert client.get_credential().security_token == "token"
        assert asyncio.run(client.get_credential_async()).provider_name == "static_sts"
        assert client.get_type() == "static_sts"


def test_what_anybodys_provider_raises_is_passed_on() -> None:
    client = Client(provider=Broken())
    for ask in (client.get_credential, client.get_access_key_id, lambda: asyncio.run(client.get_credential_async())):
        with pytest.raises(LookupError, match="sealed"):
            ask()


def test_a_native_provider_is_taken_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
    for provider in (EnvironmentProvider(), CachingProvider(EnvironmentProvider())):
        client = Client(provider=provider)
        assert client.get_credential().provider_name == client.get_type() == "env"
        assert asyncio.run(client.get_credential_async()).access_key_id == "id"
    with pytest.raises(CredentialException, match="no"):
        Client(provider=Script(NotConfiguredError("no"))).get_credential()


@pytest.mark.parametrize("provider", [5, "x", Plain, StaticProvider, object()])
def test_what_is_no_provider_is_refused(provider: Any) -> None:
    with pytest.raises(CredentialValueError, match=r"^Client\.provider must have"):
        Client(provider=provider)
    with pytest.raises(CredentialValueError, match=r"^RamRoleArnCredentialsProvider\.credentials_provider must have"):
        RamRoleArnCredentialsProvider(credentials_provider=provider, role_arn="role")
    with pytest.raises(CredentialValueError, match=r"^the provider must have"):
        native(provider)


def test_a_provider_goes_before_a_configuration() -> None:
    assert Client(Config(type="nonsense"), provider=Named()).get_type() == "vault"


# --- a provider of the façade in native code ----------------------------------------------------------------------------------------


def test_a_provider_becomes_a_native_one() -> None:
    ends_at = 1_900_000_000
    found = native(Named(**STS, expiration=ends_at))
    assert found.name == "vault"
    assert found.get() == Credential("id", "secret", "token", datetime.fromtimestamp(ends_at, timezone.utc))
    assert found.get().provider_name == "vault"
    assert asyncio.run(CachingProvider(found).aget()).access_key_id == "id"
    assert native(Plain()).name == "Plain"
    own = StaticProvider(Credential("id", "secret"))
    assert native(own) is own


def test_both_parts_of_a_program_share_one_cache(cloud: FakeCloud) -> None:
    role = RamRoleArnCredentialsProvider(**keys(cloud), role_arn=cloud.role_arn, sts_endpoint=cloud.endpoint)
    assert native(role).get().access_key_id == Client(provider=role).get_access_key_id() == role.get_credentials().get_access_key_id()
    assert cloud.count() == 1


def test_a_native_part_sees_native_errors(cloud: FakeCloud) -> None:
    role = RamRoleArnCredentialsProvider(
        access_key_id="unknown", access_key_secret="x", role_arn=cloud.role_arn, sts_endpoint=cloud.endpoint
    )
    for ask in (native(role).get, lambda: asyncio.run(native(role).aget())):  # type: ignore[attr-defined]  # it has one
        with pytest.raises(DeniedError) as caught:
            ask()
        assert caught.value.code == "InvalidAccessKeyId.NotFound"
    chain = ChainProvider(native(EnvironmentVariableCredentialsProvider()), native(Plain()))
    assert chain.get().access_key_id == "id", "a façade's source that is not set up is passed over"


@pytest.mark.parametrize("parts", [{"access_key_id": "id"}, {"access_key_secret": "x"}, {"access_key_id": 1, "access_key_secret": 2}])
def test_half_a_key_of_anybodys_provider_assumes_no_role(parts: dict[str, Any], cloud: FakeCloud) -> None:
    role = RamRoleArnCredentialsProvider(credentials_provider=Plain(**parts), role_arn=cloud.role_arn, sts_endpoint=cloud.endpoint)
    with pytest.raises(CredentialException, match="no access key") as caught:
        role.get_credentials()
    assert isinstance(caught.value.__cause__, ProviderError)


@pytest.mark.parametrize("ends_at", [0, -1, None, True, 10**30, "soon"])
def test_an_end_that_is_none_is_not_known(ends_at: Any) -> None:
    assert native(Plain(**STS, expiration=ends_at)).get().expires_at is None


def test_a_role_is_assumed_with_anybodys_provider_and_its_failure_is_wrapped(cloud: FakeCloud) -> None:
    for provider in (Named(**keys(cloud)), StaticProvider(cloud.access_key)):
        role = RamRoleArnCredentialsProvider(credentials_provider=provider, role_arn=cloud.role_arn, sts_endpoint=cloud.endpoint)
        assert role.get_credentials().get_provider_name() in ("ram_role_arn/vault", "ram_role_arn/fake_cloud")
    broken = RamRoleArnCredentialsProvider(credentials_provider=Broken(), role_arn=cloud.role_arn, sts_endpoint=cloud.endpoint)
    with pytest.raises(CredentialException, match="raised LookupError"):
        broken.get_credentials()


# --- part by part -------------------------------------------------------------------------------------------------------------------


class Counting(Plain):
    calls = 0

    def get_credentials(self) -> Any:
        self.calls += 1
        return Credentials(**{name: f"{name}-{self.calls}" for name in STS})


def test_a_token_that_is_asked_for_alone_does_not_grow_old(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr("alicred.adapters.last_fetch.monotonic", lambda: now)
    client = Client(provider=Counting())
    assert client.get_security_token() == client.get_security_token() == "security_token-1"
    now += 61
    assert client.get_security_token() == "security_token-2"
    assert client.get_access_key_id() == "access_key_id-3"
    assert client.get_access_key_secret() == "access_key_secret-3"


def test_two_clients_do_not_mix_in_one_thread() -> None:
    first, second = Client(provider=Counting()), Client(provider=Counting())
    second.get_access_key_id()
    for number in (1, 2):
        assert first.get_access_key_id() == f"access_key_id-{number}"
        assert second.get_access_key_id() == f"access_key_id-{number + 1}"
        assert first.get_access_key_secret() == f"access_key_secret-{number}"
        assert second.get_security_token() == f"security_token-{number + 1}"


def test_a_client_that_is_gone_leaves_nothing_behind() -> None:
    context = contextvars.copy_context()

    def read() -> None:
        for _ in range(50):
            client = Client(provider=Plain(**{**STS, "access_key_secret": "of-one-that-is-gone"}))
            context.run(client.get_access_key_id)
            assert context.run(client.get_access_key_secret) == "of-one-that-is-gone"

    read()
    gc.collect()
    kept = [each for each in gc.get_objects() if type(each) is CredentialModel and each.access_key_secret == "of-one-that-is-gone"]
    assert kept == []
    assert len(context) <= len(contextvars.copy_context()) + 1


# --- copies, pickles, forks ---------------------------------------------------------------------------------------------------------


def test_a_pickled_client_brings_its_settings_and_no_key(cloud: FakeCloud) -> None:
    client = Client(Config(type="ram_role_arn", **keys(cloud), role_arn=cloud.role_arn, sts_endpoint=cloud.endpoint))
    first = client.get_access_key_id()
    twin = pickle.loads(pickle.dumps(client))
    assert twin.get_access_key_id() != first
    assert twin.get_type() == "ram_role_arn"
    assert cloud.count() == 2


def test_every_provider_can_be_pickled(tmp_path: Any, instance: FakeCloud, ours: Package) -> None:
    for case in CASES:
        provider = case.make(ours, instance, tmp_path)
        twin = pickle.loads(pickle.dumps(provider))
        assert twin.get_provider_name() == provider.get_provider_name()
        assert type(twin) is type(provider)


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
def test_a_forked_child_goes_on_with_the_parents_key(cloud: FakeCloud) -> None:
    client = Client(Config(type="ram_role_arn", **keys(cloud), role_arn=cloud.role_arn, sts_endpoint=cloud.endpoint))
    mine = client.get_access_key_id()
    assert in_child(client.get_access_key_id) == mine
    assert cloud.count() == 1


# --- errors, small classes, the environment -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [CredentialException, CredentialValueError])
def test_an_exception_can_be_pickled_and_copied_whole(kind: Any) -> None:
    error = kind("what went wrong", "NoPermission", "R-1")
    error.provider = "ram_role_arn"
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(twin), twin.message, twin.code, twin.request_id, twin.provider, str(twin)) == (
            kind, "what went wrong", "NoPermission", "R-1", "ram_role_arn", "what went wrong",
        )  # fmt: skip
    assert (kind("x").code, kind("x").request_id) == (None, None)


def test_each_caller_has_an_exception_of_its_own(cloud: FakeCloud) -> None:
    wrong = {"access_key_id": "x", "access_key_secret": "y"}
    client = Client(Config(type="ram_role_arn", **wrong, role_arn=cloud.role_arn, sts_endpoint=cloud.endpoint))
    caught = []
    for _ in range(2):
        with pytest.raises(CredentialException) as each:
            client.get_credential()
        caught.append(each.value)
    assert caught[0] is not caught[1]
    assert caught[0].request_id == caught[1].request_id, "the second comes from the back-off"


def test_the_credentials_that_a_program_makes_are_what_a_client_takes() -> None:
    made = [
        (AccessKeyCredential("id", "S3cret"), ("id", "S3cret", None, None, "access_key")),
        (StsCredential("id", "S3cret", "T0ken"), ("id", "S3cret", "T0ken", None, "sts")),
        (BearerTokenCredential("B3arer"), (None, None, None, "B3arer", "bearer")),
    ]
    for credential, expected in made:
        for model in (credential.get_credential(), asyncio.run(credential.get_credential_async())):
            found = (model.access_key_id, model.access_key_secret, model.security_token, model.bearer_token, model.type)
            assert found == expected
        assert credential.get_access_key_id() == asyncio.run(credential.get_access_key_id_async()) == expected[0]
        assert credential.get_access_key_secret() == asyncio.run(credential.get_access_key_secret_async()) == expected[1]
        assert credential.get_security_token() == asyncio.run(credential.get_security_token_async()) == expected[2]
        assert credential.credential_type == expected[4]
        assert not any(secret in repr(credential) for secret in ("S3cret", "T0ken", "B3arer"))
    assert made[2][0].get_type() == "bearer"
    nothing = NoCredential()
    assert nothing.get_credential() is asyncio.run(nothing.get_credential_async()) is nothing.get_access_key_id() is None
    assert nothing.get_access_key_secret() is nothing.get_security_token() is None
    for make in (lambda: AccessKeyCredential("", "x"), lambda: StsCredential("id", "x\n", "y"), lambda: BearerTokenCredential("")):
        with pytest.raises(CredentialValueError):
            make()


def test_what_the_environment_says_is_looked_up_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    from alicred.compat.utils import auth_constant, auth_util

    assert (auth_util.client_type, auth_util.environment_enable_vpc, auth_util.environment_role_arn) == ("default", "false", None)
    assert auth_util.enable_oidc_credential is False
    for name in ("ROLE_ARN", "OIDC_PROVIDER_ARN", "OIDC_TOKEN_FILE", "PROFILE"):
        monkeypatch.setenv(f"ALIBABA_CLOUD_{name}", "given")
    assert auth_util.enable_oidc_credential is True
    assert auth_util.client_type == auth_util.environment_profile_name == "given"
    assert auth_util.get_home() == auth_constant.HOME == os.environ["HOME"]
    (tmp_path / "key").write_text("the key")
    assert auth_util.get_private_key(str(tmp_path / "key")) == "the key"
    for module in (auth_util, auth_constant):
        assert "HOME" in dir(module) or "client_type" in dir(module)
        with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
            module.nonsense  # noqa: B018


def test_an_assigned_key_counts_and_a_wrong_one_is_an_exception() -> None:
    provider = StaticAKCredentialsProvider(access_key_id="id", access_key_secret="secret")
    provider.access_key_id = "new"
    assert provider.get_credentials().get_access_key_id() == "new"
    assert "secret" not in repr(provider)
    provider.access_key_secret = ""
    with pytest.raises(CredentialException, match="empty"):
        provider.get_credentials()


def test_the_interfaces_say_what_must_be_overridden() -> None:
    class Nothing(ICredentials):
        pass

    class NoProvider(ICredentialsProvider):
        pass

    for ask in (Nothing().get_access_key_id, Nothing().get_access_key_secret, Nothing().get_security_token, Nothing().get_provider_name):
        with pytest.raises(NotImplementedError, match="must be overridden"):
            ask()
    for ask in (NoProvider().get_credentials, NoProvider().get_provider_name, lambda: asyncio.run(NoProvider().get_credentials_async())):
        with pytest.raises(NotImplementedError, match="must be overridden"):
            ask()


# --- what one call makes ------------------------------------------------------------------------------------------------------------


class Minting:
    """A native provider that holds no secret itself."""

    name = "minting"

    def get(self) -> Credential:
        return Credential("the-id", "minted-secret")


def test_the_value_of_one_fetch_is_made_once_and_the_model_for_each_call() -> None:
    cache = CachingProvider(Script(HOUR, HOUR))
    client = Client(provider=cache)
    assert isinstance(client.cloud_credential, CloudCredential)
    provider = client.cloud_credential.provider
    first = provider.get_credentials()
    assert provider.get_credentials() is first
    assert asyncio.run(client.get_credential_async()).access_key_id == "id-1"

    model = client.get_credential()
    model.access_key_secret = "changed by the program"
    assert client.get_credential().access_key_secret == "secret-1"

    cache.invalidate()
    assert client.get_credential().access_key_id == "id-2"
    assert provider.get_credentials() is not first


def test_a_key_that_is_assigned_counts_from_the_next_call_on() -> None:
    key = StaticAKCredentialsProvider(access_key_id="one", access_key_secret="secret")
    sts = StaticSTSCredentialsProvider(access_key_id="one", access_key_secret="secret", security_token="token")
    for provider in (key, sts):
        client = Client(provider=provider)
        assert client.get_credential().access_key_id == "one"
        provider.access_key_id, provider.access_key_secret = "two", "another"
        found = client.get_credential()
        assert (found.access_key_id, found.access_key_secret) == ("two", "another")
    sts.security_token = "renewed"
    assert sts.get_credentials().get_security_token() == "renewed"


def test_what_was_fetched_does_not_travel() -> None:
    client = Client(provider=Minting())
    assert client.get_credential().access_key_secret == "minted-secret"
    pickled = pickle.dumps(client)
    assert b"minted-secret" not in pickled
    assert pickle.loads(pickled).get_credential().access_key_secret == "minted-secret"
