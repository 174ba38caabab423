"""No command but ``get`` and ``exec`` prints what may be a secret, wherever it stands."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

import alicred
from alicred.testing import FakeCloud
from tests.cli.commands import Shell

SECRET = f"q7Xk2mP9vB4n{secrets.token_hex(9)}"  # as long as the secret of a key
URL = f"http://u:{SECRET}@127.0.0.1:1/path?token={SECRET}#{SECRET}"
OFF = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}
COMMANDS = (
    ["whoami"],
    ["whoami", "--offline"],
    ["explain"],
    ["profiles"],
    ["profiles", "check"],
    ["plan"],
)
# What every variable that the library reads may hold by mistake. The names of profiles and of roles, and paths, are what is shown.
SPECIAL = {"ALIBABA_CLOUD_PROFILE", "ALIBABA_CLOUD_ECS_METADATA_DISABLED", "ALIBABA_CLOUD_CONFIG_FILE", "ALIBABA_CLOUD_CREDENTIALS_FILE"}
CLI_KEYS = (
    "access_key_id", "access_key_secret", "sts_token", "bearer_token", "oauth_access_token", "oauth_refresh_token", "access_token",
    "cloud_sso_access_config", "cloud_sso_account_id", "cloud_sso_sign_in_url", "ram_role_arn", "ram_role_name", "ram_session_name",
    "external_id", "policy", "oidc_provider_arn", "sts_region", "sts_endpoint", "region_id", "credentials_uri", "process_command",
    "private_key", "key_pair_name", "oauth_site_type", "source_profile", "output_format",
)  # fmt: skip
CLI_MODES = (
    "AK", "StsToken", "RamRoleArn", "EcsRamRole", "RamRoleArnWithRoleName", "OIDC", "RsaKeyPair", "CloudSSO", "OAuth", "External",
    "CredentialsURI", "BearerToken", "ChainableRamRoleArn",
)  # fmt: skip
INI_KEYS = (
    "access_key_id", "access_key_secret", "security_token", "bearer_token", "public_key_id", "private_key_file", "role_arn", "role_name",
    "role_session_name", "policy", "external_id", "oidc_provider_arn", "sts_endpoint", "sts_region", "region_id", "proxy",
    "credentials_uri",
)  # fmt: skip
INI_TYPES = ("access_key", "sts", "ecs_ram_role", "ram_role_arn", "oidc_role_arn", "rsa_key_pair", "bearer")


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud(session=timedelta(minutes=30)) as running:
        yield running


def planted(key: str) -> str:
    if any(word in key.lower() for word in ("uri", "url", "endpoint", "proxy")):
        return URL
    if key == "process_command":
        return f"/nowhere/tool --token {SECRET} --url {URL}"
    return SECRET


def variables() -> list[str]:
    """Every variable that the code names."""
    found = set[str]()
    for path in Path(alicred.__file__).parent.rglob("*.py"):
        if "testing" not in path.parts and "cli/variables" not in str(path):
            found |= set(re.findall(r"ALIBABA_CLOUD_[A-Z0-9_]*[A-Z0-9]", path.read_text("utf-8")))
    return sorted(found)


def everything(shell: Shell, *options: str, **environ: str) -> str:
    texts: list[str] = []
    for command in COMMANDS:
        for more in ([], ["--json"], ["--verbose"]):
            done = shell(*options, *more, *command, **environ)
            texts.append(done.out + done.err)
    return "\n".join(texts)


def lines_with_secret(text: str) -> list[str]:
    return [line for line in text.splitlines() if SECRET in line]


@pytest.mark.parametrize("name", variables())
def test_the_value_of_no_variable_is_shown_that_may_be_a_secret(name: str, shell: Shell) -> None:
    if name in SPECIAL:
        pytest.skip("the name of a profile, a path, or what keeps the metadata service from being asked")
    role = {"name": "default", "mode": "RamRoleArn", "access_key_id": "LTAI5tplain", "access_key_secret": SECRET}
    shell.cli_file({**role, "ram_role_arn": "acs:ram::1:role/r"})
    here = {**OFF, "ALIBABA_CLOUD_STS_ENDPOINT": "http://127.0.0.1:1"}
    assert lines_with_secret(everything(shell, **{**here, name: planted(name)})) == []


def test_all_variables_at_once(shell: Shell) -> None:
    here = {name: planted(name) for name in variables() if name not in SPECIAL} | OFF
    proxies = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"), URL)
    assert lines_with_secret(everything(shell, **here, **proxies)) == []


@pytest.mark.parametrize(
    "endpoint", [URL, f"https://sts.example.com:12/{SECRET}@127.0.0.1", f"u:{SECRET}@127.0.0.1:1", f"http://[{SECRET}"], ids=range(4)
)
def test_of_an_address_its_host_is_shown_at_most(endpoint: str, shell: Shell, cloud: FakeCloud) -> None:
    key = {"access_key_id": "LTAI5tplain", "access_key_secret": SECRET}
    shell.cli_file({"name": "default", "mode": "RamRoleArn", **key, "ram_role_arn": cloud.role_arn})
    text = everything(shell, **OFF, ALIBABA_CLOUD_STS_ENDPOINT=endpoint)
    assert lines_with_secret(text) == []
    assert "ALIBABA_CLOUD_STS_ENDPOINT" in text
    if endpoint == URL:
        assert "ALIBABA_CLOUD_STS_ENDPOINT = http://127.0.0.1:1/path" in text


@pytest.mark.parametrize("mode", CLI_MODES)
def test_no_value_of_the_cli_file_is_shown_that_may_be_a_secret(mode: str, shell: Shell) -> None:
    good = {"access_key_id": "LTAI5tplain", "access_key_secret": SECRET, "ram_role_arn": "acs:ram::1:role/r"}
    shell.cli_file({"name": "default", "mode": mode, **{key: planted(key) for key in CLI_KEYS}})
    here = {**OFF, "ALIBABA_CLOUD_STS_ENDPOINT": "http://127.0.0.1:1"}
    assert lines_with_secret(everything(shell, **here)) == []
    for key in CLI_KEYS:
        shell.cli_file({"name": "default", "mode": mode, **good, key: planted(key)})
        assert lines_with_secret(shell("profiles").out + shell("explain", **here).out) == [], key


@pytest.mark.parametrize("kind", INI_TYPES)
def test_no_value_of_the_profile_file_is_shown_that_may_be_a_secret(kind: str, shell: Shell) -> None:
    shell.profile_file(f"[default]\ntype = {kind}\n" + "".join(f"{key} = {planted(key)}\n" for key in INI_KEYS))
    assert lines_with_secret(everything(shell, **OFF, ALIBABA_CLOUD_STS_ENDPOINT="http://127.0.0.1:1")) == []


# --- id and secret exchanged --------------------------------------------------------------------------------------------------------


def test_a_secret_in_the_place_of_the_id_is_not_shown(shell: Shell, cloud: FakeCloud) -> None:
    here = {**OFF, "ALIBABA_CLOUD_STS_ENDPOINT": cloud.http_endpoint}
    swapped = {"ALIBABA_CLOUD_ACCESS_KEY_ID": SECRET, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "LTAI5tplain"}
    text = everything(shell, **here, **swapped)
    assert lines_with_secret(text) == []
    done = shell("whoami", **here, **swapped)
    assert "access key ID  q7Xk... (which looks like a secret; id and secret may have been exchanged)" in done.out
    assert "with the access key q7Xk... (which looks like a secret" in done.err
    assert "ALIBABA_CLOUD_ACCESS_KEY_ID = q7Xk... (which" in shell("explain", **here, **swapped).out
    assert shell("whoami", "--json", **here, **swapped).json["access_key_id"].startswith("q7Xk... (")
    assert "可能填反了" in shell("whoami", "--offline", **here, **swapped, LANG="zh_CN.UTF-8").out


@pytest.mark.parametrize("kind", ["cli", "ini"])
def test_it_is_a_problem_of_the_profile(kind: str, shell: Shell) -> None:
    if kind == "cli":
        shell.cli_file({"name": "default", "mode": "AK", "access_key_id": SECRET, "access_key_secret": "LTAI5tplain"})
    else:
        shell.profile_file(f"[default]\ntype = access_key\naccess_key_id = {SECRET}\naccess_key_secret = LTAI5tplain\n")
    done = shell("profiles", "check")
    assert done.code == 1
    assert "default: access_key_id looks like a secret: id and secret may have been exchanged" in done.out
    assert "q7Xk..." in shell("profiles").out


IDS = [
    ("LTAI5tAbCdEfGhIjKlMnOpQr", False),
    ("LTAI" + "a1" * 20, False),
    ("STS.NUgYrLnoC37mZZCNnAbez12345678", False),
    ("AK.d0f30e14a05f29c3c7aab53b0123456", False),
    ("TMP." + "a" * 40, False),
    ("0123456789abcdef", False),
    ("a" * 29, False),
    ("a" * 30, True),
    ("aB3" * 15, True),
    ("CAIS" + "ab+/" * 20 + "==", True),
]


@pytest.mark.parametrize(("key_id", "hidden"), IDS)
def test_ids_are_shown_whole(key_id: str, hidden: bool, shell: Shell) -> None:
    swapped = {"ALIBABA_CLOUD_ACCESS_KEY_ID": key_id, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "x"}
    assert (key_id not in shell("whoami", "--offline", **OFF, **swapped).out) is hidden
