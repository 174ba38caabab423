"""``alicred profiles``: what stands in both files, which profile is used, and what is wrong."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.commands import Shell
from tests.cli.programs import Machine

KEY, SECRET = f"LTAI5t{secrets.token_hex(9)}", secrets.token_hex(15)
AK = {"name": "default", "mode": "AK", "access_key_id": KEY, "access_key_secret": SECRET}
ROLE = "acs:ram::1000000000000001:role/reports"
CHAINED = {"mode": "ChainableRamRoleArn", "ram_role_arn": ROLE}
SSO = {
    "name": "sso",
    "mode": "CloudSSO",
    "cloud_sso_sign_in_url": "https://signin-cn-shanghai.alibabacloudsso.com/login",
    "cloud_sso_account_id": "1000000000000002",
    "cloud_sso_access_config": "ac-1",
    "access_token": SECRET,
}
SECTION = f"[default]\ntype = access_key\naccess_key_id = {KEY}\naccess_key_secret = {SECRET}\n"
EMPTY = {"name": "default", "mode": "AK", "access_key_id": "", "access_key_secret": ""}


def listed(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The profiles of a report, by kind of file and name."""
    return {f"{file['kind']}/{profile['name']}": profile for file in report["files"] for profile in file["profiles"]}


def problems(report: dict[str, Any]) -> list[str]:
    """The problems of a report: of files, and of profiles with their names."""
    found = [problem["problem"] for file in report["files"] for problem in file["problems"]]
    return found + [f"{name}: {each['problem']}" for name, profile in listed(report).items() for each in profile["problems"]]


def test_each_profile_is_listed_with_what_the_file_tells_of_it(shell: Shell) -> None:
    shell.cli_file(
        AK, {**CHAINED, "name": "reports", "source_profile": "default"}, {"name": "vm", "mode": "EcsRamRole", "ram_role_name": "web"}
    )
    shell.profile_file(f"{SECTION}\n[off]\nenable = false\ntype = access_key\n\n[token]\ntype = bearer\nbearer_token = {SECRET}\n")
    done = shell("profiles", "--json")
    assert done.code == 0
    assert done.json["ok"] is True
    assert done.json["used"] == {"file": str(shell.home / ".aliyun/config.json"), "profile": "default"}
    found = listed(done.json)
    assert list(found) == ["cli/default", "cli/reports", "cli/vm", "profile/default", "profile/off", "profile/token"]
    assert [profile["mode"] for profile in found.values()] == [
        "AK", "ChainableRamRoleArn", "EcsRamRole", "access_key", "access_key", "bearer",
    ]  # fmt: skip
    assert found["cli/default"]["access_key_id"] == KEY
    assert (found["cli/reports"]["role_arn"], found["cli/reports"]["account_id"]) == (ROLE, "1000000000000001")
    assert found["cli/reports"]["source_profile"] == "default"
    assert found["cli/vm"]["role_name"] == "web"
    assert found["profile/off"]["note"] == "switched off"
    assert [name for name, profile in found.items() if profile["used"]] == ["cli/default"]
    text = shell("profiles").out
    for word in (KEY, ROLE, "web", "switched off", str(shell.home)):
        assert word in text
    assert SECRET not in text + done.out


PROBLEMS: list[tuple[str, list[dict[str, object]], str, list[str]]] = [
    ("an unknown mode", [{**AK, "mode": "ramrolearn"}], "", ["cli/default: mode 'ramrolearn' is unknown.*RamRoleArn[?]"]),
    ("a missing half", [{**AK, "access_key_secret": ""}], "", ["cli/default: access_key_secret is missing"]),
    ("a missing role", [{**AK, "mode": "RamRoleArn"}], "", ["cli/default: ram_role_arn is missing"]),
    (
        "a circle",
        [AK, {**CHAINED, "name": "a", "source_profile": "b"}, {**CHAINED, "name": "b", "source_profile": "a"}],
        "",
        ["cli/a: profile 'b': source_profile leads in a circle: 'a' -> 'b' -> 'a'", "cli/b: .* leads in a circle: 'b' -> 'a' -> 'b'"],
    ),
    ("no source", [AK, {**CHAINED, "name": "a", "source_profile": "gone"}], "", ["cli/a: source_profile is 'gone', and there is no such"]),
    (
        "a login that ended",
        [AK, {**SSO, "cloud_sso_access_token_expire": 1700000000}],
        "",
        ["cli/sso: the login ended at 2023-11-14 22:13:20 UTC"],
    ),
    ("an unknown type", [], SECTION.replace("access_key\n", "oidc\n", 1), ["profile/default: type 'oidc' is unknown"]),
    ("a missing key", [], "[default]\ntype = ram_role_arn\n", ["profile/default: role_arn and access_key_id and .* are missing"]),
    ("a switch that is none", [], f"{SECTION}enable = perhaps\n", ["profile/default: enable must be true or false"]),
    ("a bearer section without a token", [], f"{SECTION}[b]\ntype = bearer\n", ["profile/b: bearer_token is missing"]),
    ("a bearer profile that is used", [{"name": "default", "mode": "BearerToken", "bearer_token": SECRET}], "", []),
]  # fmt: skip


@pytest.mark.parametrize(("case", "cli", "ini", "texts"), PROBLEMS, ids=[case for case, *_ in PROBLEMS])
def test_each_problem_is_named_once(case: str, cli: list[dict[str, object]], ini: str, texts: list[str], shell: Shell) -> None:
    if cli:
        shell.cli_file(*cli)
    if ini:
        shell.profile_file(ini)
    found = shell("profiles", "check", "--json")
    assert found.code == (1 if texts else 0)
    assert found.json["ok"] is not bool(texts)
    assert len(problems(found.json)) == len(texts)
    for problem, text in zip(problems(found.json), texts, strict=True):
        assert re.match(text, problem), problem
    assert SECRET not in found.out


def test_a_login_that_is_over_says_how_to_log_in_again_unless_its_keys_still_serve(shell: Shell) -> None:
    ended = {**SSO, "name": "my sso", "cloud_sso_access_token_expire": int(time.time()) - 60}
    shell.cli_file(AK, ended)
    done = shell("profiles", "check")
    assert done.code == 1
    assert "log in again: alicred login --profile 'my sso'" in done.out
    stored = {"access_key_id": f"STS.{KEY}", "access_key_secret": SECRET, "sts_token": SECRET, "sts_expiration": int(time.time()) + 3000}
    shell.cli_file(AK, {**ended, **stored})
    assert shell("profiles", "check").code == 0


BROKEN = [
    (".aliyun/config.json", '{\n "current": "default",\n "profiles": [,]\n}', "line 3, column 15 is not valid JSON"),
    (".aliyun/config.json", "[]", "must be a JSON object"),
    (".aliyun/config.json", '{"current": "gone", "profiles": [{"name": "a"}]}', "has no profile 'gone', which it calls current"),
    (".alibabacloud/credentials", "[default]\ntype = access_key\nnonsense\n", "line 3 is neither"),
    (".alibabacloud/credentials", '{"current": "default"}', "it looks like JSON"),
]


@pytest.mark.parametrize(("name", "text", "problem"), BROKEN, ids=[problem for *_, problem in BROKEN])
def test_a_broken_file_is_named_with_its_line(name: str, text: str, problem: str, shell: Shell) -> None:
    path = shell.file(name, text)
    done = shell("profiles")
    assert done.code == 0
    assert problem in done.out
    assert f"{path}: " in done.out
    assert f"{path} " not in done.out.partition("Problems")[2]  # it is named once
    checked = shell("profiles", "check")
    assert checked.code == 1
    assert sum(problem in line for line in checked.out.splitlines()) == 1


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
@pytest.mark.parametrize(
    ("mode", "text"),
    [
        (0o600, ""),
        (0o400, ""),
        (0o640, "its group may read it (mode 0640)"),
        (0o620, "its group may change it (mode 0620)"),
        (0o644, "every user of this machine may read it (mode 0644)"),
        (0o666, "every user of this machine may change it (mode 0666)"),
    ],
)
def test_a_file_that_others_may_read_comes_with_the_command_that_closes_it(mode: int, text: str, shell: Shell) -> None:
    path = shell.cli_file(AK)
    shell.monkeypatch.setenv("HOME", str(shell.home / "my home"))
    shutil.copytree(shell.home / ".aliyun", shell.home / "my home/.aliyun")
    path = shell.home / "my home/.aliyun/config.json"
    path.chmod(mode)
    done = shell("profiles", "check")
    assert done.code == bool(text)
    assert text in done.out
    assert (f"chmod 600 '{path}'" in done.out) is bool(text)


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")
@pytest.mark.parametrize("command", ["profiles", "explain"])
def test_an_open_file_is_not_complained_of_a_second_time_by_the_log(command: str, machine: Machine) -> None:
    machine.cli_file(AK)
    (machine.home / ".aliyun/config.json").chmod(0o644)
    done = machine.run(command)
    assert "0644" in done.stdout
    assert done.stderr == ""
    assert "may be read by every user" in machine.run("--verbose", command).stderr


def test_without_any_file_there_is_nothing_to_list_and_nothing_wrong(shell: Shell) -> None:
    done = shell("profiles")
    assert done.code == 0
    assert done.out.count("There is no such file.") == 2
    assert shell("profiles", "check").code == 0
    report = shell("profiles", "--json").json
    assert report["used"] is None
    assert [file["exists"] for file in report["files"]] == [False, False]


@pytest.mark.parametrize("variable", ["ALIBABA_CLOUD_CONFIG_FILE", "ALIBABA_CLOUD_CREDENTIALS_FILE"])
def test_a_file_that_a_variable_names_must_be_there(variable: str, shell: Shell) -> None:
    gone = str(shell.home / "gone")
    done = shell("profiles", "check", **{variable: gone})
    assert done.code == 1
    assert f"{gone}, which {variable} names, does not exist" in done.out


def test_without_a_home_it_says_so(shell: Shell) -> None:
    done = shell("profiles", "--json", HOME="")
    assert done.code == 0
    assert [file["path"] for file in done.json["files"]] == [None, None]
    assert "HOME" in done.json["files"][0]["note"]
    assert shell("profiles", HOME="").out.count("there is no home directory to look in") == 2


USED = [
    ("the current one", "b", "", {}, "cli/b"),
    ("the one of --profile", "b", "--profile=a", {}, "cli/a"),
    ("the one of the variable", "b", "", {"ALIBABA_CLOUD_PROFILE": "a"}, "cli/a"),
    ("one of the INI file", "b", "--profile=only", {}, "profile/only"),
    ("the INI file's where the other is switched off", "b", "", {"ALIBABA_CLOUD_CLI_PROFILE_DISABLED": "true"}, "profile/default"),
]


@pytest.mark.parametrize(("case", "current", "option", "variables", "used"), USED, ids=[case for case, *_ in USED])
def test_the_profile_that_a_program_gets_is_marked(
    case: str, current: str, option: str, variables: dict[str, str], used: str, shell: Shell
) -> None:
    shell.cli_file({**AK, "name": "a"}, {**AK, "name": "b"}, current=current)
    shell.profile_file(SECTION + SECTION.replace("default", "only"))
    report = shell("profiles", "--json", *filter(None, [option]), **variables).json
    assert [name for name, profile in listed(report).items() if profile["used"]] == [used]
    assert [name for name, profile in listed(report).items() if profile["current"]] == [f"cli/{current}"]
    off = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true"}
    got = shell("whoami", "--offline", "--json", *filter(None, [option]), **variables, **off).json
    kind, name = used.split("/")
    assert got["origin"].startswith(f"profile '{name}' ")
    assert kind in got["provider_name"].replace("cli_profile", "cli")


def test_a_profile_that_was_never_filled_in_lets_the_ini_file_have_its_say(shell: Shell) -> None:
    shell.cli_file(EMPTY)
    shell.profile_file(SECTION)
    report = shell("profiles", "--json").json
    assert listed(report)["cli/default"]["note"].startswith("empty")
    assert not listed(report)["cli/default"]["used"]
    assert listed(report)["profile/default"]["used"]
    assert report["ok"]


def test_a_profile_that_neither_file_has_is_a_problem(shell: Shell) -> None:
    shell.cli_file(AK)
    shell.profile_file(SECTION)
    done = shell("--profile", "gone", "profiles", "check")
    assert done.code == 1
    assert "'gone'" in done.out


def test_variables_that_come_before_both_files_are_named(shell: Shell) -> None:
    shell.cli_file(AK)
    variables = {"ALIBABA_CLOUD_ACCESS_KEY_ID": KEY, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": SECRET}
    done = shell("profiles", **variables)
    assert "ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET" in done.err
    assert SECRET not in done.err
    assert shell("profiles", "--profile", "default", **variables).err == ""  # who names a profile gets that one


def test_no_program_is_run_and_nothing_is_written(shell: Shell, tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    shell.cli_file({"name": "default", "mode": "External", "process_command": f"touch {mark}"})
    before = sorted(path.name for path in tmp_path.rglob("*"))
    assert shell("profiles").code == 0
    assert sorted(path.name for path in tmp_path.rglob("*")) == before


def test_of_two_profiles_with_one_name_the_second_is_a_problem(shell: Shell) -> None:
    shell.cli_file(AK, {**AK, "name": "other"}, {**AK, "access_key_id": "LTAI5tother"}, {**AK, "name": "other"})
    done = shell("profiles", "check")
    assert done.code == 1
    path = shell.home / ".aliyun/config.json"
    assert f"{path}: it has 2 profiles that are called 'default', of which only the first counts. Rename or remove" in done.out
    assert "called 'other'" in done.out
    assert [profile["access_key_id"] for profile in shell("profiles", "--json").json["files"][0]["profiles"]] == [KEY, KEY]


NO_ARNS = ["role/nothere", "acs:ram::me:role/x", "acs:ram::1:user/x", ROLE.upper()]


@pytest.mark.parametrize("arn", NO_ARNS)
def test_a_role_that_is_no_arn_is_a_problem_where_it_would_be_sent(arn: str, shell: Shell) -> None:
    shell.cli_file(AK, {**AK, "name": "r", "mode": "RamRoleArn", "ram_role_arn": arn}, {**AK, "name": "left", "ram_role_arn": arn})
    section = SECTION.replace("access_key\n", "ram_role_arn\n", 1)
    shell.profile_file(f"{section}role_arn = {arn}\n{SECTION.replace('default', 'left')}role_arn = {arn}\n")
    assert problems(shell("profiles", "check", "--json").json) == [
        f"{name} is no ARN of a role. Write acs:ram::<account>:role/<name>, with the number of the account"
        for name in ("cli/r: ram_role_arn", "profile/default: role_arn")
    ]


def test_a_home_that_is_no_absolute_path_is_named(shell: Shell) -> None:
    text = shell("profiles", HOME="relative").out
    assert text.count("HOME is no absolute path, so there is no home directory to look in. Let HOME begin with /") == 2
    assert "HOME is no absolute path" in shell("explain", HOME="relative", ALIBABA_CLOUD_ECS_METADATA_DISABLED="true").out
    config = shell("explain", HOME="relative", ALIBABA_CLOUD_CONFIG_FILE="~/c.json", ALIBABA_CLOUD_ECS_METADATA_DISABLED="true")
    assert "HOME is no absolute path, and ~/c.json begins with it" in config.out


@pytest.mark.parametrize("text", ["", "\n  \n"])
def test_an_empty_file_is_called_so(text: str, shell: Shell) -> None:
    shell.file(".aliyun/config.json", text)
    done = shell("profiles", "check")
    assert done.code == 1
    assert "config.json: is an empty file. Remove it, or run `aliyun configure`" in done.out
    assert "line 1" not in done.out


def test_a_lifetime_that_no_role_has_is_told_in_seconds(shell: Shell) -> None:
    shell.cli_file({**AK, "mode": "RamRoleArn", "ram_role_arn": ROLE, "expired_seconds": 10})
    assert "default: expired_seconds must be 900 to 43200 (seconds), not 10" in shell("profiles", "check").out
    shell.cli_file({**AK, "mode": "RsaKeyPair", "key_pair_name": "k", "private_key": "/k.pem", "expired_seconds": 3601})
    assert "default: expired_seconds must be 900 to 3600 (seconds), not 3601" in shell("profiles", "check").out
