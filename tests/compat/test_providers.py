"""Every provider class, asked by threads and by tasks, against a cloud that verifies; next to it the official one where that works."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from alicred import Credential
from alicred.testing import FakeCloud
from tests.compat.support import OURS, PACKAGES, WAYS, Package, command_of, host_of, keys, session, whole

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of how the official package asks for the time


def static_ak(package: Package, cloud: FakeCloud, home: Path) -> Any:
    return package.provider.StaticAKCredentialsProvider(**keys(cloud))


def static_sts(package: Package, cloud: FakeCloud, home: Path) -> Any:
    return package.provider.StaticSTSCredentialsProvider(**session(cloud))


def env(package: Package, cloud: FakeCloud, home: Path) -> Any:
    return package.provider.EnvironmentVariableCredentialsProvider()


def ram_role_arn(package: Package, cloud: FakeCloud, home: Path) -> Any:
    return package.provider.RamRoleArnCredentialsProvider(
        **keys(cloud),
        role_arn=cloud.role_arn,
        role_session_name="a-test",
        duration_seconds=1800,
        external_id="proof",
        sts_endpoint=host_of(cloud),
    )


def role_of_a_role(package: Package, cloud: FakeCloud, home: Path) -> Any:
    return package.provider.RamRoleArnCredentialsProvider(
        credentials_provider=ram_role_arn(package, cloud, home), role_arn=cloud.role_arn, sts_endpoint=host_of(cloud)
    )


def oidc(package: Package, cloud: FakeCloud, home: Path) -> Any:
    (home / "token").write_text(cloud.add_oidc_token())
    return package.provider.OIDCRoleArnCredentialsProvider(
        role_arn=cloud.role_arn,
        oidc_provider_arn=cloud.oidc_provider_arn,
        oidc_token_file_path=str(home / "token"),
        sts_endpoint=host_of(cloud),
    )


def rsa_key_pair(package: Package, cloud: FakeCloud, home: Path) -> Any:
    public_key_id, pem = cloud.add_rsa_key()
    (home / "key.pem").write_text(pem)
    return package.provider.RsaKeyPairCredentialsProvider(
        public_key_id=public_key_id, private_key_file=str(home / "key.pem"), sts_endpoint=host_of(cloud)
    )


def ecs_ram_role(package: Package, cloud: FakeCloud, home: Path) -> Any:
    made = package.provider.EcsRamRoleCredentialsProvider(async_update_enabled=False)
    if not package.is_ours:
        made._EcsRamRoleCredentialsProvider__metadata_service_host = cloud.imds_endpoint.partition("://")[2]
    return made


def uri(package: Package, cloud: FakeCloud, home: Path) -> Any:
    return package.provider.URLCredentialsProvider(uri=f"{cloud.http_endpoint}/credentials")


def cloud_sso(package: Package, cloud: FakeCloud, home: Path) -> Any:
    login = cloud.add_cloud_sso_login()
    return package.provider.CloudSSOCredentialsProvider(
        sign_in_url=f"{cloud.http_endpoint}/start",
        account_id=login.account_id,
        access_config=login.access_configuration_id,
        access_token=login.access_token,
        access_token_expire=int(login.expires_at.timestamp()),
    )


def oauth(package: Package, cloud: FakeCloud, home: Path) -> Any:
    login = cloud.add_oauth_login()
    return package.provider.OAuthCredentialsProvider(
        client_id=login.client_id, sign_in_url=cloud.http_endpoint, refresh_token=login.refresh_token
    )


def external(package: Package, cloud: FakeCloud, home: Path) -> Any:
    key = session(cloud)
    printed = json.dumps(
        {
            "mode": "StsToken",
            "access_key_id": key["access_key_id"],
            "access_key_secret": key["access_key_secret"],
            "sts_token": key["security_token"],
            "expiration": f"{cloud.sessions[-1].ends_at:%Y-%m-%dT%H:%M:%SZ}",
        }
    )
    (home / "answer.json").write_text(printed)
    program = f"import pathlib; print(pathlib.Path({str(home / 'answer.json')!r}).read_text())"
    return package.provider.ExternalCredentialsProvider(process_command=command_of(program))


def cli_profile(package: Package, cloud: FakeCloud, home: Path) -> Any:
    profile = {"name": "mine", "mode": "AK", **keys(cloud)}
    (home / "config.json").write_text(json.dumps({"current": "other", "profiles": [profile]}))
    return package.provider.CLIProfileCredentialsProvider(profile_name="mine", profile_file=str(home / "config.json"))


def profile(package: Package, cloud: FakeCloud, home: Path) -> Any:
    lines = "".join(f"{name} = {value}\n" for name, value in keys(cloud).items())
    (home / "credentials.ini").write_text(f"[mine]\ntype = access_key\n{lines}")
    return package.provider.ProfileCredentialsProvider(profile_name="mine", profile_file=str(home / "credentials.ini"))


def default(package: Package, cloud: FakeCloud, home: Path) -> Any:
    return package.provider.DefaultCredentialsProvider()


def walking(package: Package, cloud: FakeCloud, home: Path) -> Any:
    return package.provider.DefaultCredentialsProvider(reuse_last_provider_enabled=False)


@attrs.frozen
class Case:
    """A provider, and what both packages say about it."""

    make: Callable[[Package, FakeCloud, Path], Any]
    name: str
    value_name: str
    requests: int
    ends: bool = True
    official: str = ""  # why the official one cannot be run beside it

    def __str__(self) -> str:
        return self.make.__name__


CASES = [
    Case(static_ak, "static_ak", "static_ak", 0, ends=False),
    Case(static_sts, "static_sts", "static_sts", 0, ends=False),
    Case(env, "env", "env", 0, ends=False, official="reads the environment when it is imported"),
    Case(ram_role_arn, "ram_role_arn", "ram_role_arn/static_ak", 1),
    Case(role_of_a_role, "ram_role_arn", "ram_role_arn/ram_role_arn/static_ak", 2),
    Case(oidc, "oidc_role_arn", "oidc_role_arn", 1),
    Case(rsa_key_pair, "rsa_key_pair", "rsa_key_pair", 1, official="signs with HMAC: tests/compat/test_defects.py"),
    Case(ecs_ram_role, "ecs_ram_role", "ecs_ram_role", 3),
    Case(uri, "credential_uri", "credential_uri", 1),
    Case(cloud_sso, "cloud_sso", "cloud_sso", 1),
    Case(oauth, "oauth", "oauth", 2, official="does not read the answer: tests/compat/test_defects.py"),
    Case(external, "external", "external", 0),
    Case(cli_profile, "cli_profile", "cli_profile/static_ak", 0, ends=False),
    Case(profile, "profile", "profile/static_ak", 0, ends=False),
    Case(default, "default", "default/env", 0, ends=False, official="reads the environment when it is imported"),
    Case(walking, "default", "default/env", 0, ends=False, official="reads the environment when it is imported"),
]


@pytest.fixture(autouse=True)
def key_in_the_environment(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", cloud.access_key.access_key_id)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", cloud.access_key.access_key_secret)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("case", "package"),
    [pytest.param(case, name, id=f"{case}-{name}") for case in CASES for name in PACKAGES if name == OURS or not case.official],
)
def test_a_provider_hands_out_a_key_that_the_service_takes_and_keeps_it(
    case: Case, package: str, way: str, instance: FakeCloud, tmp_path: Path
) -> None:
    provider = case.make(Package(package), instance, tmp_path)
    before = instance.count()
    found = WAYS[way](provider, "get_credentials")
    asked = instance.count() - before
    again = WAYS[way](provider, "get_credentials")
    assert whole(again) == whole(found)
    assert provider.get_provider_name() == case.name
    assert found.get_provider_name() == case.value_name
    assert (found.get_expiration() is not None) == case.ends
    if case.ends:
        known = {each.access_key_id: each.ends_at for each in instance.sessions}
        assert found.get_expiration() == int(known[found.get_access_key_id()].timestamp())
    assert instance.count() - before == asked, "the second answer came from memory"
    if package == OURS:
        assert asked == case.requests
        assert instance.rejected == ()
    key = Credential(found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token())
    assert instance.sts_client().get_caller_identity(key).account_id


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_client_over_a_provider_has_all_parts_of_one_fetch(case: Case, instance: FakeCloud, tmp_path: Path, ours: Package) -> None:
    provider = case.make(ours, instance, tmp_path)
    client = ours.of("client").Client(provider=provider)
    held = provider.get_credentials()
    for way in WAYS.values():
        model = way(client, "get_credential")
        for part in ("access_key_id", "access_key_secret", "security_token", "provider_name"):
            assert getattr(model, part) == getattr(held, f"get_{part}")() == getattr(model, f"get_{part}")()
        assert model.get_type() == model.type == client.get_type() == case.name
        assert model.bearer_token is client.get_bearer_token() is None


def test_every_provider_class_is_tried(instance: FakeCloud, tmp_path: Path, ours: Package) -> None:
    tried = {type(case.make(ours, instance, tmp_path)).__name__ for case in CASES}
    assert tried == set(ours.provider.__all__)


def test_a_role_session_has_the_parameters_that_were_given(instance: FakeCloud, tmp_path: Path, ours: Package) -> None:
    ram_role_arn(ours, instance, tmp_path).get_credentials()
    sent = instance.raw[-1].body.decode()
    for part in ("RoleSessionName=a-test", "DurationSeconds=1800", "ExternalId=proof"):
        assert part in sent
    assert "Policy" not in sent
