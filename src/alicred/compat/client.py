"""The client: what a program makes of a configuration, and what it gives to other clients as their ``credential``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import attrs

from alicred._internal.lazy import lazily
from alicred.compat.api import ICredentialsProvider
from alicred.compat.bridge import GivesCredentials, as_official, provider_name
from alicred.compat.cloud_credential import CloudCredential
from alicred.compat.credentials import BearerTokenCredential
from alicred.compat.exceptions import CredentialException, CredentialValueError
from alicred.compat.http import HttpOptions
from alicred.compat.models import Config, CredentialModel
from alicred.compat.naming import kind_of
from alicred.compat.utils import auth_constant as ac

if TYPE_CHECKING:
    from alicred.credential import Credential
    from alicred.provider import Provider

if not TYPE_CHECKING:
    # The official module lets one import these from here too.
    __getattr__, __dir__ = lazily(__name__, {
        f"{name}CredentialsProvider": "alicred.compat.provider"
        for name in ("StaticAK", "StaticSTS", "RamRoleArn", "OIDCRoleArn", "RsaKeyPair", "EcsRamRole", "URL", "Default")
    })  # fmt: skip

_TYPES = (ac.ACCESS_KEY, ac.STS, ac.BEARER, ac.ECS_RAM_ROLE, ac.RAM_ROLE_ARN, ac.RSA_KEY_PAIR, ac.OIDC_ROLE_ARN, ac.CREDENTIALS_URI)
_TYPE_NAME = re.compile(r"[A-Za-z0-9_-]{1,20}")  # shorter than any key, and so no secret


class Client:
    """Credentials for a program, and for other clients: kept, and refreshed ahead. Share one between all threads, tasks and workers.

    Thread-, task- and fork-safe, and it can be pickled, as far as a *provider* that is given is. ``copy.deepcopy``, which some clients
    apply to their configuration, returns the same object. Making one sends nothing.

    Args:
        config: What kind of credential, and what it takes; read now.
        provider: Where credentials come from instead: a provider of the façade, any object with ``get_credentials()``, or a native
            provider. It takes precedence over *config*. Without both, the default chain.

    Raises:
        CredentialValueError: A parameter is missing or wrong; the text names it.
    """

    cloud_credential: CloudCredential | BearerTokenCredential

    def __init__(self, config: Config | None = None, provider: GivesCredentials | Provider[Credential] | None = None) -> None:
        if provider is not None:
            given = as_official("Client.provider", provider)
            self.cloud_credential = CloudCredential(type_name=provider_name(given), provider=given)
        elif config is None:
            from alicred.compat.provider.default import DefaultCredentialsProvider

            self.cloud_credential = CloudCredential(type_name="default", provider=DefaultCredentialsProvider())
        else:
            self.cloud_credential = Client.get_credentials(config)

    @staticmethod
    def get_credentials(config: Config) -> CloudCredential | BearerTokenCredential:
        """What a client of *config* asks.

        Raises:
            CredentialValueError: A parameter is missing or wrong; the text names it.
        """
        _check(config)
        if config.type == ac.BEARER:
            if not config.bearer_token:
                raise CredentialValueError("Config.bearer_token is empty. Give the token")
            return BearerTokenCredential(config.bearer_token)
        return CloudCredential(type_name=config.type or "", provider=_provider(config))

    def get_credential(self) -> CredentialModel:
        """The current credential, all of one fetch. At once while a good one is held, else after a refresh.

        Raises:
            CredentialException: There is none. Exceptions of a user's own provider are passed on.
        """
        return self.cloud_credential.get_credential()

    async def get_credential_async(self) -> CredentialModel:
        """As `get_credential`, for tasks. Never blocks the event loop."""
        return await self.cloud_credential.get_credential_async()

    # Part by part. The parts that a thread or task asks for one after the other are of one fetch; get_credential() has them all.

    def get_access_key_id(self) -> str | None:
        """The id of the current key; ``None`` for a bearer token."""
        return self.cloud_credential.get_access_key_id()

    def get_access_key_secret(self) -> str | None:
        """The secret that belongs to the id that was asked for within the last minute, else of the current key."""
        return self.cloud_credential.get_access_key_secret()

    def get_security_token(self) -> str | None:
        """The token that belongs to the id that was asked for within the last minute, else of the current key; ``None`` without one."""
        return self.cloud_credential.get_security_token()

    async def get_access_key_id_async(self) -> str | None:
        """As `get_access_key_id`, for tasks."""
        return await self.cloud_credential.get_access_key_id_async()

    async def get_access_key_secret_async(self) -> str | None:
        """As `get_access_key_secret`, for tasks."""
        return await self.cloud_credential.get_access_key_secret_async()

    async def get_security_token_async(self) -> str | None:
        """As `get_security_token`, for tasks."""
        return await self.cloud_credential.get_security_token_async()

    def get_type(self) -> str:
        """The type of the configuration; ``default`` for the default chain; else the name of the provider."""
        return self.cloud_credential.get_type()

    def get_bearer_token(self) -> str | None:
        """The bearer token; ``None`` for a key."""
        held = self.cloud_credential
        return held.bearer_token if isinstance(held, BearerTokenCredential) else None

    def __deepcopy__(self, memo: object) -> Client:
        return self

    def __repr__(self) -> str:
        return f"<Client {self.get_type()}>"


def _provider(config: Config) -> ICredentialsProvider:
    """The provider of every type but ``bearer``. Each is imported when it is needed."""
    from alicred.compat import provider

    options = HttpOptions(proxy=config.proxy, connect_timeout=config.connect_timeout, read_timeout=config.timeout)
    if config.type == ac.ACCESS_KEY:
        return provider.StaticAKCredentialsProvider(access_key_id=config.access_key_id, access_key_secret=config.access_key_secret)
    if config.type == ac.STS:
        return provider.StaticSTSCredentialsProvider(
            access_key_id=config.access_key_id, access_key_secret=config.access_key_secret, security_token=config.security_token
        )
    if config.type == ac.ECS_RAM_ROLE:
        from alicred.compat.provider.ecs_ram_role import ConfiguredInstanceRole

        return ConfiguredInstanceRole(
            role_name=config.role_name,
            disable_imds_v1=config.disable_imds_v1,
            http_options=options,
            host=config.host,
            metadata_token_duration=config.metadata_token_duration,
        )
    if config.type == ac.CREDENTIALS_URI:
        return provider.URLCredentialsProvider(uri=config.credentials_uri, http_options=options)
    if config.type == ac.RAM_ROLE_ARN:
        return provider.RamRoleArnCredentialsProvider(
            access_key_id=config.access_key_id,
            access_key_secret=config.access_key_secret,
            security_token=config.security_token,
            role_arn=config.role_arn,
            role_session_name=config.role_session_name,
            duration_seconds=config.role_session_expiration,
            policy=config.policy,
            external_id=config.external_id,
            sts_endpoint=config.sts_endpoint,
            http_options=options,
        )
    if config.type == ac.RSA_KEY_PAIR:
        return provider.RsaKeyPairCredentialsProvider(
            public_key_id=config.public_key_id,
            private_key_file=config.private_key_file,
            duration_seconds=config.role_session_expiration,
            sts_endpoint=config.sts_endpoint,
            http_options=options,
        )
    if config.type == ac.OIDC_ROLE_ARN:
        return provider.OIDCRoleArnCredentialsProvider(
            role_arn=config.role_arn,
            oidc_provider_arn=config.oidc_provider_arn,
            oidc_token_file_path=config.oidc_token_file_path,
            role_session_name=config.role_session_name,
            duration_seconds=config.role_session_expiration,
            policy=config.policy,
            sts_endpoint=config.sts_endpoint,
            http_options=options,
        )
    raise CredentialValueError(f"Config.type must be one of {', '.join(_TYPES)}; it is {_shown(config.type)}")


def _check(config: object) -> None:
    """Refuse what is no configuration: the official package's is one as well."""
    if isinstance(config, type) or not all(hasattr(config, name) for name in attrs.fields_dict(Config)):
        what = f"Client's first argument must be a Config, not {kind_of(config)}"
        raise CredentialValueError(f"{what}. Make it with Config(type=...), or give a provider as Client(provider=...)")


def _shown(given: object) -> str:
    """*given*, which should name a type, in an error."""
    if given is None or not isinstance(given, str):
        return "None" if given is None else kind_of(given)
    if not given:
        return "empty"
    return repr(given) if _TYPE_NAME.fullmatch(given) else f"a text of {len(given)} characters"


__all__ = ["Client", "Config", "CredentialException", "CredentialModel", "HttpOptions", "ICredentialsProvider"]
