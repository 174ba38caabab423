"""The host, bad arguments, pickling, and sections used in a cloud."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from alicred.errors import ConfigurationError, DeniedError, NotConfiguredError
from alicred.sources import ProfileFileProvider
from alicred.testing import FakeCloud
from alicred.wire.http import HttpClient
from alicred.wire.sts import StsClient
from tests.recording_sts import RecordingSts
from tests.sources.profiles.ini_profile.support import KEY, OIDC, ROLE, RSA, reading, written

# --- the host -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "environ", "host"),
    [
        ("", {}, "https://sts.aliyuncs.com"),
        ("region_id = cn-test # region", {}, "https://sts.cn-test.aliyuncs.com"),
        ("region_id = cn-test", {"ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED": "true"}, "https://sts-vpc.cn-test.aliyuncs.com"),
        ("region_id = cn-test", {"ALIBABA_CLOUD_STS_ENDPOINT": "sts.example.com"}, "https://sts.cn-test.aliyuncs.com"),
        ("region_id = cn-a\nsts_region = cn-b", {}, "https://sts.cn-b.aliyuncs.com"),
        ("region_id = cn-a\nsts_endpoint = sts.example.com", {}, "https://sts.example.com"),
        ("sts_endpoint = http://127.0.0.1:8080", {}, "http://127.0.0.1:8080"),
        ("", {"ALIBABA_CLOUD_STS_ENDPOINT": "sts.example.com"}, "https://sts.example.com"),
        ("", {"ALIBABA_CLOUD_STS_REGION": "cn-c"}, "https://sts.cn-c.aliyuncs.com"),
    ],
)
def test_the_section_and_then_the_environment_choose_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, environ: dict[str, str], host: str
) -> None:
    chosen: list[str] = []

    def recording(endpoint: str, **_: Any) -> object:
        chosen.append(endpoint)
        return RecordingSts()

    monkeypatch.setattr("alicred.wire.sts.StsClient", recording)
    written(tmp_path / "token", "token")
    written(tmp_path / "pk.pem", "key")
    for text in (ROLE, OIDC + "oidc_token_file_path = ~/token\n", RSA):
        path = written(tmp_path / "file", text + lines)
        ProfileFileProvider(path, environ={"HOME": str(tmp_path), **environ}).get()
    assert chosen == [host] * 3


@pytest.mark.parametrize(
    "lines",
    [
        "region_id = CN/planted",
        "sts_region = CN/planted",
        "sts_endpoint = https://planted:planted@host/",
        "sts_endpoint = http://sts.example",
    ],
)
def test_a_bad_host_is_an_error_that_names_the_section(tmp_path: Path, lines: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"profile 'default' \(line 1 of .*: {lines.split()[0]}") as caught:
        reading(written(tmp_path / "file", ROLE + lines), sts=None).get()
    assert "planted" not in str(caught.value)


# --- bad arguments, pickling, a cloud -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"path": ""}, "path is empty"),
        ({"path": 7}, "path must be a path"),
        ({"path": b"x"}, "path must be a path"),
        ({"profile": ""}, "profile is empty"),
        ({"profile": 7}, "profile must be a string"),
        ({"require_enable": "no"}, "require_enable must be True or False"),
        ({"environ": "planted"}, "environ must be a Mapping or None"),
        ({"sts": "planted"}, "sts must be None or have a method assume_role()"),
        ({"imds": "planted"}, "imds must be a ImdsClient or None"),
        ({"http": "planted"}, "http must be None or have a method request()"),
    ],
)
def test_a_bad_argument_is_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ProfileFileProvider(**arguments)
    assert f"ProfileFileProvider.{words}" in str(caught.value)
    assert "planted" not in str(caught.value)


def test_a_pickled_provider_reads_the_file_in_its_new_home(tmp_path: Path) -> None:
    path = written(tmp_path / "file", KEY.format("default", "a"))
    for provider in (ProfileFileProvider(path), ProfileFileProvider(path, environ=os.environ)):
        assert pickle.loads(pickle.dumps(provider)).get().access_key_id == "a-id"


def test_a_role_is_assumed_at_the_host_that_the_section_names(tmp_path: Path) -> None:
    with FakeCloud() as cloud:
        key = cloud.access_key
        text = (
            f"[default]\nenable = true\ntype = ram_role_arn\nrole_arn = {cloud.role_arn}\nsts_endpoint = {cloud.endpoint}\n"
            f"access_key_id = {key.access_key_id}\naccess_key_secret = {key.access_key_secret}\n"
        )
        path = written(tmp_path / "file", text)
        http = HttpClient(ca_file=cloud.ca_file)
        found = ProfileFileProvider(path, environ={}, http=http).get()
        assert found.provider_name == "profile/ram_role_arn/static_ak"
        assert StsClient(cloud.endpoint, http=http).get_caller_identity(found).identity_type == "AssumedRoleUser"
        cloud.revoke(key.access_key_id)
        with pytest.raises(DeniedError) as caught:
            ProfileFileProvider(path, environ={}, http=http).get()
        assert caught.value.provider == "profile/ram_role_arn"
        assert key.access_key_secret not in str(caught.value)


def test_the_sessions_of_a_key_pair_are_an_hour_at_most(tmp_path: Path) -> None:
    text = "[default]\nenable = true\ntype = rsa_key_pair\npublic_key_id = id\nprivate_key_file = k.pem\nsession_expiration = 3601\n"
    path = tmp_path / "credentials"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigurationError, match=r"session_expiration must be a whole number of seconds, 900 to 3600$"):
        ProfileFileProvider(path, environ={}).get()


@pytest.mark.parametrize("value", ['"access_key"', "'access_key'"])
def test_a_type_in_quotation_marks_is_explained(tmp_path: Path, value: str) -> None:
    path = tmp_path / "credentials"
    path.write_text(f"[default]\nenable = true\ntype = {value}\n", "utf-8")
    with pytest.raises(ConfigurationError, match="in quotation marks, which belong to the value"):
        ProfileFileProvider(path, environ={}).get()


def test_a_home_that_cannot_be_looked_into_counts_as_one_without_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("alicred._internal.files.os.stat", refuse)
    environ = {"HOME": "/home/somebody"}
    with pytest.raises(NotConfiguredError, match="no profile file"):
        ProfileFileProvider(environ=environ).get()
    with pytest.raises(ConfigurationError, match="cannot be read: Permission denied"):
        ProfileFileProvider(environ={**environ, "ALIBABA_CLOUD_CREDENTIALS_FILE": "/home/somebody/credentials"}).get()
