"""Variables fill what a section of the profile file leaves out, and what is assigned to `auth_util` goes before them."""

from __future__ import annotations

import copy
import os
import pickle
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from alicred.compat.environ import ENVIRON
from alicred.compat.exceptions import CredentialException
from alicred.compat.provider import (
    CLIProfileCredentialsProvider,
    EcsRamRoleCredentialsProvider,
    ExternalCredentialsProvider,
    OIDCRoleArnCredentialsProvider,
    ProfileCredentialsProvider,
    RamRoleArnCredentialsProvider,
    StaticAKCredentialsProvider,
    StaticSTSCredentialsProvider,
    URLCredentialsProvider,
)
from alicred.compat.utils import auth_util
from alicred.testing import FakeCloud
from tests.compat.support import Package, command_of, keys

P = "ALIBABA_CLOUD_"


@pytest.fixture
def filled(cloud: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    """A cloud for which variables say everything."""
    (tmp_path / "token").write_text(cloud.add_oidc_token())
    variables = {
        "ACCESS_KEY_ID": cloud.access_key.access_key_id,
        "ACCESS_KEY_SECRET": cloud.access_key.access_key_secret,
        "ROLE_ARN": cloud.role_arn,
        "ROLE_SESSION_NAME": "of-the-variable",
        "OIDC_PROVIDER_ARN": cloud.oidc_provider_arn,
        "OIDC_TOKEN_FILE": str(tmp_path / "token"),
        "STS_ENDPOINT": cloud.endpoint,
    }
    for name, value in variables.items():
        monkeypatch.setenv(P + name, value)
    return cloud


def section(text: str) -> ProfileCredentialsProvider:
    path = Path.home() / ".alibabacloud" / "credentials"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"[default]\n{text}\n")
    return ProfileCredentialsProvider()


def test_a_section_may_say_its_type_alone(filled: FakeCloud) -> None:
    assert section("type = access_key").get_credentials().get_access_key_id() == filled.access_key.access_key_id
    for kind, inner in (("ram_role_arn", "/static_ak"), ("oidc_role_arn", "")):
        assert section(f"type = {kind}").get_credentials().get_provider_name() == f"profile/{kind}{inner}"
        assert filled.sessions[-1].arn.endswith("/of-the-variable")


def test_what_a_section_says_goes_first(filled: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(P + "ROLE_ARN", "acs:ram::1:role/another")
    key = "\n".join(f"{name} = {value}" for name, value in keys(filled).items())
    monkeypatch.setenv(P + "ACCESS_KEY_SECRET", "wrong")
    text = f"type = ram_role_arn\n{key}\nrole_arn = {filled.role_arn}\nrole_session_name = of-the-section"
    assert section(text).get_credentials().get_access_key_id()
    assert filled.sessions[-1].arn.endswith("/of-the-section")


def test_the_default_chain_fills_sections_too(filled: FakeCloud, ours: Package, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(P + "OIDC_TOKEN_FILE")  # or that source would go first
    section(f"type = ram_role_arn\n{chr(10).join(f'{name} = {value}' for name, value in keys(filled).items())}")
    monkeypatch.delenv(P + "ACCESS_KEY_ID")
    monkeypatch.delenv(P + "ACCESS_KEY_SECRET")
    for reuse in (True, False):
        provider = ours.provider.DefaultCredentialsProvider(reuse_last_provider_enabled=reuse)
        assert provider.get_credentials().get_provider_name() == "default/profile/ram_role_arn/static_ak"


@pytest.mark.parametrize(
    ("text", "environ", "says"),
    [
        ("type = access_key", {}, "access_key_id and access_key_secret are missing"),
        ("type = access_key", {"ACCESS_KEY_ID": "id"}, "ALIBABA_CLOUD_ACCESS_KEY_SECRET is not"),
        ("type = access_key\nsecurity_token = t", {"ACCESS_KEY_ID": "id", "ACCESS_KEY_SECRET": "s"}, "access_key_secret are missing"),
        ("type = ram_role_arn\naccess_key_id = i\naccess_key_secret = s", {}, "role_arn is missing"),
        ("type = ram_role_arn\naccess_key_id = i\naccess_key_secret = s", {"ROLE_ARN": "a\nb"}, "ALIBABA_CLOUD_ROLE_ARN holds a control"),
        ("type = oidc_role_arn\nrole_arn = r", {"OIDC_PROVIDER_ARN": "p"}, "oidc_token_file_path is missing"),
        ("type = oidc_role_arn\nrole_arn = r", {"OIDC_PROVIDER_ARN": "a\nb"}, "ALIBABA_CLOUD_OIDC_PROVIDER_ARN holds a control"),
        ("type = rsa_key_pair\npublic_key_id = p", {"ACCESS_KEY_ID": "half"}, "private_key_file is missing"),
    ],
)
def test_what_is_missing_or_wrong_is_named(text: str, environ: dict[str, str], says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(P + name, value)
    with pytest.raises(CredentialException, match=says):
        section(text).get_credentials()


@pytest.mark.parametrize(
    ("make", "variable"),
    [
        (lambda: RamRoleArnCredentialsProvider(access_key_id="i", access_key_secret="s"), "ROLE_ARN"),
        (lambda: OIDCRoleArnCredentialsProvider(role_arn="r", oidc_provider_arn="p"), "OIDC_TOKEN_FILE"),
        (lambda: OIDCRoleArnCredentialsProvider(role_arn="r", oidc_token_file_path="/t"), "OIDC_PROVIDER_ARN"),
        (URLCredentialsProvider, "CREDENTIALS_URI"),
        (StaticAKCredentialsProvider, "ACCESS_KEY_ID"),
        (StaticSTSCredentialsProvider, "SECURITY_TOKEN"),
        (lambda: EcsRamRoleCredentialsProvider().get_credentials(), "ECS_METADATA"),
    ],
)
def test_a_wrong_value_of_a_variable_is_called_by_the_variable(make: Any, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"):
        monkeypatch.setenv(P + name, "good")
    monkeypatch.setenv(P + variable, "planted\nplanted")
    with pytest.raises(CredentialException, match=f"^{P}{variable} holds a control character") as caught:
        make()
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda bad: EcsRamRoleCredentialsProvider(role_name=bad), "EcsRamRoleCredentialsProvider.role_name"),
        (lambda bad: ProfileCredentialsProvider(profile_file=bad), "ProfileCredentialsProvider.profile_file"),
        (lambda bad: ProfileCredentialsProvider(profile_name=bad), "ProfileCredentialsProvider.profile_name"),
        (lambda bad: CLIProfileCredentialsProvider(profile_file=bad), "CLIProfileCredentialsProvider.profile_file"),
        (lambda bad: CLIProfileCredentialsProvider(profile_name=bad), "CLIProfileCredentialsProvider.profile_name"),
        (lambda bad: ExternalCredentialsProvider(process_command="x", timeout=len(bad) * 100_000), "ExternalCredentialsProvider.timeout"),
    ],
)
def test_a_wrong_parameter_is_called_by_its_name_here(make: Any, name: str) -> None:
    with pytest.raises(CredentialException, match=rf"^{name} "):
        make("planted\nplanted")


# --- auth_util ----------------------------------------------------------------------------------------------------------------------


def test_an_assignment_counts_for_every_provider(filled: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth_util, "environment_role_session_name", "assigned")
    RamRoleArnCredentialsProvider().get_credentials()
    assert filled.sessions[-1].arn.endswith("/assigned")
    section("type = ram_role_arn").get_credentials()
    assert filled.sessions[-1].arn.endswith("/assigned")
    monkeypatch.setattr(auth_util, "environment_access_key_id", "assigned")
    assert StaticAKCredentialsProvider().access_key_id == "assigned"
    monkeypatch.setattr(auth_util, "environment_credentials_uri", None)
    with pytest.raises(CredentialException, match="is not set"):
        URLCredentialsProvider()
    monkeypatch.setattr(auth_util, "environment_ecs_metadata_disabled", "true")
    with pytest.raises(CredentialException, match="ECS_METADATA_DISABLED is true"):
        EcsRamRoleCredentialsProvider()
    assert os.environ[P + "ROLE_SESSION_NAME"] == "of-the-variable"


def test_an_assignment_ends_as_test_tools_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(P + "ROLE_ARN", "variable")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auth_util, "environment_role_arn", "assigned")
        assert auth_util.environment_role_arn == ENVIRON[P + "ROLE_ARN"] == "assigned"
    assert auth_util.environment_role_arn == ENVIRON[P + "ROLE_ARN"] == "variable"
    with mock.patch.object(auth_util, "environment_role_arn", None):
        assert auth_util.environment_role_arn is None
        assert P + "ROLE_ARN" not in ENVIRON
        assert P + "ROLE_ARN" not in list(ENVIRON)
    assert auth_util.environment_role_arn == "variable"
    monkeypatch.setenv(P + "ROLE_ARN", "newer")
    assert auth_util.environment_role_arn == ENVIRON[P + "ROLE_ARN"] == "newer"
    names = {"environment_role_arn": ("ROLE_ARN", "newest"), "environment_enable_vpc": ("VPC_ENDPOINT_ENABLED", "true")}
    for name, (variable, newer) in names.items():
        held = getattr(auth_util, name)
        setattr(auth_util, name, "assigned")
        assert getattr(auth_util, name) == "assigned"
        setattr(auth_util, name, held)  # as a tool does that remembers what was there
        monkeypatch.setenv(P + variable, newer)
        assert getattr(auth_util, name) == ENVIRON[P + variable] == newer


def test_what_cannot_count_is_refused() -> None:
    module: Any = auth_util
    with pytest.raises(TypeError, match=r"auth_util\.environment_role_arn must be a string or None"):
        module.environment_role_arn = 7
    with pytest.raises(AttributeError, match="follows from environment_oidc_token_file"):
        module.enable_oidc_credential = True
    for name in ("something_else", "get_home", "get_private_key", "private_key"):
        with pytest.raises(AttributeError, match=rf"nothing asks for auth_util\.{name}: assign to "):
            setattr(module, name, "assigned")
    with pytest.raises(AttributeError, match="something_else"):
        module.something_else  # noqa: B018


def test_the_variables_of_the_facade_are_one_mapping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth_util, "environment_role_arn", "assigned")
    assert pickle.loads(pickle.dumps(ENVIRON)) is copy.deepcopy(ENVIRON) is ENVIRON
    assert dict(ENVIRON) == {**os.environ, P + "ROLE_ARN": "assigned"}
    assert len(ENVIRON) == len(dict(ENVIRON))


# --- time-outs ----------------------------------------------------------------------------------------------------------------------


def test_a_program_may_be_given_a_fraction_of_a_second() -> None:
    provider = ExternalCredentialsProvider(process_command=command_of("import time; time.sleep(50)"), timeout=0.5)
    with pytest.raises(CredentialException, match=r"0\.5 s"):
        provider.get_credentials()


@pytest.mark.parametrize("timeout", [0.5, 1500.25])
def test_a_request_may_be_given_a_fraction_of_a_millisecond(timeout: float, cloud: FakeCloud, ours: Package) -> None:
    uri = f"{cloud.http_endpoint}/credentials"
    client = ours.client(type="credentials_uri", credentials_uri=uri, timeout=timeout, connect_timeout=900.5)
    if timeout > 1:
        assert client.get_access_key_id()
    for given in ({"timeout": 0.0004}, {"connect_timeout": float("nan")}, {"timeout": -1.5}):
        with pytest.raises(CredentialException, match="must be a number of milliseconds above zero"):
            ours.client(type="credentials_uri", credentials_uri=cloud.http_endpoint, **given)
