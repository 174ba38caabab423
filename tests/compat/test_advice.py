"""What an error says to somebody who knows the façade alone: its own names, and the way out."""

from __future__ import annotations

import logging
import pickle
from pathlib import Path
from typing import Any

import pytest

from alicred import BearerToken, StaticProvider
from alicred.compat import native
from alicred.compat.client import Client
from alicred.compat.credentials import BearerTokenCredential
from alicred.compat.exceptions import CredentialException, CredentialValueError
from alicred.compat.models import Config
from alicred.compat.provider import (
    DefaultCredentialsProvider,
    EcsRamRoleCredentialsProvider,
    ExternalCredentialsProvider,
    RamRoleArnCredentialsProvider,
    RsaKeyPairCredentialsProvider,
    StaticAKCredentialsProvider,
)
from alicred.testing import FakeCloud

KEY = {"access_key_id": "id", "access_key_secret": "secret"}
ROLE = {"type": "ram_role_arn", **KEY, "role_arn": "acs:ram::1:role/x"}
OIDC = {"type": "oidc_role_arn", "role_arn": "x", "oidc_provider_arn": "y", "oidc_token_file_path": "z"}
PAIR = {"type": "rsa_key_pair", "public_key_id": "x", "private_key_file": "y"}
PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvPasted\n-----END PRIVATE KEY-----\n"  # no key: made for this test
NATIVE = ("RamRoleArnProvider", "OidcRoleArnProvider", "RsaKeyPairProvider", "HttpClient", "ImdsClient", "UriProvider", "BearerToken.")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({**ROLE, "role_session_expiration": 60}, "duration_seconds (Config.role_session_expiration) must be 900 to 43200"),
        ({**OIDC, "role_session_expiration": 60}, "duration_seconds (Config.role_session_expiration) must be 900 to 43200"),
        ({**PAIR, "role_session_expiration": 3601}, "duration_seconds (Config.role_session_expiration) must be 900 to 3600"),
        ({**ROLE, "proxy": "socks5://x"}, "http_options.proxy (Config.proxy) must be http://"),
        ({**ROLE, "external_id": "a\nb"}, "RamRoleArnCredentialsProvider.external_id holds a control character"),
        ({**OIDC, "oidc_token_file_path": "a\nb"}, "OIDCRoleArnCredentialsProvider.oidc_token_file_path holds"),
        ({**PAIR, "private_key_file": 5}, "RsaKeyPairCredentialsProvider.private_key_file must be a path"),
        ({**PAIR, "public_key_id": 5}, "RsaKeyPairCredentialsProvider.public_key_id must be a string"),
        ({"type": "credentials_uri", "credentials_uri": "http://example.com/"}, "uri (Config.credentials_uri): plain http is for"),
        ({"type": "credentials_uri"}, "uri (Config.credentials_uri) is empty"),
        ({"type": "ecs_ram_role", "host": "a b"}, "Config.host"),
        ({"type": "access_key", "access_key_id": 5, "access_key_secret": "x"}, "access_key_id must be a string, not int"),
        ({"type": "bearer", "bearer_token": BearerToken("t")}, "bearer_token (Config.bearer_token) must be a string, not BearerToken"),
        ({"type": "ram-role"}, "credentials_uri; it is 'ram-role'"),
        ({"type": None}, "; it is None"),
        ({"type": ""}, "; it is empty"),
        ({"type": "x" * 21}, "; it is a text of 21 characters"),
        ({"type": "a\nb"}, "; it is a text of 3 characters"),
        ({"type": 5}, "; it is an int"),
    ],
)
def test_an_error_of_a_configuration_names_its_parameter(given: dict[str, Any], text: str) -> None:
    with pytest.raises(CredentialValueError) as caught:
        Client(Config(**given))
    assert text in str(caught.value)
    assert not any(name in str(caught.value) for name in NATIVE)


@pytest.mark.parametrize("pasted", [PEM, PEM.replace("\n", ""), "MIIEvPasted" * 3])
def test_a_key_in_place_of_its_path_is_recognised_and_not_quoted(pasted: str) -> None:
    with pytest.raises(CredentialValueError, match=r"private_key_file is a path, and this looks like the key itself") as caught:
        RsaKeyPairCredentialsProvider(public_key_id="x", private_key_file=pasted)
    assert "Pasted" not in str(caught.value)


def test_a_wrong_parameter_keeps_the_native_error_as_its_cause() -> None:
    with pytest.raises(CredentialValueError, match="BearerTokenCredential") as caught:
        BearerTokenCredential("a\nb")
    assert "BearerToken.token" in str(caught.value.__cause__)


@pytest.mark.parametrize("given", [StaticAKCredentialsProvider(**KEY), {"type": "sts"}, "access_key", StaticProvider, 5])
def test_what_is_no_configuration_is_refused_with_advice(given: Any) -> None:
    for make in (Client, Client.get_credentials):
        with pytest.raises(CredentialValueError, match=r"must be a Config, .*provider="):
            make(given)


def test_a_native_bearer_token_is_no_key() -> None:
    client = Client(provider=StaticProvider(BearerToken("B3arer")))  # type: ignore[arg-type]  # what a type checker refuses
    with pytest.raises(CredentialException, match=r"BearerToken.*Config\(type=\"bearer\"") as caught:
        client.get_credential()
    assert "B3arer" not in str(caught.value)


@pytest.mark.parametrize("timeout", ["5", True, float("nan"), float("inf"), 1e300])
def test_a_time_out_that_is_no_number_of_seconds_is_refused(timeout: Any) -> None:
    with pytest.raises(CredentialValueError, match=r"ExternalCredentialsProvider\.timeout must be a number of seconds"):
        ExternalCredentialsProvider(process_command="x", timeout=timeout)


def test_an_object_is_an_object() -> None:
    for wrong, text in ((object(), "an object has neither"), (5, "an int has neither"), ("x", "a str has neither")):
        with pytest.raises(CredentialValueError, match=text):
            native(wrong)  # type: ignore[arg-type]


def test_the_exception_of_a_roles_own_source_is_where_the_text_says(cloud: FakeCloud) -> None:
    class Vault:
        def get_credentials(self) -> Any:
            raise KeyError("sealed")

    role = RamRoleArnCredentialsProvider(credentials_provider=Vault(), role_arn=cloud.role_arn, sts_endpoint=cloud.endpoint)
    with pytest.raises(CredentialException, match=r"raised KeyError.*kept in __cause__") as caught:
        role.get_credentials()
    assert "sealed" not in str(caught.value), "a foreign text may hold anything"
    last: BaseException = caught.value
    while last.__cause__ is not None:
        last = last.__cause__
    assert isinstance(last, KeyError)


@pytest.mark.parametrize("by_variable", [False, True])
def test_a_service_without_tokens_names_what_forbids_to_ask_without_one(
    by_variable: bool, instance: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.imds_v2 = False
    if by_variable:
        monkeypatch.setenv("ALIBABA_CLOUD_IMDSV1_DISABLED", "true")
    with pytest.raises(CredentialException, match="disable_imds_v1=False" if not by_variable else "ALIBABA_CLOUD_IMDSV1_DISABLED"):
        EcsRamRoleCredentialsProvider(disable_imds_v1=None if by_variable else True).get_credentials()


@pytest.mark.parametrize("role_name", [None, "another"])
def test_a_missing_role_is_not_blamed_on_the_tokens(role_name: str | None, instance: FakeCloud) -> None:
    if role_name is None:
        instance.attach_instance_role(None)
    with pytest.raises(CredentialException, match="role") as caught:
        EcsRamRoleCredentialsProvider(role_name=role_name, disable_imds_v1=True).get_credentials()
    assert "disable_imds_v1" not in str(caught.value)


# --- the log of the default chain ---------------------------------------------------------------------------------------------------


@pytest.fixture
def by_uri(instance: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    """An instance without a role: the last source of the default chain is the one that has a key."""
    instance.attach_instance_role(None)
    monkeypatch.setenv("ALIBABA_CLOUD_CREDENTIALS_URI", f"{instance.http_endpoint}/credentials")
    return instance


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.INFO]


def test_a_source_that_is_not_set_up_is_no_warning(by_uri: FakeCloud, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "alicred")
    provider = pickle.loads(pickle.dumps(DefaultCredentialsProvider(reuse_last_provider_enabled=False)))
    for _ in range(3):
        assert provider.get_credentials().get_provider_name() == "default/credential_uri"
    (using,) = said(caplog)
    assert using.startswith("credentials_uri: using access key id STS.")
    assert "from ALIBABA_CLOUD_CREDENTIALS_URI (http://127.0.0.1:" in using


def test_another_source_and_a_broken_one_are_told(
    by_uri: FakeCloud, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG, "alicred")
    (tmp_path / "config.json").write_text("{", "utf-8")
    (tmp_path / "config.json").chmod(0o600)
    monkeypatch.setenv("ALIBABA_CLOUD_CONFIG_FILE", str(tmp_path / "config.json"))
    provider = DefaultCredentialsProvider(reuse_last_provider_enabled=False)
    with pytest.raises(CredentialException, match="cli_profile"):
        provider.get_credentials()
    assert [text.partition(" (")[0] for text in said(caplog)] == ["cli_profile: refresh failed"]
