"""Each provider class of the façade and of the official package, made alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from alicred.testing import FakeCloud
from tests.compat.support import Package, command_of, host_of, keys, session


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
