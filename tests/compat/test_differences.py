"""What is different here without being a defect there. Each test is named in the second table of docs/compat.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alicred.testing import FakeCloud
from alicred.wire.http import HttpClient
from tests.compat.support import Package, command_of, host_of, keys
from tests.recording_http import RecordingHttp, Sent

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of how the official package asks for the time

P = "ALIBABA_CLOUD_"
KEY = "access_key_id = id\naccess_key_secret = secret\n"
ROLE = f"type = ram_role_arn\n{KEY}role_arn = role_arn\n"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Sent]:
    """What the façade would have sent, to whichever host."""
    answer = {"AccessKeyId": "i", "AccessKeySecret": "s", "SecurityToken": "t", "Expiration": "2099-01-01T00:00:00Z"}
    pair = {"SessionAccessKeyId": "i", "SessionAccessKeySecret": "s", "Expiration": "2099-01-01T00:00:00Z"}
    recording = RecordingHttp({"Credentials": answer, "SessionAccessKey": pair})

    def request(_: HttpClient, *args: Any, **kwargs: Any) -> Any:
        return recording.request(*args, **kwargs)

    monkeypatch.setattr(HttpClient, "request", request)
    return recording.sent


def section(tmp_path: Path, text: str) -> str:
    path = tmp_path / "credentials.ini"
    path.write_text(f"[default]\n{text}\n")
    return str(path)


def from_section(package: Package, tmp_path: Path, text: str) -> Any:
    return package.provider.ProfileCredentialsProvider(profile_file=section(tmp_path, text)).get_credentials()


def official_host(tmp_path: Path, text: str, **environ: str) -> str:
    """The STS host that the official package asks for a section, which a closed port in place of a proxy tells."""
    program = """
import re, sys
from alibabacloud_credentials.provider import ProfileCredentialsProvider
try:
    ProfileCredentialsProvider(profile_file=sys.argv[1]).get_credentials()
except Exception as error:
    print(re.search("host='([^']+)'", str(error))[1])
"""
    nowhere = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    command = [sys.executable, "-W", "ignore", "-c", program, section(tmp_path, text)]
    variables = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **nowhere, **environ}
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=True).stdout.strip()


# --- the profile file ---------------------------------------------------------------------------------------------------------------


def test_a_section_has_more_keys_and_types(sent: list[Sent], tmp_path: Path, ours: Package, official: Package) -> None:
    more = "role_session_expiration = 900\nexternal_id = partner\nsecurity_token = token\n"
    for host, lines in (
        ("sts.cn-a.aliyuncs.com", "region_id = cn-a"),
        ("sts.cn-b.aliyuncs.com", "region_id = cn-a\nsts_region = cn-b"),
        ("sts.example.com", "region_id = cn-a\nsts_endpoint = sts.example.com"),
    ):
        from_section(ours, tmp_path, ROLE + more + lines)
        assert sent[-1].url == f"https://{host}/"
        assert {b"DurationSeconds=900", b"ExternalId=partner"} < set(sent[-1].body.split(b"&"))
        assert sent[-1].headers["x-acs-security-token"] == "token"
        assert official_host(tmp_path, ROLE + more + lines) == "sts.aliyuncs.com"
    assert from_section(ours, tmp_path, f"type = sts\n{KEY}security_token = token\n").get_security_token() == "token"
    with pytest.raises(official.exceptions.CredentialException, match="unsupported"):
        from_section(official, tmp_path, f"type = sts\n{KEY}security_token = token\n")


def test_a_value_refers_to_no_other(tmp_path: Path, ours: Package, official: Package) -> None:
    text = "type = access_key\naccess_key_id = id\naccess_key_secret = %(access_key_id)s\n"
    assert from_section(ours, tmp_path, text).get_access_key_secret() == "%(access_key_id)s"
    assert from_section(official, tmp_path, text).get_access_key_secret() == "id"


def test_a_section_may_be_switched_off(tmp_path: Path, ours: Package, official: Package) -> None:
    text = f"enable = false\ntype = access_key\n{KEY}"
    assert from_section(official, tmp_path, text).get_access_key_id() == "id"
    with pytest.raises(ours.exceptions.CredentialException, match="switched off"):
        from_section(ours, tmp_path, text)
    for package in (ours, official):
        assert from_section(package, tmp_path, f"type = access_key\n{KEY}").get_access_key_id() == "id"


def test_the_profile_file_has_two_places(ours: Package) -> None:
    folder = Path.home() / ".alibabacloud"
    folder.mkdir()
    for name in ("credentials.ini", "credentials"):
        (folder / name).write_text(f"[default]\ntype = access_key\naccess_key_id = {name}\naccess_key_secret = secret\n")
        assert ours.provider.ProfileCredentialsProvider().get_credentials().get_access_key_id() == name


def test_an_environments_key_comes_whole(sent: list[Sent], tmp_path: Path, ours: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ACCESS_KEY_ID", "env-id"), ("ACCESS_KEY_SECRET", "env-secret"), ("SECURITY_TOKEN", "env-token")):
        monkeypatch.setenv(P + name, value)
    found = from_section(ours, tmp_path, "type = access_key\n")
    assert (found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token()) == ("env-id", "env-secret", "env-token")
    from_section(ours, tmp_path, "type = ram_role_arn\nrole_arn = role_arn\n")
    assert sent[-1].headers["x-acs-security-token"] == "env-token"
    for half in ("access_key_id = id", "access_key_secret = secret", "security_token = token"):
        with pytest.raises(ours.exceptions.CredentialException, match="missing"):
            from_section(ours, tmp_path, f"type = access_key\n{half}\n")


# --- variables ----------------------------------------------------------------------------------------------------------------------


def cli_file(path: Path, **profile: Any) -> str:
    path.write_text(json.dumps({"current": "x", "profiles": [{"name": "x", **profile}]}))
    return str(path)


def test_a_variable_names_the_tools_file(tmp_path: Path, ours: Package, monkeypatch: pytest.MonkeyPatch, official: Package) -> None:
    monkeypatch.setenv(P + "CONFIG_FILE", cli_file(tmp_path / "x.json", mode="AK", access_key_id="id", access_key_secret="secret"))
    assert ours.provider.CLIProfileCredentialsProvider().get_credentials().get_access_key_id() == "id"
    with pytest.raises(Exception, match="config"):
        official.provider.CLIProfileCredentialsProvider().get_credentials()


def test_a_variable_forbids_programs_and_uris(tmp_path: Path, ours: Package, monkeypatch: pytest.MonkeyPatch, official: Package) -> None:
    answer = {"mode": "AK", "access_key_id": "id", "access_key_secret": "secret"}
    path = cli_file(tmp_path / "config.json", mode="External", process_command=command_of(f"print({json.dumps(answer)!r})"))
    for value in ("true", "1"):
        monkeypatch.setenv(P + "DISABLE_EXTERNAL_PROCESS", value)
        with pytest.raises(ours.exceptions.CredentialException, match="DISABLE_EXTERNAL_PROCESS forbids"):
            ours.provider.CLIProfileCredentialsProvider(profile_file=path).get_credentials()
    assert official.provider.CLIProfileCredentialsProvider(profile_file=path).get_credentials().get_access_key_id() == "id"
    uri = cli_file(tmp_path / "uri.json", mode="CredentialsURI", credentials_uri="http://127.0.0.1:9/")
    with pytest.raises(ours.exceptions.CredentialException, match="DISABLE_EXTERNAL_PROCESS forbids"):
        ours.provider.CLIProfileCredentialsProvider(profile_file=uri).get_credentials()


@pytest.mark.parametrize("value", ["1", "yes", "Yes", "true", "TRUE"])
def test_one_and_yes_are_true_as_well(value: str, ours: Package, official: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(P + "ECS_METADATA_DISABLED", value)
    with pytest.raises(ours.exceptions.CredentialException, match="ECS_METADATA_DISABLED is true"):
        ours.provider.EcsRamRoleCredentialsProvider()
    monkeypatch.setattr(official.of("utils.auth_util"), "environment_ecs_metadata_disabled", value)
    if value.lower() == "true":
        with pytest.raises(ValueError, match="disabled"):
            official.provider.EcsRamRoleCredentialsProvider(async_update_enabled=False)
    else:
        official.provider.EcsRamRoleCredentialsProvider(async_update_enabled=False)


def test_an_endpoint_in_a_variable_counts(
    sent: list[Sent], tmp_path: Path, ours: Package, official: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(P + "STS_ENDPOINT", "sts.example.com")
    monkeypatch.setenv(P + "STS_REGION", "cn-env")
    from_section(ours, tmp_path, ROLE)
    assert sent[-1].url == "https://sts.example.com/"
    environ = {P + "STS_ENDPOINT": "sts.example.com", P + "STS_REGION": "cn-env"}
    assert official_host(tmp_path, ROLE, **environ) == "sts.cn-env.aliyuncs.com"


def test_a_false_enable_vpc_of_a_profile_leaves_the_variable_its_say(
    sent: list[Sent], tmp_path: Path, ours: Package, official: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(P + "VPC_ENDPOINT_ENABLED", "true")
    role = {"mode": "RamRoleArn", "access_key_id": "i", "access_key_secret": "s", "ram_role_arn": "r", "sts_region": "cn-a"}
    for flag, host in ((False, "sts-vpc"), (True, "sts-vpc")):
        path = cli_file(tmp_path / "config.json", **role, enable_vpc=flag)
        ours.provider.CLIProfileCredentialsProvider(profile_file=path).get_credentials()
        assert sent[-1].url == f"https://{host}.cn-a.aliyuncs.com/"
    for module in (ours, official):  # of the parameter both have the same notion
        made = module.provider.RamRoleArnCredentialsProvider(
            access_key_id="i", access_key_secret="s", role_arn="r", sts_region_id="cn-a", enable_vpc=False
        )
        if module is ours:
            made.get_credentials()
            assert sent[-1].url == "https://sts.cn-a.aliyuncs.com/"
        else:
            assert made._sts_endpoint == "sts.cn-a.aliyuncs.com"


def test_an_empty_role_name_is_none(instance: FakeCloud, tmp_path: Path, ours: Package, official: Package) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(P + "ECS_METADATA", "test-role")
        patch.setattr(official.of("utils.auth_util"), "environment_ecs_metadata", "test-role")
        ours.provider.EcsRamRoleCredentialsProvider(role_name="").get_credentials()
        from_section(ours, tmp_path, "type = ecs_ram_role\nrole_name =\n")
        assert instance.count("MetadataRole") == 0
        assert official.provider.EcsRamRoleCredentialsProvider(role_name="", async_update_enabled=False)._role_name == ""


def test_what_is_assigned_to_auth_util_counts_at_each_fetch(ours: Package, official: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(P + "ACCESS_KEY_ID", "env-id")
    monkeypatch.setenv(P + "ACCESS_KEY_SECRET", "env-secret")
    for package in (ours, official):
        provider = package.provider.EnvironmentVariableCredentialsProvider()
        auth_util = package.of("utils.auth_util")
        monkeypatch.setattr(auth_util, "environment_access_key_id", "assigned")
        monkeypatch.setattr(auth_util, "environment_access_key_secret", "secret")
        assert provider.get_credentials().get_access_key_id() == "assigned"
    assert os.environ[P + "ACCESS_KEY_ID"] == "env-id"
    with pytest.raises(AttributeError, match="assign to these"):
        ours.of("utils.auth_util").enable_oidc_credential = True
    monkeypatch.setattr(official.of("utils.auth_util"), "enable_oidc_credential", False)


# --- what is sent, and what is said -------------------------------------------------------------------------------------------------


def test_a_made_up_session_name_says_who_made_it(cloud: FakeCloud, ours: Package, official: Package) -> None:
    for package, head in ((ours, "alicred-"), (official, "credentials-python-")):
        given = {**keys(cloud), "role_arn": cloud.role_arn, "sts_endpoint": host_of(cloud)}
        package.provider.RamRoleArnCredentialsProvider(**given).get_credentials()
        assert cloud.sessions[-1].arn.rpartition("/")[2].startswith(head)


def test_a_key_without_an_end_has_none(ours: Package, official: Package) -> None:
    answer = {"mode": "AK", "access_key_id": "id", "access_key_secret": "secret"}
    command = command_of(f"print({json.dumps(answer)!r})")
    for package in (ours, official):
        fixed = package.provider.StaticAKCredentialsProvider(access_key_id="i", access_key_secret="s")
        assert fixed.get_credentials().get_expiration() is None
    assert official.provider.ExternalCredentialsProvider(process_command=command).get_credentials().get_expiration() == 0
    assert ours.provider.ExternalCredentialsProvider(process_command=command).get_credentials().get_expiration() > 0


@pytest.mark.parametrize(
    "given", [{"duration_seconds": 43201}, {"role_session_name": "a b"}, {"role_session_name": "a"}, {"access_key_secret": "a\nb"}]
)
def test_what_the_service_would_refuse_is_refused_before(given: dict[str, Any], ours: Package, official: Package) -> None:
    parameters = {"access_key_id": "i", "access_key_secret": "s", "role_arn": "r", **given}
    official.provider.RamRoleArnCredentialsProvider(**parameters)
    with pytest.raises(ours.exceptions.CredentialException):
        ours.provider.RamRoleArnCredentialsProvider(**parameters)


def test_a_role_and_a_policy_of_any_form_are_sent_as_they_are(cloud: FakeCloud, sent: list[Sent], tmp_path: Path, ours: Package) -> None:
    from_section(ours, tmp_path, ROLE + "policy = test\n")
    assert {b"RoleArn=role_arn", b"Policy=test"} < set(sent[-1].body.split(b"&"))
    (tmp_path / "token").write_text("token")
    oidc = {"oidc_provider_arn": "p", "oidc_token_file_path": str(tmp_path / "token")}
    for kind, more in (("ram_role_arn", keys(cloud)), ("oidc_role_arn", oidc)):
        client = ours.client(type=kind, role_arn="roleArn", policy="policy", role_session_name="roleSessionName", **more)
        client.get_credential()
        assert {b"RoleArn=roleArn", b"Policy=policy"} < set(sent[-1].body.split(b"&"))


def test_sts_is_asked_by_post_and_under_our_own_name(cloud: FakeCloud, ours: Package, official: Package) -> None:
    for package, method, agent in ((ours, "POST", "alicred/"), (official, "GET", "AlibabaCloud")):
        given = {**keys(cloud), "role_arn": cloud.role_arn, "sts_endpoint": host_of(cloud)}
        package.provider.RamRoleArnCredentialsProvider(**given).get_credentials()
        assert cloud.raw[-1].line.startswith(f"{method} /")
        assert cloud.raw[-1].headers["user-agent"].startswith(agent)
        assert cloud.raw[-1].headers.get("authorization", "").startswith("ACS3-HMAC-SHA256 ") == (package is ours)


def test_sts_is_not_asked_over_plain_http_from_afar(tmp_path: Path, ours: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    for endpoint in ("http://sts.example.com", "http://10.0.0.1"):
        with pytest.raises(ours.exceptions.CredentialException, match="sts_endpoint: plain http is for loopback"):
            ours.client(type="ram_role_arn", access_key_id="i", access_key_secret="s", role_arn="r", sts_endpoint=endpoint)
        with pytest.raises(ours.exceptions.CredentialException, match="sts_endpoint: plain http is for loopback"):
            from_section(ours, tmp_path, f"{ROLE}sts_endpoint = {endpoint}\n")
        role = {"mode": "RamRoleArn", "access_key_id": "i", "access_key_secret": "s", "ram_role_arn": "r", "sts_endpoint": endpoint}
        made = ours.provider.CLIProfileCredentialsProvider(profile_file=cli_file(tmp_path / "config.json", **role))
        with pytest.raises(ours.exceptions.CredentialException, match="sts_endpoint: plain http is for loopback"):
            made.get_credentials()
        monkeypatch.setenv(P + "STS_ENDPOINT", endpoint)
        with pytest.raises(ours.exceptions.CredentialException, match="ALIBABA_CLOUD_STS_ENDPOINT: plain http is for loopback"):
            from_section(ours, tmp_path, ROLE)
        monkeypatch.delenv(P + "STS_ENDPOINT")


@pytest.mark.slow
def test_a_key_pair_of_a_section_is_of_the_same_host(
    sent: list[Sent], tmp_path: Path, ours: Package, official: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = f"type = rsa_key_pair\npublic_key_id = p\nprivate_key_file = {tmp_path / 'key.pem'}\n"
    (tmp_path / "key.pem").write_text(FakeCloud().add_rsa_key()[1])
    for environ in ({}, {P + "STS_REGION": "cn-env"}):
        with monkeypatch.context() as patch:
            for name, value in environ.items():
                patch.setenv(name, value)
            from_section(ours, tmp_path, pair)
        assert sent[-1].url == f"https://{official_host(tmp_path, pair, **environ)}/"
    from_section(ours, tmp_path, pair + "region_id = cn-a\n")
    assert sent[-1].url == "https://sts.cn-a.aliyuncs.com/"
