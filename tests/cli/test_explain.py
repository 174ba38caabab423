"""``alicred explain`` and ``alicred whoami``: which identity a program gets, from where, until when, and why not."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from alicred.testing import FakeCloud, faults
from tests.cli.commands import Shell

STS = "ALIBABA_CLOUD_STS_ENDPOINT"
OFF = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud(session=timedelta(minutes=30)) as running:
        yield running


@pytest.fixture
def here(cloud: FakeCloud) -> dict[str, str]:
    """Variables that lead to the cloud, without a credential."""
    return {STS: cloud.http_endpoint, **OFF}


@pytest.fixture
def keys(cloud: FakeCloud, here: dict[str, str]) -> dict[str, str]:
    key = cloud.access_key
    return {**here, "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret}


def role_file(shell: Shell, cloud: FakeCloud, **changes: object) -> str:
    """A file whose current profile is a role that is assumed with the key of another one; the path."""
    key = cloud.access_key
    ak: dict[str, object] = {"name": "base", "mode": "AK", "access_key_id": key.access_key_id, "access_key_secret": key.access_key_secret}
    role: dict[str, object] = {"name": "reports", "mode": "ChainableRamRoleArn", "source_profile": "base", "ram_role_arn": cloud.role_arn}
    return str(shell.cli_file(ak, {**role, "ram_session_name": "ada", **changes}, current="reports"))


def by_name(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {source["name"]: source for source in report["sources"]}


# --- explain ------------------------------------------------------------------------------------------------------------------------


def test_without_anything_each_source_says_what_would_set_it_up(shell: Shell, here: dict[str, str]) -> None:
    done = shell("explain", **here)
    assert done.code == 1
    for words in (
        "env: not set up",
        "export ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "switch RRSA on",
        "run `aliyun configure`",
        "write a section [default]",
        "ALIBABA_CLOUD_ECS_METADATA_DISABLED",
        "credentials_uri: not set up",
        f"{shell.home}/.aliyun/config.json not there",
        "not set: ALIBABA_CLOUD_ACCESS_KEY_ID, ",
    ):
        assert words in done.out
    report = shell("explain", "--json", **here).json
    assert (report["chosen"], report["stopped_by"], report["role"]) == (None, None, None)
    assert {source["outcome"] for source in report["sources"]} == {"not_configured"}
    assert report["variables"]["ALIBABA_CLOUD_ACCESS_KEY_ID"] is None
    assert [file["exists"] for file in report["files"]] == [False, False]


def test_the_chosen_source_is_marked_with_the_identity_that_its_role_was_assumed_with(
    shell: Shell, cloud: FakeCloud, here: dict[str, str]
) -> None:
    path = role_file(shell, cloud)
    shell.profile_file(f"[default]\ntype = access_key\naccess_key_id = AK.other\naccess_key_secret = {secrets.token_hex(15)}\n")
    done = shell("explain", **here)
    assert done.code == 0
    lines = [line.strip("│├└─ ") for line in done.out.splitlines()]
    at = lines.index("→ cli_profile: found, and used")
    assert re.fullmatch(r"access key ID STS\.\w+, until .* UTC \((30m|29m\d\ds) left\)", lines[at + 1])
    assert lines[at + 2].startswith("from profile 'reports' (mode ChainableRamRoleArn)")
    assert lines[at + 2].endswith(f"the role {cloud.role_arn}")
    assert lines[at + 3] == "obtained with static_ak"
    assert lines[at + 4] == f"access key ID {cloud.access_key.access_key_id}, no end is known"
    assert lines[at + 5] == f"from profile 'base' (mode AK) of {path}"
    assert "profile: found, but not used: the search ends before it" in lines
    report = shell("explain", "--json", **here).json
    assert report["chosen"] == "cli_profile"
    chosen = by_name(report)["cli_profile"]
    assert chosen["chosen"]
    assert chosen["obtained_with"]["access_key_id"] == cloud.access_key.access_key_id
    assert chosen["expires_at"].endswith("Z")
    assert report["files"][0] == {"path": path, "exists": True, "permissions": "0600"}
    assert not by_name(report)["profile"]["chosen"]


BROKEN = [
    ("denied", faults.Denied(), 3, "denied", "NoPermission"),
    ("throttled", faults.Throttling(), 4, "unreachable", "Throttling.User"),
    ("a wrong mode", None, 1, "configuration", "mode 'Odd' is unknown"),
]


@pytest.mark.parametrize(("case", "fault", "code", "kind", "words"), BROKEN, ids=[case for case, *_ in BROKEN])
def test_a_broken_source_ends_the_search_and_says_what_to_do(
    case: str, fault: faults.Fault | None, code: int, kind: str, words: str, shell: Shell, cloud: FakeCloud, here: dict[str, str]
) -> None:
    role_file(shell, cloud, **({} if fault else {"mode": "Odd"}))
    if fault is not None:
        cloud.inject(fault, operation="AssumeRole", times=None)
    done = shell("explain", **here)
    assert done.code == code
    assert "cli_profile: broken, and the search stops here" in done.out
    assert words in done.out
    assert "→" not in done.out
    report = shell("explain", "--json", **here).json
    assert (report["chosen"], report["stopped_by"]) == (None, "cli_profile")
    assert by_name(report)["cli_profile"]["error"]["kind"] == kind


def test_each_source_is_asked_once_even_if_trying_again_could_help(shell: Shell, cloud: FakeCloud, here: dict[str, str]) -> None:
    role_file(shell, cloud)
    cloud.inject(faults.ServerError(), operation="AssumeRole", times=None)
    assert shell("explain", **here).code == 4
    assert cloud.count("AssumeRole") == 1


def test_a_role_that_is_asked_for_stands_behind_the_chain(shell: Shell, cloud: FakeCloud, keys: dict[str, str]) -> None:
    done = shell("--role-arn", cloud.role_arn, "explain", **keys)
    assert done.code == 0
    chain, role = done.out.split("The role of --role-arn")
    assert "→ env: found, and used" in chain
    assert "→ ram_role_arn: found, and used" in role
    assert "obtained with default/env" in role
    assert shell("--role-arn", cloud.role_arn, "explain", "--json", **keys).json["role"]["access_key_id"].startswith("STS.")
    cloud.inject(faults.Denied(), operation="AssumeRole", times=None)
    assert shell("--role-arn", cloud.role_arn, "explain", **keys).code == 3


def test_what_was_looked_at_is_told_without_a_secret(shell: Shell, cloud: FakeCloud, keys: dict[str, str]) -> None:
    token = secrets.token_hex(20)
    uri = f"http://127.0.0.1:1/c?token={token}"
    variables = {**keys, "ALIBABA_CLOUD_CREDENTIALS_URI": uri, "ALIBABA_CLOUD_PROFILE": "base"}
    role_file(shell, cloud)
    done = shell("explain", **variables)
    assert f"ALIBABA_CLOUD_ACCESS_KEY_ID = {cloud.access_key.access_key_id}" in done.out
    assert "ALIBABA_CLOUD_ACCESS_KEY_SECRET is set" in done.out
    assert "ALIBABA_CLOUD_CREDENTIALS_URI is set" in done.out
    assert "ALIBABA_CLOUD_PROFILE = base" in done.out
    everything = done.out + done.err + shell("explain", "--json", **variables).out
    assert token not in everything
    assert cloud.access_key.access_key_secret not in everything


def test_without_a_home_no_file_is_named(shell: Shell, here: dict[str, str]) -> None:
    done = shell("explain", **here, HOME="")
    assert "there is no home directory to look in" in done.out
    assert "not there" not in done.out


def test_an_open_file_is_not_complained_of_twice(shell: Shell, cloud: FakeCloud, here: dict[str, str]) -> None:
    role_file(shell, cloud)
    (shell.home / ".aliyun/config.json").chmod(0o644)
    done = shell("explain", **here)
    assert "(mode 0644)" in done.out
    assert done.err == ""


# --- whoami -------------------------------------------------------------------------------------------------------------------------


def test_it_says_who_from_where_and_until_when(shell: Shell, cloud: FakeCloud, here: dict[str, str]) -> None:
    path = role_file(shell, cloud)
    done = shell("whoami", **here)
    assert done.code == 0
    rows = dict(re.findall(r"^(\S.*?)  +(\S.*)$", done.out, re.MULTILINE))
    assert rows["account"] == "1000000000000001"
    assert rows["identity"] == "acs:ram::1000000000000001:assumed-role/test-role/ada"
    assert rows["type"] == "AssumedRoleUser"
    assert rows["access key ID"].startswith("STS.")
    assert re.fullmatch(r"until .* UTC \((30m|29m\d\ds) left\)", rows["valid"])
    assert rows["from"] == f"profile 'reports' (mode ChainableRamRoleArn) of {path}, the role {cloud.role_arn}"
    assert rows["obtained with"] == f"access key ID {cloud.access_key.access_key_id}, no end is known"
    found = shell("whoami", "--json", **here).json
    assert found["identity"]["arn"] == rows["identity"]
    assert found["error"] is None
    assert found["origin"] == rows["from"]
    assert found["provider_name"] == "default/cli_profile/ram_role_arn/static_ak"
    assert datetime.fromisoformat(found["expires_at"].replace("Z", "+00:00")) > datetime.now(timezone.utc)
    assert found["obtained_with"]["origin"] == f"profile 'base' (mode AK) of {path}"


def test_offline_sts_is_not_asked(shell: Shell, cloud: FakeCloud, keys: dict[str, str]) -> None:
    done = shell("whoami", "--offline", **keys)
    assert done.code == 0
    assert cloud.calls == ()
    assert cloud.access_key.access_key_id in done.out
    assert "account" not in done.out
    assert shell("whoami", "--offline", "--json", **keys).json["identity"] is None


UNKNOWN = [(faults.ServerError(), 4, "unreachable"), (faults.Denied(), 3, "denied"), (faults.WrongContent(), 1, "other")]


@pytest.mark.parametrize(("fault", "code", "kind"), UNKNOWN, ids=[kind for *_, kind in UNKNOWN])
def test_where_sts_does_not_say_it_the_rest_is_printed(
    fault: faults.Fault, code: int, kind: str, shell: Shell, cloud: FakeCloud, keys: dict[str, str]
) -> None:
    cloud.inject(fault, operation="GetCallerIdentity", times=None)
    done = shell("whoami", **keys)
    assert done.code == code
    assert cloud.access_key.access_key_id in done.out
    assert "GetCallerIdentity" in done.err
    found = shell("whoami", "--json", **keys)
    assert found.code == code
    assert found.json["identity"] is None
    assert found.json["error"]["kind"] == kind
    assert found.json["access_key_id"] == cloud.access_key.access_key_id


def test_sts_that_cannot_be_reached_is_exit_code_4(shell: Shell, keys: dict[str, str]) -> None:
    done = shell("whoami", **{**keys, STS: "http://127.0.0.1:1"})
    assert done.code == 4
    assert "from" in done.out
    assert "cannot connect" in done.err


def test_without_a_credential_the_way_to_find_out_why_is_named(shell: Shell, here: dict[str, str]) -> None:
    done = shell("whoami", **here)
    assert done.code == 1
    assert done.out == ""
    assert "`alicred explain`" in done.err
    assert "env: not configured" in done.err


@pytest.mark.parametrize("command", ["whoami", "explain"])
def test_no_secret_is_printed(command: str, shell: Shell, cloud: FakeCloud, here: dict[str, str]) -> None:
    role_file(shell, cloud)
    done = [shell("--verbose", command, **here), shell(command, "--json", **here)]
    texts = "".join(each.out + each.err for each in done)
    assert cloud.access_key.access_key_secret not in texts
    handed_out = [secret for raw in cloud.raw for secret in re.findall(rb"SecurityToken=([^&]+)", raw.body)]
    assert all(secret.decode() not in texts for secret in handed_out)
    assert "+/=" not in texts  # how the tokens of the cloud begin


# --- the profile of --profile, and tokens that do not fit ----------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["option", "variable"])
@pytest.mark.parametrize("with_ini", [False, True])
@pytest.mark.parametrize("asked", ["reports", "gone"])
def test_the_other_file_is_not_broken_for_want_of_a_profile_that_one_file_has(
    by: str, with_ini: bool, asked: str, shell: Shell, cloud: FakeCloud, here: dict[str, str]
) -> None:
    role_file(shell, cloud)
    if with_ini:
        shell.profile_file(f"[default]\ntype = access_key\naccess_key_id = AK.other\naccess_key_secret = {secrets.token_hex(15)}\n")
    options = ["--profile", asked] if by == "option" else []
    variables = here if options else {**here, "ALIBABA_CLOUD_PROFILE": asked}
    done = shell(*options, "explain", **variables)
    report = by_name(shell(*options, "explain", "--json", **variables).json)
    if asked == "gone":
        assert done.code == 1
        assert "failed" in {source["outcome"] for source in report.values()}
        return
    assert done.code == 0
    if options or with_ini:
        assert report["profile"]["detail"].startswith("the CLI's file has the profile 'reports'; ")
        assert report["profile"]["error"] is None
    assert report["profile"]["outcome"] == "not_configured"
    assert "profile: not set up" in done.out
    assert "broken" not in done.out
    assert "no file has it" not in done.out
    assert "write a section [default]" not in (done.out if options else "")


TOKENS = ["InvalidSecurityToken.Malformed", "InvalidSecurityToken.MismatchWithAccessKey"]


@pytest.mark.parametrize("code", TOKENS)
@pytest.mark.parametrize("place", ["variable", "profile"])
def test_a_token_that_does_not_fit_is_traced_to_where_it_stands(
    code: str, place: str, shell: Shell, cloud: FakeCloud, keys: dict[str, str], here: dict[str, str]
) -> None:
    token = secrets.token_hex(20)
    cloud.inject(faults.Denied(code), operation="GetCallerIdentity", times=None)
    if place == "variable":
        done = shell("whoami", **keys, ALIBABA_CLOUD_SECURITY_TOKEN=token)
        assert "The security token is that of ALIBABA_CLOUD_SECURITY_TOKEN. If it was left over from another key, unset it." in done.err
        chinese = shell("whoami", **keys, ALIBABA_CLOUD_SECURITY_TOKEN=token, LANG="zh_CN.UTF-8")
        assert "STS Token 来自 ALIBABA_CLOUD_SECURITY_TOKEN" in chinese.err
    else:
        key = cloud.access_key
        stored = {"access_key_id": key.access_key_id, "access_key_secret": key.access_key_secret, "sts_token": token}
        path = shell.cli_file({"name": "default", "mode": "StsToken", **stored})
        done = shell("whoami", **here)
        assert f"The security token comes from profile 'default' (mode StsToken) of {path}." in done.err
    assert done.code == 3
    assert "unset ALIBABA_CLOUD_SECURITY_TOKEN" in done.err
    assert token not in done.out + done.err


def test_the_token_of_a_variable_is_named_where_a_profile_takes_its_key_from_there(
    shell: Shell, cloud: FakeCloud, keys: dict[str, str]
) -> None:
    shell.cli_file({"name": "default", "mode": "StsToken"})
    done = shell("--profile", "default", "whoami", "--offline", **keys, ALIBABA_CLOUD_SECURITY_TOKEN=secrets.token_hex(20))
    assert "ALIBABA_CLOUD_ACCESS_KEY_SECRET and ALIBABA_CLOUD_SECURITY_TOKEN" in done.out
