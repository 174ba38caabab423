"""Which file and which profile of it count, and what a bad file is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from alicred.credential import Credential
from alicred.errors import ConfigurationError, NotConfiguredError
from alicred.sources.profiles.cli.provider import CliProfileProvider
from tests.sources.profiles.cli_profile.support import ID, KEY, ROLE, SECRET, key, reading, written

FILE, PROFILE, DISABLED = "ALIBABA_CLOUD_CONFIG_FILE", "ALIBABA_CLOUD_PROFILE", "ALIBABA_CLOUD_CLI_PROFILE_DISABLED"
BLANK = {"name": "p", "mode": "", "access_key_id": "", "access_key_secret": "", "output_format": "json", "language": "en", "retry_count": 0}


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
        (b"", "is an empty file. Remove it, or run `aliyun configure`"),
        (b" \n", "is an empty file"),
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
        ({"expired_seconds": 43201}, "expired_seconds must be 900 to 43200 (seconds), not "),
        ({"enable_vpc": "planted"}, "enable_vpc must be true or false, not str"),
        ({"access_key_secret": "planted\ud800"}, "access_key_secret holds half a character"),
        ({"access_key_secret": "planted\nplanted"}, "access_key_secret holds a control character"),
        ({"sts_region": "planted/"}, "sts_region must be the id of a region"),
        ({"ram_session_name": "planted planted"}, ": ram_session_name must be 2 to 64 characters"),
        ({"mode": "NoSuchMode"}, "mode 'NoSuchMode' is unknown. Give one of AK, StsToken, RamRoleArn, EcsRamRole, "),
        ({"mode": "pl4nt3dplanted"}, ": mode is unknown. Give one of AK, StsToken, RamRoleArn, EcsRamRole, "),
        ({"mode": "planted mode"}, ": mode is unknown. Give one of AK, StsToken, RamRoleArn, EcsRamRole, "),
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
