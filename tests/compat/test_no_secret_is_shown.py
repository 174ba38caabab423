"""Whatever a service answers: no secret shows in what the façade emits. The means are those of tests/test_secrecy.py."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from alicred import RetryPolicy
from alicred.compat.client import Client
from alicred.compat.credentials import AccessKeyCredential, BearerTokenCredential, StsCredential
from alicred.compat.exceptions import CredentialException
from alicred.compat.http import HttpOptions
from alicred.compat.models import Config, CredentialModel
from alicred.compat.provider import (
    CLIProfileCredentialsProvider,
    ExternalCredentialsProvider,
    OAuthCredentialsProvider,
    OIDCRoleArnCredentialsProvider,
    ProfileCredentialsProvider,
    RamRoleArnCredentialsProvider,
    RsaKeyPairCredentialsProvider,
    StaticSTSCredentialsProvider,
    URLCredentialsProvider,
)
from alicred.compat.provider.refreshable import Credentials
from alicred.retrying import RetryingProvider
from alicred.testing import FakeCloud
from tests.compat.provider_cases import CASES
from tests.compat.support import Package
from tests.secrecy import PLANTINGS, SECRET, SHAPES, Said, listening
from tests.support import examples

NETWORK = [case for case in CASES if case.requests and case.name != "rsa_key_pair"]  # making a key takes seconds


def hear(said: Said, ask: Any) -> None:
    try:
        said.value(ask())
    except CredentialException as error:
        said.error(error)
        said.texts += [error.message, repr(error.code), repr(error.request_id)]


@pytest.mark.parametrize("case", NETWORK, ids=str)
@settings(max_examples=examples(12), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(planting=PLANTINGS)
def test_no_secret_shows_in_what_a_provider_emits(
    case: Any, planting: Any, instance: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RetryingProvider.__init__, "__defaults__", (RetryPolicy(attempts=1),))
    provider = case.make(Package("alicred.compat"), instance, tmp_path)
    client = Client(provider=provider)
    with listening() as said, instance.faulty(planting, operation="MetadataCredential" if case.name == "ecs_ram_role" else None):
        for ask in (provider.get_credentials, client.get_credential, lambda: asyncio.run(client.get_credential_async())):
            hear(said, ask)
        for each in (provider, client, client.cloud_credential):
            said.value(each)
    said.search({*SHAPES, instance.access_key.access_key_secret})


GIVEN = [
    lambda: Client(Config(type="sts", access_key_id=SECRET + "\n", access_key_secret=SECRET, security_token=SECRET)),
    lambda: Client(Config(type=SECRET)),
    lambda: Client(Config(type="bearer", bearer_token=SECRET + "\n")),
    lambda: Client(Config(type="credentials_uri", credentials_uri=f"http://{SECRET}:{SECRET}@example.com/?{SECRET}")),
    lambda: Client(Config(type="ecs_ram_role", proxy=f"socks5://{SECRET}@x", host=SECRET + " ")),
    lambda: RamRoleArnCredentialsProvider(
        access_key_id="id", access_key_secret=SECRET, role_arn="x", policy=SECRET, role_session_name=SECRET * 9
    ),
    lambda: RamRoleArnCredentialsProvider(access_key_id="id", access_key_secret=SECRET, role_arn="x", external_id=SECRET + "\n"),
    lambda: RamRoleArnCredentialsProvider(
        access_key_id="id", access_key_secret=SECRET, role_arn="x", http_options=HttpOptions(proxy=f"http://a:{SECRET}@ x")
    ),
    lambda: RamRoleArnCredentialsProvider(access_key_id="id", access_key_secret=SECRET, role_arn="x", sts_endpoint=f"https://{SECRET}@x"),
    lambda: OIDCRoleArnCredentialsProvider(role_arn="x", oidc_provider_arn="y", oidc_token_file_path=f"eyJ{SECRET}.{SECRET}.x"),
    lambda: RsaKeyPairCredentialsProvider(public_key_id="x", private_key_file=f"-----BEGIN PRIVATE KEY-----{SECRET}"),
    lambda: OAuthCredentialsProvider(client_id="x", sign_in_url="https://x", access_token=SECRET + "é", refresh_token=SECRET),
    lambda: ExternalCredentialsProvider(process_command=f"no-such-program {SECRET}"),
    lambda: URLCredentialsProvider(uri=f"https://127.0.0.1:1/x?{SECRET}"),
    lambda: CLIProfileCredentialsProvider(profile_file="/nowhere", profile_name="x"),
    lambda: ProfileCredentialsProvider(profile_file="/nowhere"),
    lambda: StaticSTSCredentialsProvider(access_key_id="id", access_key_secret=SECRET, security_token=SECRET),
    lambda: AccessKeyCredential("id", SECRET),
    lambda: StsCredential("id", SECRET, SECRET),
    lambda: BearerTokenCredential(SECRET),
    lambda: HttpOptions(proxy=f"http://a:{SECRET}@x"),
    lambda: Credentials(access_key_secret=SECRET, security_token=SECRET),
    lambda: CredentialModel(access_key_secret=SECRET, security_token=SECRET, bearer_token=SECRET),
    lambda: Config(
        access_key_secret=SECRET, security_token=SECRET, bearer_token=SECRET, proxy=SECRET, credentials_uri=SECRET, private_key_file=SECRET,
        policy=SECRET, external_id=SECRET, oidc_token_file_path=SECRET,
    ),
]  # fmt: skip


@pytest.mark.parametrize("make", GIVEN)
def test_no_secret_shows_in_what_is_made_of_parameters(make: Any) -> None:
    with listening() as said:
        made: list[Any] = []
        hear(said, lambda: made.append(make()))
        for each in made:
            said.value(each)
            with contextlib.suppress(AttributeError):
                hear(said, each.get_credentials)
    said.search(set(SHAPES))


def test_a_leak_would_be_found() -> None:
    with listening() as said:
        said.error(CredentialException(f"the answer was {SECRET}"))
    with pytest.raises(AssertionError, match="a secret is shown"):
        said.search(set(SHAPES))
