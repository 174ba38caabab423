from __future__ import annotations

import base64
import json
import os
import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alicred.credential import Credential
from alicred.errors import AlicredError, ConfigurationError, DeniedError, NotConfiguredError, ProviderError, TransientError
from alicred.sources import ProfileFileProvider
from alicred.sources import _sts as sts_choice
from alicred.testing import FakeCloud
from alicred.wire.http import HttpClient
from alicred.wire.imds import ImdsClient
from alicred.wire.sts import StsClient
from tests.recording_sts import HOUR, SESSION, RecordingSts
from tests.reference_file import REFERENCE

VECTORS = Path(__file__).parents[2] / "vectors" / "ini_profiles.json"
CASES: dict[str, dict[str, Any]] = {case["name"]: case for case in json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]}

FILE, PROFILE = "ALIBABA_CLOUD_CREDENTIALS_FILE", "ALIBABA_CLOUD_PROFILE"
KEY = "[{}]\nenable = true\ntype = access_key\naccess_key_id = {}-id\naccess_key_secret = planted\n"
ROLE = "[default]\nenable = true\ntype = ram_role_arn\naccess_key_id = AK1\naccess_key_secret = planted\nrole_arn = acs:ram::1:role/a\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".alibabacloud").mkdir()
    return tmp_path


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def reading(path: Path | str, profile: str | None = None, **changes: Any) -> ProfileFileProvider:
    return ProfileFileProvider(path, profile, **{"environ": {}, "sts": RecordingSts(), **changes})


# --- which file ---------------------------------------------------------------------------------------------------------------------


def test_the_first_of_the_default_files_counts(home: Path) -> None:
    provider = ProfileFileProvider(environ={"HOME": str(home)})
    written(home / ".alibabacloud/credentials.ini", KEY.format("default", "second"))
    assert provider.get().access_key_id == "second-id"
    written(home / ".alibabacloud/credentials", KEY.format("default", "first"))
    assert provider.get().access_key_id == "first-id", "the file is looked for and read at every call"
    written(home / ".alibabacloud/credentials", KEY.format("other", "first"))
    with pytest.raises(NotConfiguredError, match=r"has no section 'default'"):
        provider.get()  # the first file counts alone


def test_without_a_file_it_is_not_configured_and_names_where_it_looked(home: Path) -> None:
    for environ in ({"HOME": str(home)}, {"HOME": str(home), FILE: " \n"}):
        with pytest.raises(NotConfiguredError) as caught:
            ProfileFileProvider(environ=environ).get()
        first = home / ".alibabacloud/credentials"
        assert str(caught.value) == f"profile: there is no profile file: looked for {first} and {first}.ini"


def test_the_variable_names_the_file_and_the_argument_goes_first(home: Path, tmp_path: Path) -> None:
    written(home / ".alibabacloud/credentials", KEY.format("default", "home"))
    written(tmp_path / "variable", KEY.format("default", "variable"))
    written(tmp_path / "argument", KEY.format("default", "argument"))
    environ = {"HOME": str(home), FILE: f" {tmp_path / 'variable'}\n"}
    assert ProfileFileProvider(environ=environ).get().access_key_id == "variable-id"
    assert ProfileFileProvider(tmp_path / "argument", environ=environ).get().access_key_id == "argument-id"
    assert ProfileFileProvider("~/argument", environ=environ).get().access_key_id == "argument-id"
    assert ProfileFileProvider(environ={**environ, FILE: "~/argument"}).get().access_key_id == "argument-id"


def test_a_missing_file_that_was_asked_for_is_an_error(home: Path) -> None:
    written(home / ".alibabacloud/credentials", KEY.format("default", "home"))
    missing = home / "missing"
    with pytest.raises(ConfigurationError, match=rf"the profile file {missing}, which {FILE} names, does not exist"):
        ProfileFileProvider(environ={"HOME": str(home), FILE: str(missing)}).get()
    with pytest.raises(ConfigurationError, match=rf"the profile file {missing}, which the argument path names, does not exist"):
        ProfileFileProvider(missing, environ={"HOME": str(home)}).get()


def test_an_unreadable_default_file_is_not_passed_over(home: Path) -> None:
    (home / ".alibabacloud/credentials").mkdir()
    written(home / ".alibabacloud/credentials.ini", KEY.format("default", "second"))
    with pytest.raises(ConfigurationError, match=r"credentials cannot be read: Is a directory"):
        ProfileFileProvider(environ={"HOME": str(home)}).get()


def test_the_process_environment_is_read_at_every_call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    provider = ProfileFileProvider()
    for name in ("one", "two"):
        monkeypatch.setenv(FILE, str(written(tmp_path / name, KEY.format(name, name))))
        monkeypatch.setenv(PROFILE, name)
        assert provider.get().access_key_id == f"{name}-id"
    home = Path(os.environ["HOME"])
    (home / ".alibabacloud").mkdir()
    written(home / ".alibabacloud/credentials", KEY.format("default", "home"))
    monkeypatch.delenv(FILE)
    monkeypatch.delenv(PROFILE)
    assert provider.get().access_key_id == "home-id"


# --- a bad file ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[default]\nplanted\xff", "is not UTF-8 text: save it as UTF-8"),
        ("[default]\nplanted = 1".encode("utf-16"), "is not UTF-8 text"),
        (b"[default]\nplanted = \0", "is not UTF-8 text"),
        (b"#" * ((1 << 20) + 1), "it is larger than 1048576 bytes"),
        (b"[default]\nplanted", "line 2 is neither a [section] header nor `key = value`"),
        (b"[default]\na = 1\na = planted", "line 3 gives the key of line 2 again"),
        (b"[default]\n[default]", "line 2 begins the section of line 1 again"),
        (b"planted = 1", "line 1 stands above the first [section] header"),
        (b'{"current": "planted"}', "(it looks like JSON; the profile file is INI)"),
        (b"[default]\nenable = planted", "profile 'default' (line 1 of "),
    ],
)
def test_a_bad_file_is_named_and_not_quoted(tmp_path: Path, content: bytes, words: str) -> None:
    path = written(tmp_path / "file", content)
    with pytest.raises(ConfigurationError) as caught:
        reading(path).get()
    assert str(path) in str(caught.value)
    assert words in str(caught.value)
    assert caught.value.provider == "profile"
    error: BaseException | None = caught.value
    while error is not None:
        assert "planted" not in str(error)
        error = error.__cause__ or error.__context__


def test_a_file_of_the_largest_size_is_read(tmp_path: Path) -> None:
    text = KEY.format("default", "a")
    assert reading(written(tmp_path / "file", text + "#" * ((1 << 20) - len(text)))).get().access_key_id == "a-id"


def test_an_empty_file_is_not_configured(tmp_path: Path) -> None:
    for content in (b"", b"\n# nothing\n", b"\xef\xbb\xbf"):
        with pytest.raises(NotConfiguredError, match=r"has no section 'default', and no other one was asked for: it has none at all"):
            reading(written(tmp_path / "file", content)).get()
    with pytest.raises(NotConfiguredError):
        reading(os.devnull).get()


# --- which section ------------------------------------------------------------------------------------------------------------------


def test_the_argument_then_the_variable_then_default_choose_the_section(tmp_path: Path) -> None:
    path = written(tmp_path / "file", "".join(KEY.format(name, name) for name in ("default", "variable", "argument")))
    assert reading(path).get().access_key_id == "default-id"
    assert reading(path, environ={PROFILE: " "}).get().access_key_id == "default-id"
    assert reading(path, environ={PROFILE: "variable\n"}).get().access_key_id == "variable-id"
    assert reading(path, "argument", environ={PROFILE: "variable"}).get().access_key_id == "argument-id"


def test_a_section_that_was_asked_for_and_is_missing_is_an_error_that_lists_the_others(tmp_path: Path) -> None:
    path = written(tmp_path / "file", KEY.format("one", "1") + KEY.format("two", "2"))
    with pytest.raises(ConfigurationError) as caught:
        reading(path, "three").get()
    assert str(caught.value) == (
        f"profile: the profile file {path} has no section 'three', which the argument profile names: it has 'one', 'two'"
    )
    with pytest.raises(ConfigurationError, match=rf"has no section 'three', which {PROFILE} names: it has 'one', 'two'"):
        reading(path, environ={PROFILE: "three"}).get()
    with pytest.raises(ConfigurationError, match=r"has no section 'default', which the argument profile names"):
        reading(path, "default").get()
    with pytest.raises(NotConfiguredError, match=r"has no section 'default', and no other one was asked for: it has 'one', 'two'$"):
        reading(path).get()


def test_names_are_compared_letter_by_letter(tmp_path: Path) -> None:
    path = written(tmp_path / "file", KEY.format("Default", "1"))
    assert reading(path, "Default").get().access_key_id == "1-id"
    with pytest.raises(NotConfiguredError, match=r"it has 'Default' \(capital and small letters differ"):
        reading(path).get()
    with pytest.raises(ConfigurationError, match=r"capital and small letters differ"):
        reading(path, "DEFAULT").get()


# --- enable -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["enable = true", "enable = TRUE", "enable=1", "Enable: Yes", "enable = true # on"])
@pytest.mark.parametrize("require_enable", [True, False])
def test_a_section_is_switched_on(tmp_path: Path, line: str, require_enable: bool) -> None:
    path = written(tmp_path / "file", KEY.format("default", "a").replace("enable = true", line))
    assert reading(path, require_enable=require_enable).get().access_key_id == "a-id"


@pytest.mark.parametrize("line", ["", "enable =", "enable = # true"])
def test_without_enable_a_section_is_switched_on_unless_that_is_required(tmp_path: Path, line: str) -> None:
    path = written(tmp_path / "file", KEY.format("default", "a").replace("enable = true", line))
    with pytest.raises(NotConfiguredError) as caught:
        reading(path, require_enable=True).get()
    assert str(caught.value) == f"profile: profile 'default' (line 1 of {path}) is not switched on: `enable = true` is missing in it"
    assert reading(path).get().access_key_id == "a-id"
    assert reading(path, require_enable=False).get().access_key_id == "a-id"


@pytest.mark.parametrize("line", ["enable = false", "enable = FALSE # off", "enable = 0", "enable = no"])
@pytest.mark.parametrize("require_enable", [True, False])
def test_a_section_that_is_switched_off_is_not_set_up(tmp_path: Path, line: str, require_enable: bool) -> None:
    path = written(tmp_path / "file", KEY.format("default", "a").replace("enable = true", line))
    with pytest.raises(NotConfiguredError, match=r"is switched off: .*`enable = true`"):
        reading(path, require_enable=require_enable).get()


@pytest.mark.parametrize("require_enable", [True, False])
def test_an_enable_that_is_neither_is_an_error(tmp_path: Path, require_enable: bool) -> None:
    path = written(tmp_path / "file", KEY.format("default", "a").replace("enable = true", "enable = planted"))
    with pytest.raises(ConfigurationError, match=r"enable must be true or false$"):
        reading(path, require_enable=require_enable).get()


# --- the types ----------------------------------------------------------------------------------------------------------------------


def test_a_fixed_key(tmp_path: Path) -> None:
    found = reading(written(tmp_path / "file", KEY.format("default", "a"))).get()
    assert found == Credential("a-id", "planted")
    assert found.provider_name == "profile/static_ak"


@pytest.mark.parametrize("kind", ["sts", "access_key", "STS"])
def test_a_key_with_a_token(tmp_path: Path, kind: str) -> None:
    text = KEY.format("default", "a").replace("access_key\n", f"{kind}\n") + "security_token = planted-token\n"
    found = reading(written(tmp_path / "file", text)).get()
    assert found == Credential("a-id", "planted", "planted-token")
    assert found.provider_name == "profile/static_sts"


def test_a_role(tmp_path: Path) -> None:
    sts = RecordingSts()
    extra = 'role_session_name = me\npolicy = {"Version": "1"}\nexternal_id = partner\nrole_session_expiration = 900\nsecurity_token = T1\n'
    found = reading(written(tmp_path / "file", ROLE + extra), sts=sts).get()
    assert found == SESSION
    assert found.provider_name == "profile/ram_role_arn/static_sts"
    assert sts.calls == [
        {
            "operation": "assume_role",
            "credential": Credential("AK1", "planted", "T1"),
            "role_arn": "acs:ram::1:role/a",
            "role_session_name": "me",
            "duration": timedelta(seconds=900),
            "session_policy": '{"Version": "1"}',
            "external_id": "partner",
        }
    ]


POLICY = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:Get*", "Resource": "*"}]}


@pytest.mark.parametrize("policy", [json.dumps(POLICY, indent=indent) for indent in (1, 4, "\t")])
@pytest.mark.parametrize("above", ["policy = ", "policy: ", "policy =\n "])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_policy_of_several_lines_is_asked_for_whole(tmp_path: Path, policy: str, above: str, end: str) -> None:
    sts = RecordingSts()
    lines = (above + policy).replace("\n}", "\n }").replace("\n", end)  # the last bracket is indented too
    text = f"{ROLE}{lines}{end}external_id = partner{end}"
    reading(written(tmp_path / "file", text), sts=sts).get()
    assert json.loads(sts.calls[0]["session_policy"]) == POLICY
    assert sts.calls[0]["external_id"] == "partner"


def test_a_policy_that_stands_in_default_restricts_every_section(tmp_path: Path) -> None:
    sts = RecordingSts()
    reading(written(tmp_path / "file", '[DEFAULT]\npolicy = {"Version":\n "1"}\n' + ROLE), sts=sts).get()
    assert json.loads(sts.calls[0]["session_policy"]) == {"Version": "1"}
    with pytest.raises(ConfigurationError, match=r"has no section 'DEFAULT', which the argument profile names: it has 'default'"):
        reading(tmp_path / "file", "DEFAULT").get()


@pytest.mark.parametrize("key", ["type", "access_key_id", "access_key_secret", "role_arn", "enable"])
def test_a_line_that_is_indented_by_mistake_is_an_error_that_names_the_line_above(tmp_path: Path, key: str) -> None:
    lines = (ROLE + "external_id = planted\n").splitlines()
    number = next(number for number, line in enumerate(lines) if line.startswith(f"{key} "))
    lines[number + 1] = f"  {lines[number + 1]}"
    with pytest.raises(ConfigurationError) as caught:
        reading(written(tmp_path / "file", "\n".join(lines))).get()
    assert f"profile 'default' (line 1 of {tmp_path}/file): {key} goes on in lines that are indented further" in str(caught.value)
    assert str(caught.value).endswith(f"(line {number + 1})")
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("above", ["timeout = 5000", "note =", "region_id = cn-hangzhou", "external_id =", "security_token ="])
def test_a_policy_that_is_indented_below_any_other_key_is_not_lost_without_a_word(tmp_path: Path, above: str) -> None:
    sts = RecordingSts()
    text = f'{ROLE}{above}\n  policy = {{"Version": "1", "Statement": []}}\n'
    with pytest.raises(ConfigurationError, match=rf"{above.split(' ')[0]} goes on in lines that are indented further"):
        reading(written(tmp_path / "file", text), sts=sts).get()
    assert sts.calls == []


def test_a_role_with_what_is_needed_only(tmp_path: Path) -> None:
    sts = RecordingSts()
    provider = reading(written(tmp_path / "file", ROLE + "policy =\nexternal_id =\nrole_session_name =\n"), sts=sts)
    provider.get()
    provider.get()
    first, second = sts.calls
    assert (first["session_policy"], first["external_id"], first["duration"]) == (None, None, HOUR)
    assert first["role_session_name"].startswith("alicred-")
    assert second["role_session_name"] == first["role_session_name"], "the name is the provider's, not the call's"


def test_the_environment_names_the_session_that_the_section_does_not(tmp_path: Path) -> None:
    sts = RecordingSts()
    environ = {"ALIBABA_CLOUD_ROLE_SESSION_NAME": "variable"}
    reading(written(tmp_path / "file", ROLE), sts=sts, environ=environ).get()
    reading(written(tmp_path / "file", ROLE + "role_session_name = section"), sts=sts, environ=environ).get()
    assert [call["role_session_name"] for call in sts.calls] == ["variable", "section"]


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ("role_session_expiration = 1800", 1800),
        ("session_expiration = 1800", 1800),
        ("session_expiration = 1800\nrole_session_expiration = 900", 900),
        ("session_expiration = 1800\nrole_session_expiration =", 1800),
        ("role_session_expiration = 0", 3600),
        ("role_session_expiration = 43200 # twelve hours", 43200),
    ],
)
def test_the_duration_of_a_role_is_in_seconds(tmp_path: Path, lines: str, seconds: int) -> None:
    sts = RecordingSts()
    reading(written(tmp_path / "file", ROLE + lines), sts=sts).get()
    assert sts.calls[0]["duration"] == timedelta(seconds=seconds)


@pytest.mark.parametrize("value", ["planted", "1h", "3600.5", "-900", "+900", "９００", "1" * 5000])
def test_a_duration_that_is_no_number_is_an_error_that_names_the_key(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"file\): role_session_expiration must be a whole number of seconds, 900 to 43200$"):
        reading(written(tmp_path / "file", ROLE + f"role_session_expiration = {value}")).get()


@pytest.mark.parametrize("value", ["1", "899", "43201", "999999999"])
def test_a_duration_outside_its_range_is_an_error_that_names_the_range(tmp_path: Path, value: str) -> None:
    with pytest.raises(ConfigurationError, match=r"profile 'default' \(line 1 of .*\): role_session_expiration .* seconds, 900 to 43200$"):
        reading(written(tmp_path / "file", ROLE + f"role_session_expiration = {value}")).get()


OIDC = "[default]\nenable = true\ntype = oidc_role_arn\nrole_arn = acs:ram::1:role/a\noidc_provider_arn = acs:ram::1:oidc-provider/p\n"


def test_an_oidc_token(tmp_path: Path) -> None:
    sts = RecordingSts()
    written(tmp_path / "token", "planted-token\n")
    text = OIDC + "oidc_token_file_path = ~/token\nrole_session_name = me\npolicy = {}\n"
    found = reading(written(tmp_path / "file", text), sts=sts, environ={"HOME": str(tmp_path)}).get()
    assert found.provider_name == "profile/oidc_role_arn"
    assert sts.calls == [
        {
            "operation": "assume_role_with_oidc",
            "role_arn": "acs:ram::1:role/a",
            "oidc_provider_arn": "acs:ram::1:oidc-provider/p",
            "oidc_token": "planted-token",
            "role_session_name": "me",
            "duration": HOUR,
            "session_policy": "{}",
        }
    ]


def test_a_missing_oidc_token_is_an_error(tmp_path: Path) -> None:
    text = OIDC + f"oidc_token_file_path = {tmp_path}/token\n"
    with pytest.raises(ConfigurationError, match=rf"^profile/oidc_role_arn: the OIDC token file {tmp_path}/token does not exist"):
        reading(written(tmp_path / "file", text)).get()


RSA = "[default]\nenable = true\ntype = rsa_key_pair\npublic_key_id = LTPK\nprivate_key_file = ~/pk.pem\n"


@pytest.mark.parametrize(("line", "seconds"), [("", 3600), ("session_expiration = 900", 900), ("role_session_expiration = 900", 900)])
def test_an_rsa_key_pair(tmp_path: Path, line: str, seconds: int) -> None:
    sts = RecordingSts()
    written(tmp_path / "pk.pem", "planted")
    found = reading(written(tmp_path / "file", RSA + line), sts=sts, environ={"HOME": str(tmp_path)}).get()
    assert found.provider_name == "profile/rsa_key_pair"
    assert sts.calls == [
        {
            "operation": "generate_session_access_key",
            "public_key_id": "LTPK",
            "private_key": b"planted",
            "duration": timedelta(seconds=seconds),
        }
    ]


def test_a_bearer_token_is_an_error_that_names_its_provider(tmp_path: Path) -> None:
    text = "[default]\nenable = true\ntype = bearer\nbearer_token = planted\n"
    with pytest.raises(ConfigurationError, match=r"line 1 of .*use BearerProfileProvider") as caught:
        reading(written(tmp_path / "file", text)).get()
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(("line", "words"), [("", "type is missing"), ("type =", "type is missing"), ("type = planted", "type is unknown")])
def test_without_a_known_type_the_error_lists_the_types(tmp_path: Path, line: str, words: str) -> None:
    text = KEY.format("default", "a").replace("type = access_key", line)
    types = "access_key, sts, ram_role_arn, ecs_ram_role, rsa_key_pair, oidc_role_arn, bearer"
    with pytest.raises(ConfigurationError) as caught:
        reading(written(tmp_path / "file", text)).get()
    assert f"{words}: give one of {types}" in str(caught.value)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("access_key", ("access_key_id", "access_key_secret")),
        ("sts", ("access_key_id", "access_key_secret", "security_token")),
        ("ram_role_arn", ("role_arn", "access_key_id", "access_key_secret")),
        ("oidc_role_arn", ("role_arn", "oidc_provider_arn", "oidc_token_file_path")),
        ("rsa_key_pair", ("public_key_id", "private_key_file")),
    ],
)
def test_every_missing_key_is_named(tmp_path: Path, kind: str, keys: tuple[str, ...]) -> None:
    head = f"[default]\nenable = true\ntype = {kind}\n"
    for missing in [(key,) for key in keys] + [keys]:
        there = "".join(f"{key} = {'' if key in missing else 'planted'}\n" for key in keys)
        with pytest.raises(ConfigurationError) as caught:
            reading(written(tmp_path / "file", head + there)).get()
        assert f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing" in str(caught.value)
        assert "profile 'default' (line 1 of " in str(caught.value)
        assert "planted" not in str(caught.value)


@pytest.mark.parametrize("key", ["access_key_id", "access_key_secret", "security_token"])
def test_a_control_character_in_a_key_is_an_error_that_names_key_and_section(tmp_path: Path, key: str) -> None:
    values = {"access_key_id": "a", "access_key_secret": "b", "security_token": "c", key: "planted\x07planted"}
    text = "[default]\nenable = true\ntype = sts\n" + "".join(f"{name} = {value}\n" for name, value in values.items())
    with pytest.raises(ConfigurationError, match=rf"profile 'default' .*{key} holds a control character") as caught:
        reading(written(tmp_path / "file", text)).get()
    assert "planted" not in str(caught.value)


# --- the instance's role ------------------------------------------------------------------------------------------------------------

ECS = "[default]\nenable = true\ntype = ecs_ram_role\n"


def test_the_instances_role(tmp_path: Path) -> None:
    with FakeCloud() as cloud:
        imds = ImdsClient(cloud.imds_endpoint)
        cloud.add_role("named")
        cloud.attach_instance_role("named")
        for text, environ in (
            (ECS, {}),
            (ECS + "role_name = named # Role Name", {}),
            (ECS + "role_name = named", {"ALIBABA_CLOUD_ECS_METADATA": "other"}),
            (ECS, {"ALIBABA_CLOUD_ECS_METADATA": "named"}),
        ):
            found = reading(written(tmp_path / "file", text), imds=imds, environ=environ).get()
            assert found.provider_name == "profile/ecs_ram_role"
        assert cloud.count("MetadataCredential") == 4
        assert cloud.count("MetadataRole") == 1, "a name saves a request"
        assert cloud.count("MetadataToken") == 1, "the client keeps its token"
        with pytest.raises(DeniedError) as caught:
            reading(written(tmp_path / "file", ECS + "role_name = other"), imds=imds).get()
        assert caught.value.provider == "profile/ecs_ram_role"


def test_the_variables_about_the_metadata_service_count(tmp_path: Path) -> None:
    path = written(tmp_path / "file", ECS)
    with FakeCloud(imds_v2=False) as cloud:
        imds = ImdsClient(cloud.imds_endpoint)
        assert reading(path, imds=imds).get().security_token
        with pytest.raises(ProviderError):
            reading(path, imds=imds, environ={"ALIBABA_CLOUD_IMDSV1_DISABLED": "true"}).get()
        with pytest.raises(ConfigurationError, match=r"ALIBABA_CLOUD_ECS_METADATA_DISABLED forbids it: change one of the two"):
            reading(path, imds=imds, environ={"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "True"}).get()


def test_a_section_that_asks_for_a_role_that_is_not_there_is_broken_and_not_passed_over(tmp_path: Path, closed_port: int) -> None:
    path = written(tmp_path / "file", ECS)
    with FakeCloud() as cloud:
        cloud.attach_instance_role(None)
        with pytest.raises(ProviderError, match=r"^profile/ecs_ram_role: profile 'default' .* asks for ecs_ram_role, but: no RAM role"):
            reading(path, imds=ImdsClient(cloud.imds_endpoint)).get()
    with pytest.raises(ProviderError, match=r"asks for ecs_ram_role, but: no metadata service") as caught:
        reading(path, imds=ImdsClient(f"http://127.0.0.1:{closed_port}")).get()
    assert not caught.value.retryable
    with pytest.raises(TransientError):
        reading(written(path, ECS + "role_name = r"), imds=ImdsClient(f"http://127.0.0.1:{closed_port}")).get()


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

    monkeypatch.setattr(sts_choice, "StsClient", recording)
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


# --- the reference file, and the vectors --------------------------------------------------------------------------------------------


def test_the_reference_file_works_as_it_stands(tmp_path: Path) -> None:
    path = written(tmp_path / "file", REFERENCE)
    found = reading(path).get()
    assert found == Credential("foo", "bar")
    assert found.provider_name == "profile/static_ak"
    for name, words in (("client1", "is not switched on"), ("client2", "is switched off"), ("client3", "is not switched on")):
        with pytest.raises(NotConfiguredError, match=words):
            reading(path, name, require_enable=True).get()


def test_each_section_of_the_reference_file_works_once_it_is_switched_on(tmp_path: Path) -> None:
    written(tmp_path / "pk.pem", "planted")
    text = REFERENCE.replace("enable = false", "enable = true ").replace("/your/pk.pem", f"{tmp_path}/pk.pem")
    path = written(tmp_path / "file", text)
    sts = RecordingSts()
    with FakeCloud() as cloud:
        cloud.add_role("EcsRamRoleTest")
        cloud.attach_instance_role("EcsRamRoleTest")
        waived = {"imds": ImdsClient(cloud.imds_endpoint), "sts": sts}
        assert reading(path, "client1", **waived).get().provider_name == "profile/ecs_ram_role"
    assert reading(path, "client2", **waived).get().provider_name == "profile/ram_role_arn/static_ak"
    assert reading(path, "client3", **waived).get().provider_name == "profile/rsa_key_pair"
    role, key_pair = sts.calls
    assert (role["role_arn"], role["role_session_name"], role["session_policy"]) == ("role_arn", "session_name", "test")
    assert (key_pair["public_key_id"], key_pair["private_key"]) == ("publicKeyId", b"planted")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("basic_enable_true", "profile/static_ak"),
        ("enable_mixed_case", "profile/static_ak"),
        ("enable_with_comment", "profile/static_ak"),
        ("enable_one", "profile/static_ak"),
        ("enable_absent", "profile/static_ak"),
        ("enable_false", NotConfiguredError),
    ],
)
def test_what_the_vectors_say_about_enable(tmp_path: Path, name: str, expected: str | type[AlicredError]) -> None:
    path = written(tmp_path / "file", base64.b64decode(CASES[name]["file_base64"]))
    if isinstance(expected, str):
        assert reading(path).get().provider_name == expected
    else:
        with pytest.raises(expected):
            reading(path).get()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("enable_absent", "profile/static_ak"),
        ("bom", "profile/static_ak"),
        ("crlf", "profile/static_ak"),
        ("missing_section", ConfigurationError),
        ("empty_file", NotConfiguredError),
        ("empty_value", ConfigurationError),
        ("section_upper", NotConfiguredError),
        ("section_blanks", "profile/static_ak"),
        ("section_DEFAULT_inherits", "profile/static_ak"),
        ("continuation_line", ConfigurationError),
        ("no_type", ConfigurationError),
        ("unknown_type", ConfigurationError),
        ("type_sts", "profile/static_sts"),
        ("type_bearer", ConfigurationError),
        ("type_credentials_uri", ConfigurationError),
        ("type_ram_role_arn_full", "profile/ram_role_arn/static_ak"),
        ("type_ram_role_arn_no_session", "profile/ram_role_arn/static_ak"),
        ("type_oidc", ConfigurationError),  # its token file does not exist here
        ("type_rsa", ConfigurationError),  # its key file does not exist here
        ("policy_with_hash_and_percent", "profile/ram_role_arn/static_ak"),
    ],
)
def test_what_the_vectors_describe(tmp_path: Path, name: str, expected: str | type[AlicredError]) -> None:
    case = CASES[name]
    path = written(tmp_path / "file", base64.b64decode(case["file_base64"]))
    profile = None if case["profile"] == "default" else case["profile"]
    provider = reading(path, profile)
    if isinstance(expected, str):
        assert provider.get().provider_name == expected
    else:
        with pytest.raises(expected):
            provider.get()


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
