"""Errors speak of a parameter by the name that the user wrote: the key of the file, the variable, or the argument."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alicred import AlicredError, BearerProfileProvider, CliProfileProvider, ConfigurationError, ProfileFileProvider, default_chain
from alicred.default import default_provider

P = "ALIBABA_CLOUD_"
KEY = {"access_key_id": "i", "access_key_secret": "s"}
CLI: dict[str, dict[str, Any]] = {
    "role": {"mode": "RamRoleArn", **KEY, "ram_role_arn": "r", "ram_session_name": "me"},
    "chained": {"mode": "ChainableRamRoleArn", "source_profile": "src", "ram_role_arn": "r"},
    "oidc": {"mode": "OIDC", "ram_role_arn": "r", "oidc_provider_arn": "p", "oidc_token_file": "/t"},
    "ecs": {"mode": "EcsRamRole"},
    "rsa": {"mode": "RsaKeyPair", "key_pair_name": "k", "private_key": "/k"},
    "sso": {
        "mode": "CloudSSO", "cloud_sso_sign_in_url": "https://s", "cloud_sso_account_id": "a", "cloud_sso_access_config": "c",
        "access_token": "t", "cloud_sso_access_token_expire": 4073544000,
    },
    "oauth": {"mode": "OAuth", "oauth_site_type": "CN", "oauth_access_token": "t"},
    "uri": {"mode": "CredentialsURI", "credentials_uri": "http://127.0.0.1:1/"},
    "bearer": {"mode": "BearerToken", "bearer_token": "t"},
}  # fmt: skip
BAD = "planted\n2"


def text_of(ask: Any) -> str:
    with pytest.raises(AlicredError) as caught:
        ask()
    assert isinstance(caught.value, ConfigurationError)
    assert "planted" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("profile", "change", "environ", "name"),
    [
        ("role", {"ram_role_arn": BAD}, {}, "ram_role_arn"),
        ("role", {"ram_role_arn": ""}, {P + "ROLE_ARN": BAD}, P + "ROLE_ARN"),
        ("role", {"ram_session_name": "x"}, {}, "ram_session_name"),
        ("role", {"ram_session_name": "", "role_session_name": "x"}, {}, "role_session_name"),
        ("role", {"ram_session_name": ""}, {P + "ROLE_SESSION_NAME": "x"}, P + "ROLE_SESSION_NAME"),
        ("role", {"external_id": BAD}, {}, "external_id"),
        ("role", {}, {P + "EXTERNAL_ID": BAD}, P + "EXTERNAL_ID"),
        ("role", {"policy": 3}, {}, "policy"),
        ("role", {"expired_seconds": 3}, {}, "expired_seconds"),
        ("role", {"sts_endpoint": "http://planted.example"}, {}, "sts_endpoint"),
        ("role", {"sts_region": "CN planted"}, {}, "sts_region"),
        ("chained", {"ram_role_arn": BAD}, {}, "ram_role_arn"),
        ("oidc", {"oidc_provider_arn": BAD}, {}, "oidc_provider_arn"),
        ("oidc", {"oidc_provider_arn": ""}, {P + "OIDC_PROVIDER_ARN": BAD}, P + "OIDC_PROVIDER_ARN"),
        ("oidc", {"oidc_token_file": BAD}, {}, "oidc_token_file"),
        ("oidc", {"oidc_token_file": ""}, {P + "OIDC_TOKEN_FILE": BAD}, P + "OIDC_TOKEN_FILE"),
        ("ecs", {"ram_role_name": BAD}, {}, "ram_role_name"),
        ("ecs", {}, {P + "ECS_METADATA": BAD}, P + "ECS_METADATA"),
        ("rsa", {"key_pair_name": BAD}, {}, "key_pair_name"),
        ("rsa", {"private_key": BAD}, {}, "private_key"),
        ("sso", {"cloud_sso_sign_in_url": "ftp://planted"}, {}, "cloud_sso_sign_in_url"),
        ("sso", {"cloud_sso_account_id": BAD}, {}, "cloud_sso_account_id"),
        ("sso", {"cloud_sso_access_config": BAD}, {}, "cloud_sso_access_config"),
        ("sso", {"access_token": BAD}, {}, "access_token"),
        ("oauth", {"oauth_access_token": BAD}, {}, "oauth_access_token"),
        ("oauth", {"oauth_refresh_token": BAD}, {}, "oauth_refresh_token"),
        ("uri", {"credentials_uri": "http://planted.example"}, {}, "credentials_uri"),
        ("uri", {"credentials_uri": ""}, {P + "CREDENTIALS_URI": "http://planted.example"}, P + "CREDENTIALS_URI"),
    ],
)
def test_a_profile_of_the_tool_is_spoken_of_by_its_keys(
    tmp_path: Path, profile: str, change: dict[str, Any], environ: dict[str, str], name: str
) -> None:
    path = tmp_path / "config.json"
    profiles = [{"name": "it", **CLI[profile], **change}, {"name": "src", "mode": "AK", **KEY}]
    path.write_text(json.dumps({"current": "it", "profiles": profiles}))
    text = text_of(CliProfileProvider(path, environ={"HOME": str(tmp_path), **environ}).get)
    assert text.removeprefix(f"cli_profile: profile 'it' of {path}: ").removeprefix("cli_profile: ").split(" ")[0].strip(":") == name


INI = {
    "role": "type = ram_role_arn\naccess_key_id = i\naccess_key_secret = s\nrole_arn = role_arn\n",
    "oidc": "type = oidc_role_arn\nrole_arn = r\noidc_provider_arn = p\noidc_token_file_path = /t\n",
    "ecs": "type = ecs_ram_role\n",
    "rsa": "type = rsa_key_pair\npublic_key_id = p\nprivate_key_file = /k\n",
}


@pytest.mark.parametrize(
    ("section", "change", "environ", "name"),
    [
        ("role", "role_session_name = x", {}, "role_session_name"),
        ("role", "role_session_expiration = 3", {}, "role_session_expiration"),
        ("role", "sts_endpoint = http://planted.example", {}, "sts_endpoint"),
        ("role", "sts_region = CN/planted", {}, "sts_region"),
        ("role", "region_id = CN/planted", {}, "region_id"),
        ("role", "external_id = planted\x7f", {}, "external_id"),
        ("ecs", "role_name = planted\x7f", {}, "role_name"),
        ("ecs", "", {P + "ECS_METADATA": BAD}, P + "ECS_METADATA"),
        ("oidc", "oidc_token_file_path = planted\x7f", {}, "oidc_token_file_path"),
        ("oidc", "oidc_provider_arn = planted\x7f", {}, "oidc_provider_arn"),
        ("rsa", "public_key_id = planted\x7f", {}, "public_key_id"),
        ("rsa", "private_key_file = planted\x7f", {}, "private_key_file"),
    ],
)
def test_a_section_of_the_profile_file_is_spoken_of_by_its_keys(
    tmp_path: Path, section: str, change: str, environ: dict[str, str], name: str
) -> None:
    path = tmp_path / "credentials"
    key = change.split(" ")[0]
    lines = [line for line in INI[section].splitlines() if line.split(" ")[0] != key]
    path.write_text("\n".join(["[default]", "enable = true", *lines, change, ""]))
    text = text_of(ProfileFileProvider(path, environ={"HOME": str(tmp_path), **environ}).get)
    assert text.removeprefix("profile: ").removeprefix(f"profile 'default' (line 1 of {path}): ").split(" ")[0].strip(":") == name


def test_a_bearer_token_is_spoken_of_by_its_key_or_variable(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    for token, environ, name in ((BAD, {}, "bearer_token"), ("", {P + "BEARER_TOKEN": BAD}, P + "BEARER_TOKEN")):
        path.write_text(json.dumps({"current": "it", "profiles": [{"name": "it", **CLI["bearer"], "bearer_token": token}]}))
        assert f": {name} holds" in text_of(BearerProfileProvider(path, environ={"HOME": str(tmp_path), **environ}).get)
    ini = tmp_path / "credentials"
    ini.write_text("[default]\nenable = true\ntype = bearer\nbearer_token = planted\x7f\n")
    assert ": bearer_token holds" in text_of(BearerProfileProvider(ini, environ={"HOME": str(tmp_path)}).get)


async def told_later(_: object) -> None: ...


WRONG: dict[str, Any] = {
    "environ": "planted", "sts": "planted", "imds": "planted", "http": "planted", "retry": "planted", "refresh": "planted",
    "listener": told_later, "require_enable": "planted",
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("make", [default_provider, default_chain])
def test_the_default_chain_speaks_of_its_own_arguments(make: Any, name: str) -> None:
    if name == "refresh" and make is default_chain:
        pytest.skip("it has none")
    assert text_of(lambda: make(**{name: WRONG[name]})).startswith(f"{make.__name__}.{name} ")


def test_what_would_have_to_be_awaited_is_called_what_it_is() -> None:
    class Listener:
        async def __call__(self, event: object) -> None: ...

    listeners: tuple[Any, ...] = (told_later, Listener())
    for listener in listeners:
        text = text_of(lambda listener=listener: default_provider(listener=listener))
        assert text == "default_provider.listener is a coroutine function, which nothing here awaits. Write it without async"
