"""The types of a section."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from alicred.credential import Credential
from alicred.errors import ConfigurationError, DeniedError, ProviderError, TransientError
from alicred.testing import FakeCloud
from alicred.wire.imds import ImdsClient
from tests.recording_sts import HOUR, SESSION, RecordingSts
from tests.sources.profiles.ini_profile.support import KEY, OIDC, ROLE, RSA, reading, written

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
    with pytest.raises(ConfigurationError, match=r"line 1 of .*Use BearerProfileProvider") as caught:
        reading(written(tmp_path / "file", text)).get()
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", "type is missing"),
        ("type =", "type is missing"),
        ("type = no_such_type", "type 'no_such_type' is unknown"),
        ("type = pl4nt3dplanted", "type is unknown"),
    ],
)
def test_without_a_known_type_the_error_lists_the_types(tmp_path: Path, line: str, words: str) -> None:
    text = KEY.format("default", "a").replace("type = access_key", line)
    types = "access_key, sts, ram_role_arn, ecs_ram_role, rsa_key_pair, oidc_role_arn, bearer"
    with pytest.raises(ConfigurationError) as caught:
        reading(written(tmp_path / "file", text)).get()
    assert f"{words}. Give one of {types}." in str(caught.value)
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
        with pytest.raises(ConfigurationError, match=r"ALIBABA_CLOUD_ECS_METADATA_DISABLED forbids it\. Change one of the two"):
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
