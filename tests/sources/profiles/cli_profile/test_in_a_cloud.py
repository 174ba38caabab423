"""The whole, in a cloud."""

from __future__ import annotations

import json
import os
import pickle
import time
from pathlib import Path
from typing import Any

import pytest

from alicred.errors import ConfigurationError, DeniedError
from alicred.sources.profiles.cli.provider import CliProfileProvider
from alicred.testing import FakeCloud
from alicred.wire.imds import ImdsClient
from tests.sources.profiles.cli_profile.support import OIDC, ROLE, STORED, key, reading, written


def test_nothing_but_an_oauth_login_touches_the_directory(path: Path) -> None:
    with FakeCloud() as cloud:
        login, own = cloud.add_cloud_sso_login(), cloud.access_key
        public_key_id, pem = cloud.add_rsa_key()
        (path.parent.parent / "pk.pem").write_text(pem)
        (path.parent.parent / "token").write_text(cloud.add_oidc_token())
        pair = {"access_key_id": own.access_key_id, "access_key_secret": own.access_key_secret}
        role = {"ram_role_arn": cloud.role_arn, "sts_endpoint": cloud.http_endpoint}
        session = {"sts_expiration": int(time.time()) + 60, **STORED}
        printed = json.dumps({"mode": "AK", "access_key_id": "printed", "access_key_secret": "planted"}).replace('"', '\\"')
        sso = {
            "cloud_sso_sign_in_url": cloud.http_endpoint,
            "cloud_sso_account_id": login.account_id,
            "cloud_sso_access_config": login.access_configuration_id,
            "access_token": login.access_token,
            "cloud_sso_access_token_expire": int(login.expires_at.timestamp()),
        }
        profiles = {
            "AK": pair,
            "StsToken": {**pair, "sts_token": "T"},
            "RamRoleArn": {**pair, **role},
            "ChainableRamRoleArn": {**role, "source_profile": "AK"},
            "EcsRamRole": {},
            "RamRoleArnWithEcs": role,
            "OIDC": {**OIDC, **role, "oidc_provider_arn": cloud.oidc_provider_arn, "mode": "OIDC"},
            "RsaKeyPair": {**role, "private_key": "~/pk.pem", "key_pair_name": public_key_id},
            "CloudSSO": {**sso, **session},
            "External": {"process_command": f'/bin/echo "{printed}"', **session},
            "CredentialsURI": {"credentials_uri": f"{cloud.http_endpoint}/credentials"},
        }
        written(path, *({**profile, "name": mode, "mode": mode} for mode, profile in profiles.items()))
        path.chmod(0o644)
        before = path.read_bytes(), path.stat(), os.listdir(path.parent)
        for mode in profiles:
            found = reading(path, mode, sts=None, imds=ImdsClient(cloud.imds_endpoint)).get()
            assert found.provider_name.startswith("cli_profile/")
        after = path.read_bytes(), path.stat(), os.listdir(path.parent)
    assert (before[0], before[2]) == (after[0], after[2])
    assert all(getattr(before[1], name) == getattr(after[1], name) for name in ("st_ino", "st_mode", "st_mtime_ns", "st_ctime_ns"))


def test_an_error_of_the_service_names_the_provider_and_no_secret(path: Path) -> None:
    with FakeCloud() as cloud:
        own = cloud.access_key
        cloud.revoke(own.access_key_id)
        pair = {"access_key_id": own.access_key_id, "access_key_secret": own.access_key_secret}
        written(path, {**ROLE, **pair, "ram_role_arn": cloud.role_arn, "sts_endpoint": cloud.http_endpoint})
        with pytest.raises(DeniedError) as caught:
            reading(path, sts=None).get()
    assert caught.value.provider == "cli_profile/ram_role_arn"
    assert own.access_key_secret not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"path": ""}, "path is empty"),
        ({"path": 7}, "path must be a path"),
        ({"profile": ""}, "profile is empty"),
        ({"write_back": "no"}, "write_back must be True or False"),
        ({"environ": "planted"}, "environ must be a Mapping or None"),
        ({"sts": "planted"}, "sts must be None or have a method assume_role()"),
        ({"imds": "planted"}, "imds must be a ImdsClient or None"),
        ({"http": "planted"}, "http must be None or have a method request()"),
    ],
)
def test_a_bad_argument_is_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        CliProfileProvider(**arguments)
    assert f"CliProfileProvider.{words}" in str(caught.value)
    assert "planted" not in str(caught.value)


def test_a_pickled_provider_reads_the_file_in_its_new_home(path: Path) -> None:
    written(path, key("p"))
    for provider in (CliProfileProvider(path), CliProfileProvider(path, environ=os.environ, write_back=False)):
        assert pickle.loads(pickle.dumps(provider)).get().access_key_id == "p-id"
