"""The environment fills what a profile leaves open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alicred.credential import Credential
from alicred.errors import ConfigurationError
from tests.recording_sts import SESSION, RecordingSts
from tests.sources.profiles.cli_profile.support import ID, KEY, OIDC, ROLE, ROLE_ARN, RSA, SECRET, TOKEN, reading, written


def test_the_environment_fills_gaps(path: Path, tmp_path: Path) -> None:
    sts = RecordingSts()
    rrsa = {
        "ALIBABA_CLOUD_ROLE_ARN": ROLE_ARN,
        "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/p",
        "ALIBABA_CLOUD_OIDC_TOKEN_FILE": str(tmp_path / "token"),
    }
    written(path, {"mode": "OIDC", "ram_session_name": "me"})
    assert reading(path, sts=sts, environ=rrsa).get() == SESSION
    assert sts.calls[-1]["role_session_name"] == "me"
    written(path, {"mode": "RamRoleArn"})
    more = {ID: "env-id", SECRET: "env-secret", TOKEN: "env-token", "ALIBABA_CLOUD_EXTERNAL_ID": "partner"}
    reading(path, sts=sts, environ={**rrsa, **more}).get()
    assert sts.calls[-1]["credential"] == Credential("env-id", "env-secret", "env-token")
    assert sts.calls[-1]["external_id"] == "partner"
    written(path, {"mode": "RamRoleArn", **KEY, "ram_role_arn": "own", "external_id": "own"})
    reading(path, sts=sts, environ={**rrsa, **more}).get()
    assert sts.calls[-1]["credential"] == Credential("AK1", "planted"), "a token of another key is not added"
    assert (sts.calls[-1]["role_arn"], sts.calls[-1]["external_id"]) == ("own", "own")


@pytest.mark.parametrize("there", ["access_key_id", "access_key_secret"])
def test_half_a_key_is_not_completed_with_half_of_another(path: Path, there: str) -> None:
    written(path, {"mode": "AK", there: "planted"})
    missing = ({"access_key_id", "access_key_secret"} - {there}).pop()
    with pytest.raises(ConfigurationError, match=rf"{missing} is missing$"):
        reading(path, environ={ID: "a", SECRET: "b"}).get()
    written(path, {"mode": "StsToken", **KEY})
    with pytest.raises(ConfigurationError, match=r"sts_token is missing$"):
        reading(path, environ={ID: "a", SECRET: "b", TOKEN: "c"}).get()
    written(path, {"mode": "AK"})
    with pytest.raises(ConfigurationError, match=rf"{SECRET} is missing$"):
        reading(path, environ={ID: "a"}).get()


def test_the_gaps_of_a_source_profile_are_left_open(path: Path) -> None:
    written(path, {"mode": "ChainableRamRoleArn", "source_profile": "base", "ram_role_arn": ROLE_ARN}, {"name": "base", "mode": "AK"})
    with pytest.raises(ConfigurationError, match=r"profile 'base' of .* access_key_id and access_key_secret are missing"):
        reading(path, environ={ID: "a", SECRET: "b"}).get()


@pytest.mark.parametrize(
    ("more", "environ", "host"),
    [
        ({}, {}, "https://sts.aliyuncs.com"),
        ({"region_id": "cn-a"}, {}, "https://sts.aliyuncs.com"),
        ({"sts_region": "cn-a"}, {}, "https://sts.cn-a.aliyuncs.com"),
        ({"sts_region": "cn-a", "enable_vpc": True}, {}, "https://sts-vpc.cn-a.aliyuncs.com"),
        ({"sts_region": "cn-a", "enable_vpc": False}, {"ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED": "true"}, "https://sts-vpc.cn-a.aliyuncs.com"),
        ({"enable_vpc": True}, {}, "https://sts.aliyuncs.com"),
        ({"sts_region": "cn-a", "sts_endpoint": "https://sts.example.com/"}, {}, "https://sts.example.com"),
        ({"sts_endpoint": "sts.example.com"}, {"ALIBABA_CLOUD_STS_ENDPOINT": "other.example.com"}, "https://sts.example.com"),
        ({}, {"ALIBABA_CLOUD_STS_ENDPOINT": "other.example.com"}, "https://other.example.com"),
    ],
)
def test_the_profile_and_then_the_environment_choose_the_host(
    path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, Any], environ: dict[str, str], host: str
) -> None:
    chosen: list[str] = []

    def recording(endpoint: str, **_: Any) -> object:
        chosen.append(endpoint)
        return RecordingSts()

    monkeypatch.setattr("alicred.wire.sts.StsClient", recording)
    for profile in (ROLE, OIDC, RSA):
        written(path, {**profile, **more})
        reading(path, sts=None, environ=environ).get()
    assert chosen == [host] * 3
