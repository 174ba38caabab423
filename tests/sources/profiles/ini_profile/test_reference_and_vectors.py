"""The reference file, and the vectors."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from alicred.credential import Credential
from alicred.errors import AlicredError, ConfigurationError, NotConfiguredError
from alicred.testing import FakeCloud
from alicred.wire.imds import ImdsClient
from tests.recording_sts import RecordingSts
from tests.reference_file import REFERENCE
from tests.sources.profiles.ini_profile.support import reading, written

VECTORS = Path(__file__).parents[3] / "vectors" / "ini_profiles.json"
CASES: dict[str, dict[str, Any]] = {case["name"]: case for case in json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]}


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
