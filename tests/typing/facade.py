"""A program written for the official package, over the façade, as mypy and pyright see it. Checked in strict mode, never run."""

from __future__ import annotations

from typing_extensions import assert_type

from alicred import CachingProvider, Credential, Provider, RamRoleArnProvider
from alicred.compat import native
from alicred.compat.api import ICredentials, ICredentialsProvider
from alicred.compat.client import Client
from alicred.compat.credentials import AccessKeyCredential, BearerTokenCredential
from alicred.compat.exceptions import CredentialException
from alicred.compat.http import HttpOptions
from alicred.compat.models import Config, CredentialModel
from alicred.compat.provider import (
    DefaultCredentialsProvider,
    EcsRamRoleCredentialsProvider,
    ExternalCredentialsProvider,
    OAuthCredentialsProvider,
    RamRoleArnCredentialsProvider,
    StaticAKCredentialsProvider,
)
from alicred.compat.provider.refreshable import Credentials
from alicred.compat.utils import auth_constant, auth_util


class Vault:
    """A provider of the program's own, of the official kind; it inherits nothing."""

    def get_credentials(self) -> Credentials:
        return Credentials(access_key_id="id", access_key_secret="secret")

    async def get_credentials_async(self) -> Credentials:
        return self.get_credentials()

    def get_provider_name(self) -> str:
        return "vault"


class Least:
    """A provider of the program's own with nothing but what is needed."""

    def get_credentials(self) -> ICredentials:
        return Credentials(access_key_id="id", access_key_secret="secret")


class Inheriting(ICredentialsProvider):
    def get_credentials(self) -> ICredentials:
        return Credentials()

    async def get_credentials_async(self) -> ICredentials:
        return Credentials()

    def get_provider_name(self) -> str:
        return "inheriting"


def save(access_key_id: str, access_key_secret: str, security_token: str, expiration: int) -> None: ...


async def save_tokens(refresh: str, access: str, key: str, secret: str, token: str, access_ends: int, key_ends: int) -> None: ...


def program() -> str | None:
    config = Config(type=auth_constant.RAM_ROLE_ARN, access_key_id="id", role_session_expiration=3600, timeout=5000)
    config.role_arn = auth_util.environment_role_arn
    assert_type(config.to_map(), dict[str, str | float | bool])
    assert_type(Config().from_map({"type": "sts"}), Config)
    client = Client(config)
    try:
        model = client.get_credential()
    except CredentialException as error:
        assert_type(error.code, str | None)
        return error.message
    assert_type(model, CredentialModel)
    assert_type(model.access_key_id, str | None)
    assert_type(model.to_map(), dict[str, str])
    assert_type(client.get_access_key_id(), str | None)
    return model.get_security_token()


async def tasks() -> None:
    for provider in (Vault(), Least(), Inheriting(), DefaultCredentialsProvider(reuse_last_provider_enabled=False)):
        assert_type(await Client(provider=provider).get_credential_async(), CredentialModel)
        role = RamRoleArnCredentialsProvider(credentials_provider=provider, role_arn="acs:ram::1:role/x")
        assert_type(await role.get_credentials_async(), Credentials)
        assert_type((await role.get_credentials_async()).get_expiration(), int | None)


def mixed() -> Provider[Credential]:
    options = HttpOptions(proxy=None, connect_timeout=1000, read_timeout=1000)
    role = EcsRamRoleCredentialsProvider(role_name="x", http_options=options, async_update_enabled=False)
    ExternalCredentialsProvider(process_command="x", credential_update_callback=save)
    OAuthCredentialsProvider(client_id="x", sign_in_url="https://x", token_update_callback_async=save_tokens)
    assert_type(native(Least()), Provider[Credential])
    Client(provider=CachingProvider(native(StaticAKCredentialsProvider())))
    assert_type(BearerTokenCredential("x").get_credential(), CredentialModel)
    assert_type(AccessKeyCredential("x", "y").get_access_key_id(), str)
    return CachingProvider(RamRoleArnProvider(native(role), role_arn="acs:ram::1:role/x"))
