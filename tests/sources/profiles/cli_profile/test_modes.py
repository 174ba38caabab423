"""The modes of a profile."""

from __future__ import annotations

import itertools
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alicred.credential import Credential
from alicred.errors import ConfigurationError, ProviderError
from alicred.testing import FakeCloud
from alicred.wire.imds import ImdsClient
from tests.recording_sts import HOUR, SESSION, RecordingSts
from tests.sources.profiles.cli_profile.support import KEY, OIDC, ROLE, ROLE_ARN, RSA, STORED, key, reading, written


def test_a_role_with_everything(path: Path) -> None:
    sts = RecordingSts()
    more = {"sts_token": "T1", "ram_session_name": "me", "expired_seconds": 900, "policy": '{"Version":"1"}', "external_id": "partner"}
    written(path, {**ROLE, **more})
    found = reading(path, sts=sts).get()
    assert found == SESSION
    assert found.provider_name == "cli_profile/ram_role_arn/static_sts"
    assert sts.calls == [
        {
            "operation": "assume_role",
            "credential": Credential("AK1", "planted", "T1"),
            "role_arn": ROLE_ARN,
            "role_session_name": "me",
            "duration": timedelta(seconds=900),
            "session_policy": '{"Version":"1"}',
            "external_id": "partner",
        }
    ]


def test_what_was_never_set_counts_as_missing(path: Path) -> None:
    sts = RecordingSts()
    nothing = {"sts_token": "", "policy": None, "external_id": "", "expired_seconds": 0, "ram_session_name": "", "enable_vpc": False}
    written(path, {**ROLE, **nothing})
    provider = reading(path, sts=sts)
    provider.get()
    provider.get()
    first, second = sts.calls
    assert (first["session_policy"], first["external_id"], first["duration"]) == (None, None, HOUR)
    assert first["credential"] == Credential("AK1", "planted")
    assert first["role_session_name"] == second["role_session_name"]
    assert first["role_session_name"].startswith("alicred-")


def test_an_oidc_token_and_a_key_pair(path: Path) -> None:
    sts = RecordingSts()
    written(path, {**OIDC, "ram_session_name": "me"}, {"name": "rsa", **RSA, "expired_seconds": 900})
    assert reading(path, sts=sts).get().provider_name == "cli_profile/oidc_role_arn"
    assert reading(path, "rsa", sts=sts).get().provider_name == "cli_profile/rsa_key_pair"
    oidc, rsa = sts.calls
    assert (oidc["oidc_token"], oidc["role_session_name"]) == ("planted-token", "me")
    assert (rsa["public_key_id"], rsa["private_key"], rsa["duration"]) == ("LTPK", b"planted", timedelta(seconds=900))
    written(path, {**RSA, "expired_seconds": 3601})
    with pytest.raises(ConfigurationError, match=r"expired_seconds must be 900 to 3600 [(]seconds[)], not 3601"):
        reading(path).get()


def test_a_chain_of_profiles(path: Path) -> None:
    sts = RecordingSts()
    last = {"mode": "ChainableRamRoleArn", "source_profile": "middle", "ram_role_arn": f"{ROLE_ARN}2", "ram_session_name": "s2"}
    middle = {"name": "middle", "mode": "ChainableRamRoleArn", "source_profile": "base", "ram_role_arn": ROLE_ARN, "ram_session_name": "s1"}
    written(path, last, middle, {"name": "base", "mode": "StsToken", **STORED})
    assert reading(path, sts=sts).get().provider_name == "cli_profile/ram_role_arn/ram_role_arn/static_sts"
    inner, outer = sts.calls
    assert (inner["role_arn"], inner["role_session_name"]) == (ROLE_ARN, "s1")
    assert inner["credential"].security_token == "planted-token"
    assert (outer["role_arn"], outer["role_session_name"], outer["credential"]) == (f"{ROLE_ARN}2", "s2", SESSION)


@pytest.mark.parametrize(
    ("links", "circle"),
    [({"p": "p"}, "'p' -> 'p'"), ({"p": "q", "q": "p"}, "'p' -> 'q' -> 'p'"), ({"p": "q", "q": "r", "r": "q"}, "'q' -> 'r' -> 'q'")],
)
def test_a_circle_of_profiles_is_shown(path: Path, links: dict[str, str], circle: str) -> None:
    profiles = [{"name": n, "mode": "ChainableRamRoleArn", "source_profile": s, "ram_role_arn": ROLE_ARN} for n, s in links.items()]
    written(path, *profiles)
    with pytest.raises(ConfigurationError, match=rf"of {path}: source_profile leads in a circle: {circle}$"):
        reading(path).get()


def test_a_chain_has_an_end(path: Path) -> None:
    names = ["p", *(f"p{number}" for number in range(2000))]
    profiles = [
        {"name": n, "mode": "ChainableRamRoleArn", "source_profile": s, "ram_role_arn": ROLE_ARN} for n, s in itertools.pairwise(names)
    ]
    written(path, *profiles, {**key(names[-1])})
    with pytest.raises(ConfigurationError, match="source_profile leads through more than 16 profiles"):
        reading(path).get()
    assert reading(path, "p1984").get() == SESSION


def test_what_is_wrong_with_the_source_of_a_chain_names_that_profile(path: Path) -> None:
    chain = {"mode": "ChainableRamRoleArn", "source_profile": "base", "ram_role_arn": ROLE_ARN}
    for base, words in (
        ({"mode": "AK", "access_key_id": "a"}, "access_key_secret is missing"),
        ({"mode": "BearerToken", "bearer_token": "planted"}, "Use BearerProfileProvider"),
        ({"mode": "Anonymous"}, "its mode is Anonymous"),
        ({}, "mode is missing"),
    ):
        written(path, chain, {"name": "base", **base})
        with pytest.raises(ConfigurationError) as caught:
            reading(path).get()
        assert str(caught.value).startswith(f"cli_profile: profile 'base' of {path}: ")
        assert words in str(caught.value)


def test_the_instances_role_and_a_role_behind_it(path: Path, closed_port: int) -> None:
    sts = RecordingSts()
    with FakeCloud() as cloud:
        imds = ImdsClient(cloud.imds_endpoint)
        cloud.add_role("named")
        cloud.attach_instance_role("named")
        written(path, {"mode": "EcsRamRole"})
        assert reading(path, imds=imds).get().provider_name == "cli_profile/ecs_ram_role"
        for mode in ("RamRoleArnWithRoleName", "RamRoleArnWithEcs"):
            written(path, {"mode": mode, "ram_role_name": "named", "ram_role_arn": ROLE_ARN})
            assert reading(path, imds=imds, sts=sts).get().provider_name == "cli_profile/ram_role_arn/ecs_ram_role"
        assert sts.calls[-1]["credential"].access_key_id == cloud.sessions[-1].access_key_id
        with pytest.raises(ConfigurationError, match=r"mode is RamRoleArnWithEcs, but ALIBABA_CLOUD_ECS_METADATA_DISABLED forbids it"):
            reading(path, imds=imds, environ={"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}).get()
    written(path, {"mode": "EcsRamRole"})
    with pytest.raises(ProviderError, match=r"profile 'p' of .* asks for ecs_ram_role, but: no metadata service"):
        reading(path, imds=ImdsClient(f"http://127.0.0.1:{closed_port}")).get()


def test_a_login_at_cloud_sso(path: Path) -> None:
    with FakeCloud() as cloud:
        login = cloud.add_cloud_sso_login()
        profile = {
            "mode": "CloudSSO",
            "cloud_sso_sign_in_url": f"{cloud.http_endpoint}/start/login",
            "cloud_sso_account_id": login.account_id,
            "cloud_sso_access_config": login.access_configuration_id,
            "access_token": login.access_token,
            "cloud_sso_access_token_expire": int(login.expires_at.timestamp()),
        }
        before = written(path, profile).read_bytes()
        found = reading(path).get()
        assert found.provider_name == "cli_profile/cloud_sso"
        assert cloud.sts_client().get_caller_identity(found).identity_type == "AssumedRoleUser"
        written(path, {**profile, "cloud_sso_access_token_expire": 0})
        with pytest.raises(ConfigurationError, match=r"cloud_sso_access_token_expire is missing\. Log in with"):
            reading(path).get()
        written(path, {**profile, "cloud_sso_sign_in_url": "http://192.0.2.1/planted"})
        with pytest.raises(ConfigurationError, match="cloud_sso_sign_in_url: plain http is for loopback") as caught:
            reading(path).get()
        assert "planted" not in str(caught.value)
        assert written(path, profile).read_bytes() == before


def test_a_program_and_a_uri(path: Path) -> None:
    printed = json.dumps({"mode": "AK", "access_key_id": "printed", "access_key_secret": "planted"}).replace('"', '\\"')
    with FakeCloud() as cloud:
        uri = f"{cloud.http_endpoint}/credentials"
        written(
            path,
            {"mode": "External", "process_command": f'/bin/echo "{printed}"'},
            {"name": "u", "mode": "CredentialsURI", "credentials_uri": uri},
        )
        assert reading(path).get() == Credential("printed", "planted")
        assert reading(path).get().provider_name == "cli_profile/external"
        assert reading(path, "u").get().provider_name == "cli_profile/credentials_uri"
        for name in ("p", "u"):
            with pytest.raises(ConfigurationError, match="ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS forbids what its mode asks for"):
                reading(path, name, environ={"ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS": "1"}).get()
    written(path, {"mode": "CredentialsURI", "credentials_uri": "http://192.0.2.1/planted"})
    with pytest.raises(ConfigurationError, match="credentials_uri: plain http is for loopback") as caught:
        reading(path).get()
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(("mode", "name"), [("CloudSSO", "cloud_sso"), ("OAuth", "oauth")])
def test_a_stored_session_is_used_while_it_lasts(path: Path, mode: str, name: str) -> None:
    more = {"oauth_site_type": "CN", "oauth_access_token": "planted"} if mode == "OAuth" else {}
    ends = int(time.time()) + 1300
    written(path, {"mode": mode, **STORED, **more, "sts_expiration": ends})
    found = reading(path).get()
    assert (found.access_key_id, found.security_token, found.provider_name) == ("STS.1", "planted-token", f"cli_profile/{name}")
    assert found.expires_at is not None
    assert found.expires_at.timestamp() == ends
    if mode != "OAuth":
        written(path, {"mode": mode, **STORED, "sts_expiration": int(time.time()) + 1190})
        with pytest.raises(ConfigurationError, match="missing"):
            reading(path).get()


def test_an_external_program_is_run_whatever_session_lies_in_the_profile(path: Path) -> None:
    printed = json.dumps({"access_key_id": "printed", "access_key_secret": "planted"}).replace('"', '\\"')
    written(path, {"mode": "External", "process_command": f'/bin/echo "{printed}"', **STORED, "sts_expiration": int(time.time()) + 7200})
    assert reading(path).get() == Credential("printed", "planted")
    written(path, {"mode": "External", **STORED, "sts_expiration": int(time.time()) + 7200})
    with pytest.raises(ConfigurationError, match="process_command is missing"):
        reading(path).get()


@pytest.mark.parametrize(
    ("profile", "mode"),
    [
        (KEY, "static_ak"),
        ({**KEY, "sts_token": "T"}, "static_sts"),
        ({**KEY, "sts_token": "T", "ram_role_arn": ROLE_ARN}, "static_sts"),
        ({**KEY, "ram_role_arn": ROLE_ARN}, "ram_role_arn/static_ak"),
        ({**KEY, "private_key": "~/pk.pem", "key_pair_name": "k"}, "static_ak"),
        ({"private_key": "~/pk.pem", "key_pair_name": "k", "ram_role_name": "r"}, "rsa_key_pair"),
        ({"process_command": "/bin/echo {}", **{k: v for k, v in OIDC.items() if k != "mode"}}, "external"),
        ({k: v for k, v in OIDC.items() if k != "mode"}, "oidc_role_arn"),
        ({"cloud_sso_sign_in_url": "https://x", "bearer_token": "b"}, "cloud_sso_account_id and "),
        ({"bearer_token": "b"}, "BearerProfileProvider"),
        ({"access_key_id": "a"}, "access_key_secret is missing"),
        ({"oauth_refresh_token": "planted"}, "mode is missing, and the keys do not tell"),
    ],
)
def test_a_missing_mode_is_guessed_as_the_tool_does(path: Path, profile: dict[str, Any], mode: str) -> None:
    written(path, profile)
    try:
        assert reading(path).get().provider_name == f"cli_profile/{mode}"
    except (ConfigurationError, ProviderError) as error:
        assert mode in str(error)  # noqa: PT017  (a name where it works, words where it does not)
