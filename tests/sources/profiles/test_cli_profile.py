from __future__ import annotations

import itertools
import json
import os
import pickle
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alicred.credential import BearerToken, Credential
from alicred.errors import ConfigurationError, DeniedError, NotConfiguredError, ProviderError
from alicred.sources import _sts as sts_choice
from alicred.sources.profiles.bearer import BearerProfileProvider
from alicred.sources.profiles.cli.provider import CliProfileProvider
from alicred.testing import FakeCloud
from alicred.wire.imds import ImdsClient
from tests.recording_sts import HOUR, SESSION, RecordingSts

FILE, PROFILE, DISABLED = "ALIBABA_CLOUD_CONFIG_FILE", "ALIBABA_CLOUD_PROFILE", "ALIBABA_CLOUD_CLI_PROFILE_DISABLED"
ID, SECRET, TOKEN = "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN"
ROLE_ARN = "acs:ram::1:role/a"
KEY = {"access_key_id": "AK1", "access_key_secret": "planted"}
BLANK = {"name": "p", "mode": "", "access_key_id": "", "access_key_secret": "", "output_format": "json", "language": "en", "retry_count": 0}
ROLE = {"mode": "RamRoleArn", "ram_role_arn": ROLE_ARN, **KEY}
OIDC = {"mode": "OIDC", "ram_role_arn": ROLE_ARN, "oidc_provider_arn": "acs:ram::1:oidc-provider/p", "oidc_token_file": "~/token"}
RSA = {"mode": "RsaKeyPair", "private_key": "~/pk.pem", "key_pair_name": "LTPK"}
STORED = {"access_key_id": "STS.1", "access_key_secret": "planted", "sts_token": "planted-token"}


def key(name: str) -> dict[str, Any]:
    return {"name": name, "mode": "AK", "access_key_id": f"{name}-id", "access_key_secret": "planted"}


def written(path: Path, *profiles: dict[str, Any], **root: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"current": "p", "profiles": [{"name": "p", **profile} for profile in profiles], **root}))
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("planted-token\n")
    (tmp_path / "pk.pem").write_text("planted")
    return tmp_path / ".aliyun" / "config.json"


def reading(path: Path, profile: str | None = None, **changes: Any) -> CliProfileProvider:
    environ = {"HOME": str(path.parent.parent), **changes.pop("environ", {})}
    return CliProfileProvider(path, profile, **{"environ": environ, "sts": RecordingSts(), **changes})


# --- which file, which profile ------------------------------------------------------------------------------------------------------


def test_the_argument_then_the_variable_then_the_home_name_the_file(path: Path, tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path)}
    with pytest.raises(NotConfiguredError) as caught:
        CliProfileProvider(environ=home).get()
    assert str(caught.value) == f"cli_profile: there is no CLI configuration: looked for {path}"
    written(path, key("home"), current="home")
    written(tmp_path / "variable", key("variable"), current="variable")
    written(tmp_path / "argument", key("argument"), current="argument")
    assert CliProfileProvider(environ=home).get().access_key_id == "home-id"
    environ = {**home, FILE: "~/variable\n"}
    assert CliProfileProvider(environ=environ).get().access_key_id == "variable-id"
    assert CliProfileProvider("~/argument", environ=environ).get().access_key_id == "argument-id"
    with pytest.raises(ConfigurationError, match=rf"the CLI configuration {tmp_path}/no, which {FILE} names, does not exist"):
        CliProfileProvider(environ={**home, FILE: "~/no"}).get()


@pytest.mark.parametrize("value", ["true", "TRUE", "1", " yes\n"])
def test_a_variable_switches_the_file_off(path: Path, value: str) -> None:
    written(path, key("p"))
    with pytest.raises(NotConfiguredError, match=rf"^cli_profile: {DISABLED} is true: the CLI configuration is not read$"):
        reading(path, environ={DISABLED: value}).get()
    assert reading(path, environ={DISABLED: "false"}).get().access_key_id == "p-id"


def test_the_argument_then_the_variable_then_current_choose_the_profile(path: Path) -> None:
    written(path, key("p"), key("variable"), key("argument"))
    assert reading(path).get().access_key_id == "p-id"
    assert reading(path, environ={PROFILE: "variable\n"}).get().access_key_id == "variable-id"
    assert reading(path, "argument", environ={PROFILE: "variable"}).get().access_key_id == "argument-id"
    assert reading(path, environ={"ALIBABACLOUD_PROFILE": "variable", "ALICLOUD_PROFILE": "variable"}).get().access_key_id == "p-id"


@pytest.mark.parametrize(
    ("root", "profiles", "found"),
    [
        ({}, ("default", "p"), "default"),
        ({"current": None}, ("p", "default"), "default"),
        ({"current": ""}, ("default", ""), ""),
        ({"current": "", "meta_path": ""}, ("",), ""),
        ({"current": "p"}, ("", "default", "p"), "p"),
    ],
)
def test_the_profile_that_counts_is_the_one_that_the_tool_takes(
    path: Path, root: dict[str, Any], profiles: tuple[str, ...], found: str
) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({**root, "profiles": [key(name) for name in profiles]}))
    assert reading(path).get().access_key_id == f"{found}-id"


def test_a_profile_without_a_name_is_the_one_called_nothing(path: Path) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({"current": "", "profiles": [{"mode": "AK", **KEY}]}))
    assert reading(path).get() == Credential("AK1", "planted")


@pytest.mark.parametrize(
    ("root", "words"),
    [
        ({}, "names no current profile, and has none that is called 'default': it has 'p'"),
        ({"current": ""}, "has no profile '', which it calls current: it has 'p'"),
    ],
)
def test_a_file_without_the_profile_that_counts_names_those_that_it_has(path: Path, root: dict[str, Any], words: str) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps({**root, "profiles": [key("p")]}))
    with pytest.raises(NotConfiguredError if not root else ConfigurationError, match=words):
        reading(path).get()


def test_a_profile_that_was_asked_for_and_is_missing_is_an_error_that_lists_the_others(path: Path, tmp_path: Path) -> None:
    written(path, key("p"), key("q"))
    with pytest.raises(ConfigurationError, match=r"has no profile 'x', which the argument profile names: it has 'p', 'q'$"):
        reading(path, "x").get()
    with pytest.raises(ConfigurationError, match=rf"has no profile 'x', which {PROFILE} names: it has 'p', 'q'$"):
        reading(path, environ={PROFILE: "x"}).get()
    (tmp_path / ".alibabacloud").mkdir()
    (tmp_path / ".alibabacloud" / "credentials").write_text("[x]\n")
    with pytest.raises(NotConfiguredError, match=rf"has no profile 'x', which {PROFILE} names"):
        reading(path, environ={PROFILE: "x"}).get()  # the profile file may have it, and says so if it has not
    with pytest.raises(ConfigurationError, match="which the argument profile names"):
        reading(path, "x").get()


@pytest.mark.parametrize(
    "blank",
    [BLANK, {"name": "p"}, {"name": "p", "mode": "AK"}, {"name": "p", "mode": "AK", "access_key_id": "", "expired_seconds": 900}],
)
def test_a_profile_that_was_never_filled_in_is_not_set_up_unless_it_is_asked_for(path: Path, blank: dict[str, Any]) -> None:
    written(path, blank)
    with pytest.raises(NotConfiguredError, match=rf"^cli_profile: profile 'p' of {path} is empty: `aliyun configure` fills it in$"):
        reading(path).get()
    for asked in ({"profile": "p"}, {"environ": {PROFILE: "p"}}):
        with pytest.raises(ConfigurationError, match=r"mode is missing, and the keys do not tell|access_key_secret are missing"):
            reading(path, **asked).get()
    assert reading(path, environ={ID: "a", SECRET: "b"}).get() == Credential("a", "b")


# --- a bad file ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "line 1, column 1 is not valid JSON"),
        (b'{"current": "p",\n "planted"}', "line 2, column 11 is not valid JSON"),
        (b'{"profiles": [{"name": "planted\nplanted"}]}', "line 1, column 32 is not valid JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"1" * 5000 + b"}", "a number in it is too long"),
        (b'"planted"', "must be a JSON object"),
        (b'{"current": ["planted"]}', "current must be a string, not list"),
        (b'{"current": "p", "profiles": {"planted": 1}}', "profiles must be a list, not dict"),
        (b'{"current": "p", "profiles": [{}, "planted"]}', "profiles[1] must be an object, not str"),
        (b'{"current": "p", "profiles": [{"name": 7}]}', "profiles[0].name must be a string, not int"),
        (b'{"current": "planted\xff"}', "is not UTF-8 text"),
        (b" " * ((1 << 20) + 1), "it is larger than 1048576 bytes"),
    ],
)
def test_a_bad_file_is_named_and_not_quoted(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        reading(path).get()
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert caught.value.provider == "cli_profile"
    error: BaseException | None = caught.value
    while error is not None:
        assert "planted" not in str(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("value", [7, 1.5, True, ["planted"], {"planted": 1}])
@pytest.mark.parametrize("name", ["mode", "access_key_id", "access_key_secret", "ram_role_arn", "policy", "sts_region", "ram_session_name"])
def test_a_value_of_the_wrong_type_is_named(path: Path, name: str, value: object) -> None:
    written(path, {**ROLE, name: value})
    with pytest.raises(ConfigurationError) as caught:
        reading(path, sts=None).get()
    assert f"profile 'p' of {path}: {name} must be a string, not {type(value).__name__}" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"expired_seconds": "planted"}, "expired_seconds must be a whole number, not str"),
        ({"expired_seconds": 3600.5}, "expired_seconds must be a whole number, not float"),
        ({"expired_seconds": True}, "expired_seconds must be a whole number, not bool"),
        ({"expired_seconds": -1}, "expired_seconds must be a whole number of zero or more"),
        ({"expired_seconds": 10**30}, "expired_seconds must be a whole number of zero or more"),
        ({"expired_seconds": 43201}, "expired_seconds must be a datetime.timedelta of 900 s to 43200 s"),
        ({"enable_vpc": "planted"}, "enable_vpc must be true or false, not str"),
        ({"access_key_secret": "planted\ud800"}, "access_key_secret holds half a character"),
        ({"access_key_secret": "planted\nplanted"}, "access_key_secret holds a control character"),
        ({"sts_region": "planted/"}, "sts_region must be the id of a region"),
        ({"ram_session_name": "planted planted"}, ": ram_session_name must be 2 to 64 characters"),
        ({"mode": "planted"}, "mode is unknown: give one of AK, StsToken, RamRoleArn, EcsRamRole, "),
        ({"mode": "ramrolearn"}, "(capital and small letters differ: RamRoleArn?)"),
    ],
)
def test_a_bad_value_is_named_and_not_quoted(path: Path, change: dict[str, Any], words: str) -> None:
    written(path, {**ROLE, **change})
    with pytest.raises(ConfigurationError) as caught:
        reading(path, sts=None).get()
    assert words in str(caught.value)
    assert f"profile 'p' of {path}" in str(caught.value)
    assert "planted" not in str(caught.value)


# --- the modes ----------------------------------------------------------------------------------------------------------------------


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
    with pytest.raises(ConfigurationError, match=r"expired_seconds must be .* of 900 s to 3600 s"):
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
        ({"mode": "BearerToken", "bearer_token": "planted"}, "use BearerProfileProvider"),
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
        with pytest.raises(ConfigurationError, match="cloud_sso_access_token_expire is missing: log in with"):
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


# --- the environment ----------------------------------------------------------------------------------------------------------------


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

    monkeypatch.setattr(sts_choice, "StsClient", recording)
    for profile in (ROLE, OIDC, RSA):
        written(path, {**profile, **more})
        reading(path, sts=None, environ=environ).get()
    assert chosen == [host] * 3


# --- the whole, in a cloud ----------------------------------------------------------------------------------------------------------


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


def test_a_refusal_names_the_provider_and_no_secret(path: Path) -> None:
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


# --- bearer tokens ------------------------------------------------------------------------------------------------------------------

BEARER = {"mode": "BearerToken", "bearer_token": "planted"}


def test_a_bearer_token_in_the_tools_file(path: Path, tmp_path: Path) -> None:
    provider = BearerProfileProvider(path, environ={})
    for profile in (BEARER, {"bearer_token": "planted"}):
        written(path, profile)
        found = provider.get()
        assert (found, found.provider_name, provider.name) == (BearerToken("planted"), "cli_profile/bearer", "cli_profile")
    home = {"HOME": str(tmp_path)}
    assert BearerProfileProvider(environ=home).get() == BearerToken("planted")
    written(path, BEARER, {"name": "q", "mode": "BearerToken"})
    assert BearerProfileProvider(profile="q", environ={**home, "ALIBABA_CLOUD_BEARER_TOKEN": "env"}).get() == BearerToken("env")
    with pytest.raises(ConfigurationError, match=rf"^cli_profile: profile 'q' of {path}: bearer_token is missing"):
        BearerProfileProvider(path, "q", environ={}).get()


def test_the_first_of_the_two_files_whose_profile_is_a_bearer_token_counts(path: Path, tmp_path: Path) -> None:
    provider = BearerProfileProvider(environ={"HOME": str(tmp_path)})
    with pytest.raises(NotConfiguredError, match=r"^profile: there is no CLI configuration: .*; and there is no profile file: "):
        provider.get()
    written(path, key("p"))
    with pytest.raises(ConfigurationError, match=r"mode is not BearerToken: .*; and there is no profile file"):
        provider.get()
    (tmp_path / ".alibabacloud").mkdir()
    ini = tmp_path / ".alibabacloud" / "credentials"
    ini.write_text("[default]\nenable = true\ntype = bearer\nbearer_token = ini\n")
    assert provider.get().provider_name == "profile/bearer"
    ini.write_text(ini.read_text().replace("default", "call-centre"))
    named = BearerProfileProvider(profile="call-centre", environ={"HOME": str(tmp_path)})
    assert named.get() == BearerToken("ini"), "a profile that only the other file has"
    ini.unlink()
    with pytest.raises(ConfigurationError, match=r"has no profile 'call-centre', which the argument profile names"):
        named.get()
    written(path, BEARER)
    assert provider.get().provider_name == "cli_profile/bearer"
    path.write_text("{")
    with pytest.raises(ConfigurationError, match="not valid JSON"):
        provider.get()
