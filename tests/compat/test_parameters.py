"""Each parameter does what the documentation of the façade says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from alicred import ConfigurationError
from alicred.compat.client import Client
from alicred.compat.exceptions import CredentialException
from alicred.compat.http import HttpOptions
from alicred.compat.models import Config, CredentialModel
from alicred.compat.provider import (
    CLIProfileCredentialsProvider,
    CloudSSOCredentialsProvider,
    EcsRamRoleCredentialsProvider,
    ExternalCredentialsProvider,
    OAuthCredentialsProvider,
    OIDCRoleArnCredentialsProvider,
    ProfileCredentialsProvider,
    RamRoleArnCredentialsProvider,
    RsaKeyPairCredentialsProvider,
    StaticAKCredentialsProvider,
    StaticSTSCredentialsProvider,
    URLCredentialsProvider,
)
from alicred.testing import FakeCloud, faults
from tests.compat.support import PACKAGES, Package, keys

KEY = {"access_key_id": "id", "access_key_secret": "secret"}
ROLE = {**KEY, "role_arn": "acs:ram::1:role/x"}
MAP = {
    "type": "ram_role_arn", "accessKeyId": "1", "accessKeySecret": "2", "securityToken": "3", "bearerToken": "4", "durationSeconds": 5,
    "roleArn": "6", "oidcProviderArn": "7", "oidcTokenFilePath": "8", "roleSessionName": "9", "roleSessionExpiration": 10, "policy": "11",
    "externalId": "12", "stsEndpoint": "13", "publicKeyId": "14", "privateKeyFile": "15", "roleName": "16", "disableIMDSv1": False,
    "enableIMDSv2": True, "metadataTokenDuration": 17, "credentialsUri": "18", "host": "19", "timeout": 20, "connectTimeout": 21,
    "proxy": "22",
}  # fmt: skip
MODEL_MAP = {"accessKeyId": "1", "accessKeySecret": "2", "securityToken": "3", "bearerToken": "4", "type": "5", "providerName": "6"}


# --- the models ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", PACKAGES)
@pytest.mark.parametrize(("model", "whole"), [("Config", MAP), ("CredentialModel", MODEL_MAP)])
def test_a_model_goes_into_a_map_and_comes_back(package: str, model: str, whole: dict[str, Any]) -> None:
    kind = getattr(Package(package).models, model)
    made = kind()
    assert made.to_map() == {}
    assert made.from_map(whole) is made
    assert made.to_map() == whole
    assert made.validate() is None
    assert kind().from_map(None).to_map() == kind().from_map({}).to_map() == {}
    for key, value in whole.items():
        assert kind().from_map({key: value, "somethingElse": 1}).to_map() == {key: value}


def test_the_keys_of_the_maps_cover_every_attribute() -> None:
    assert len(Config().from_map(MAP).to_map()) == 25
    config = Config()
    config.role_arn = "assigned"
    assert config.to_map() == {"roleArn": "assigned"}
    assert CredentialModel("1", "2", "3", "4", "5", "6").to_map() == MODEL_MAP


# --- what is refused ----------------------------------------------------------------------------------------------------------------

REFUSED = [
    (StaticAKCredentialsProvider, {}, "access key id is empty"),
    (StaticAKCredentialsProvider, {**KEY, "access_key_id": "two\nlines"}, "control character"),
    (StaticSTSCredentialsProvider, KEY, "security token is empty"),
    (RamRoleArnCredentialsProvider, KEY, "role_arn is empty, and the variable ALIBABA_CLOUD_ROLE_ARN is not set"),
    (RamRoleArnCredentialsProvider, {"role_arn": "acs:ram::1:role/x"}, "access key id is empty"),
    (RamRoleArnCredentialsProvider, {**ROLE, "duration_seconds": 899}, "900 to 43200"),
    (RamRoleArnCredentialsProvider, {**ROLE, "duration_seconds": 43201}, "900 to 43200"),
    (RamRoleArnCredentialsProvider, {**ROLE, "duration_seconds": "3600"}, "whole number"),
    (RamRoleArnCredentialsProvider, {**ROLE, "role_session_name": "a b"}, "role_session_name"),
    (RamRoleArnCredentialsProvider, {**ROLE, "sts_endpoint": "a b"}, "sts_endpoint must be a host"),
    (RamRoleArnCredentialsProvider, {**ROLE, "sts_region_id": "a b"}, "sts_region_id must be the id of a region"),
    (RamRoleArnCredentialsProvider, {**ROLE, "credentials_provider": "x"}, r"must have get_credentials\(\)"),
    (RamRoleArnCredentialsProvider, {**ROLE, "credentials_provider": StaticAKCredentialsProvider}, "the class StaticAK"),
    (RamRoleArnCredentialsProvider, {**ROLE, "http_options": HttpOptions(connect_timeout=0)}, "connect_timeout"),
    (RamRoleArnCredentialsProvider, {**ROLE, "http_options": HttpOptions(read_timeout=-1)}, "read_timeout"),
    (RamRoleArnCredentialsProvider, {**ROLE, "http_options": HttpOptions(read_timeout=True)}, "read_timeout"),
    (RamRoleArnCredentialsProvider, {**ROLE, "http_options": HttpOptions(proxy="socks5://x")}, "proxy"),
    (OIDCRoleArnCredentialsProvider, {}, "role_arn is empty"),
    (OIDCRoleArnCredentialsProvider, {"role_arn": "x"}, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"),
    (OIDCRoleArnCredentialsProvider, {"role_arn": "x", "oidc_provider_arn": "y"}, "ALIBABA_CLOUD_OIDC_TOKEN_FILE"),
    (RsaKeyPairCredentialsProvider, {"public_key_id": "x"}, "private_key_file"),
    (RsaKeyPairCredentialsProvider, {"public_key_id": "x", "private_key_file": "y", "duration_seconds": 3601}, "900 to 3600"),
    (URLCredentialsProvider, {}, "ALIBABA_CLOUD_CREDENTIALS_URI"),
    (URLCredentialsProvider, {"uri": "ftp://x"}, "uri"),
    (CloudSSOCredentialsProvider, {"access_token": "x"}, "aliyun configure --mode CloudSSO"),
    (CloudSSOCredentialsProvider, {"access_token": "x", "access_token_expire": 1}, "aliyun configure --mode CloudSSO"),
    (CloudSSOCredentialsProvider, {"access_token": "x", "access_token_expire": 4e9}, "needs sign_in_url"),
    (CloudSSOCredentialsProvider, {"access_token": "x", "access_token_expire": "soon"}, "seconds since 1970"),
    (OAuthCredentialsProvider, {"client_id": "x"}, "sign_in_url"),
    (OAuthCredentialsProvider, {"client_id": "x", "sign_in_url": "https://x"}, "refresh_token or an access_token"),
    (OAuthCredentialsProvider, {"client_id": "x", "sign_in_url": "https://x", "access_token": "t", "sts_expiration": 10**30}, "1970"),
    (OAuthCredentialsProvider, {"client_id": "x", "sign_in_url": "https://x", "token_update_callback": 5}, "must be a function"),
    (ExternalCredentialsProvider, {}, "process_command is empty"),
    (ExternalCredentialsProvider, {"process_command": "'"}, "command"),
    (CLIProfileCredentialsProvider, {"profile_name": 5}, "profile"),
    (ProfileCredentialsProvider, {"profile_file": 5}, "path"),
]


@pytest.mark.parametrize(("kind", "given", "text"), REFUSED)
def test_a_wrong_parameter_is_refused_when_the_provider_is_made(kind: Any, given: dict[str, Any], text: str) -> None:
    with pytest.raises(CredentialException, match=text) as caught:
        kind(**given)
    assert isinstance(caught.value, ValueError), "as in the official package"
    assert isinstance(caught.value, ConfigurationError), "as in alicred"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"type": "ecs_ram_role", "metadata_token_duration": 0}, "metadata_token_duration must be 1 to 21600"),
        ({"type": "ecs_ram_role", "metadata_token_duration": 21601}, "metadata_token_duration must be 1 to 21600"),
        ({"type": "ecs_ram_role", "host": "a b"}, r"Config\.host"),
        ({"type": "ecs_ram_role", "timeout": 0}, r"Config\.timeout"),
        ({"type": "ecs_ram_role", "connect_timeout": "1000"}, r"Config\.connect_timeout"),
        ({"type": "ram_role_arn", **ROLE, "role_session_expiration": 60}, "900 to 43200"),
    ],
)
def test_a_wrong_configuration_is_refused_when_the_client_is_made(given: dict[str, Any], text: str) -> None:
    with pytest.raises(CredentialException, match=text):
        Client(Config(**given))


def test_a_variable_may_forbid_to_ask_the_metadata_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
    with pytest.raises(ValueError, match="ALIBABA_CLOUD_ECS_METADATA_DISABLED"):
        EcsRamRoleCredentialsProvider()


# --- what they do -------------------------------------------------------------------------------------------------------------------


def endpoint_of(provider: Any) -> str:
    """The STS host that the provider would ask now."""
    import os

    retrying = provider._provider._source
    return str(retrying._source._sts.client(os.environ).endpoint)


@pytest.mark.parametrize(
    ("given", "environ", "host"),
    [
        ({}, {}, "sts.aliyuncs.com"),
        ({"sts_endpoint": "sts.cn-test.aliyuncs.com"}, {"STS_REGION": "cn-other"}, "sts.cn-test.aliyuncs.com"),
        ({"sts_endpoint": "https://sts.example.com:8443/"}, {}, "sts.example.com:8443"),
        ({"sts_endpoint": "sts.example.com", "sts_region_id": "cn-test", "enable_vpc": True}, {}, "sts.example.com"),
        ({"sts_region_id": "cn-test"}, {"STS_REGION": "cn-other"}, "sts.cn-test.aliyuncs.com"),
        ({"sts_region_id": "cn-test", "enable_vpc": True}, {}, "sts-vpc.cn-test.aliyuncs.com"),
        ({"sts_region_id": "cn-test"}, {"VPC_ENDPOINT_ENABLED": "true"}, "sts-vpc.cn-test.aliyuncs.com"),
        ({"sts_region_id": "cn-test", "enable_vpc": False}, {"VPC_ENDPOINT_ENABLED": "true"}, "sts.cn-test.aliyuncs.com"),
        ({"enable_vpc": True}, {}, "sts.aliyuncs.com"),
        ({"enable_vpc": True}, {"STS_REGION": "cn-other"}, "sts-vpc.cn-other.aliyuncs.com"),
        ({"sts_endpoint": "", "sts_region_id": ""}, {"STS_ENDPOINT": "sts.example.com"}, "sts.example.com"),
    ],
)
def test_the_sts_host_is_chosen_as_in_the_official_package(
    given: dict[str, Any], environ: dict[str, str], host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = RamRoleArnCredentialsProvider(**ROLE, **given)
    for name, value in environ.items():
        monkeypatch.setenv(f"ALIBABA_CLOUD_{name}", value)  # after it was made: read when it is needed
    assert endpoint_of(provider) == f"https://{host}"
    pair = {"public_key_id": "x", "private_key_file": "y"}
    expected = "sts.ap-northeast-1.aliyuncs.com" if not environ and host == "sts.aliyuncs.com" else host
    assert endpoint_of(RsaKeyPairCredentialsProvider(**pair, **given)) == f"https://{expected}"


def test_the_role_and_the_session_are_named_by_variables(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ROLE_ARN", cloud.role_arn)
    monkeypatch.setenv("ALIBABA_CLOUD_ROLE_SESSION_NAME", "by-variable")
    RamRoleArnCredentialsProvider(**keys(cloud), role_arn="", sts_endpoint=cloud.endpoint).get_credentials()
    assert cloud.sessions[-1].arn.endswith("/by-variable")


def test_the_made_up_session_name_stays_the_same(cloud: FakeCloud) -> None:
    provider = RamRoleArnCredentialsProvider(**keys(cloud), role_arn=cloud.role_arn, sts_endpoint=cloud.endpoint)
    provider.get_credentials()
    provider._provider.invalidate()  # type: ignore[attr-defined]  # a CachingProvider
    provider.get_credentials()
    first, second = cloud.sessions
    assert first.arn == second.arn


@contextmanager
def hanging(cloud: FakeCloud) -> Iterator[None]:
    with cloud.faulty(faults.Hang()):
        yield


@pytest.mark.parametrize("given", [{"type": "credentials_uri"}, {"type": "ram_role_arn", **ROLE}, {"type": "ecs_ram_role"}])
def test_a_configurations_time_out_is_in_milliseconds(given: dict[str, Any], cloud: FakeCloud) -> None:
    where = {"credentials_uri": f"{cloud.http_endpoint}/credentials", "sts_endpoint": cloud.endpoint, "host": cloud.imds_endpoint}
    client = Client(Config(**given, **where, timeout=100))
    with hanging(cloud), pytest.raises(CredentialException, match=r"0\.1 s|100"):
        client.get_credential()


def test_a_proxy_is_used(cloud: FakeCloud) -> None:
    """The cloud answers as a proxy does that is asked for a whole URL."""
    config = Config(type="credentials_uri", credentials_uri="http://127.0.0.9:9/credentials", proxy=cloud.http_endpoint)
    Client(config).get_credential()
    assert cloud.raw[-1].line.startswith("GET http://127.0.0.9:9/credentials ")


def test_a_local_uri_goes_through_no_proxy_of_the_environment(cloud: FakeCloud, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    Client(Config(type="credentials_uri", credentials_uri=f"{cloud.http_endpoint}/credentials", timeout=5000)).get_credential()


def test_a_uri_without_a_scheme_gets_the_protocol(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, tls = (endpoint.partition("://")[2] for endpoint in (cloud.http_endpoint, cloud.endpoint))
    URLCredentialsProvider(uri=f"//{plain}/credentials").get_credentials()
    URLCredentialsProvider(uri=f"{tls}/credentials", protocol="https").get_credentials()
    monkeypatch.setenv("ALIBABA_CLOUD_CREDENTIALS_URI", f"{cloud.http_endpoint}/credentials")
    URLCredentialsProvider().get_credentials()
    assert [call.over_tls for call in cloud.calls] == [False, True, False]


def test_the_metadata_service_may_be_elsewhere_and_its_tokens_may_be_short_lived(cloud: FakeCloud) -> None:
    for host in (cloud.imds_endpoint, cloud.imds_endpoint.partition("://")[2]):
        Client(Config(type="ecs_ram_role", host=host, metadata_token_duration=600, enable_imds_v2=False)).get_credential()
    sent = [raw.headers["x-aliyun-ecs-metadata-token-ttl-seconds"] for raw in cloud.raw if raw.line.startswith("PUT")]
    assert sent == ["600", "600"]


@pytest.mark.parametrize("by_variable", [False, True])
def test_the_metadata_service_is_not_asked_without_a_token_if_that_is_forbidden(
    by_variable: bool, instance: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.imds_v2 = False
    assert EcsRamRoleCredentialsProvider().get_credentials()
    if by_variable:
        monkeypatch.setenv("ALIBABA_CLOUD_IMDSV1_DISABLED", "true")
        assert EcsRamRoleCredentialsProvider(disable_imds_v1=False).get_credentials(), "the parameter goes before the variable"
    provider = EcsRamRoleCredentialsProvider(disable_imds_v1=None if by_variable else True)
    with pytest.raises(CredentialException, match="no tokens"):
        provider.get_credentials()


def test_async_update_decides_whose_thread_refreshes(instance: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from alicred.wire.imds import ImdsClient

    asked_on: list[str] = []
    asked = ImdsClient.role_credential

    def spy(*args: Any, **kwargs: Any) -> Any:
        asked_on.append(threading.current_thread().name)
        return asked(*args, **kwargs)

    monkeypatch.setattr(ImdsClient, "role_credential", spy)
    for enabled in (True, False):
        EcsRamRoleCredentialsProvider(async_update_enabled=enabled).get_credentials()
    here = threading.current_thread().name
    assert [name == here for name in asked_on] == [False, True]


def test_a_chain_that_reuses_no_source_walks_at_every_call(instance: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from alicred.compat.provider import DefaultCredentialsProvider

    providers = [DefaultCredentialsProvider(reuse_last_provider_enabled=reuse) for reuse in (True, False)]
    assert {provider.get_credentials().get_provider_name() for provider in providers} == {"default/ecs_ram_role"}
    before = instance.count("MetadataCredential")
    assert providers[1].get_credentials().get_provider_name() == "default/ecs_ram_role"
    assert instance.count("MetadataCredential") == before, "each source keeps what it has"
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
    assert [provider.get_credentials().get_provider_name() for provider in providers] == ["default/ecs_ram_role", "default/env"]


def test_a_stored_key_of_a_login_is_used_first(cloud: FakeCloud) -> None:
    import time

    login = cloud.add_oauth_login()
    given = {
        "client_id": login.client_id,
        "sign_in_url": cloud.http_endpoint,
        "access_token": login.access_token,
        "access_token_expire": int(login.expires_at.timestamp()),
        "access_key_id": "stored",
        "access_key_secret": "secret",
        "security_token": "token",
    }
    now = int(time.time())
    assert OAuthCredentialsProvider(**given, sts_expiration=now + 1800).get_credentials().get_access_key_id() == "stored"
    assert cloud.count() == 0
    assert OAuthCredentialsProvider(**given, sts_expiration=now + 30).get_credentials().get_access_key_id() != "stored"
    assert cloud.count("OAuthExchange") == 1


def test_a_program_is_given_its_time(tmp_path: Path) -> None:
    from tests.compat.support import command_of

    provider = ExternalCredentialsProvider(process_command=command_of("import time; time.sleep(50)"), timeout=1)
    with pytest.raises(CredentialException, match="1 s"):
        provider.get_credentials()
