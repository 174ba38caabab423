"""What a client asks: a provider, and the type that its credentials are said to have."""

from __future__ import annotations

from alicred.adapters.last_fetch import LastFetch
from alicred.compat.api import ICredentials
from alicred.compat.bridge import GivesCredentials, credentials_in_task
from alicred.compat.models import CredentialModel

_LAST: LastFetch[CredentialModel] = LastFetch("alicred.compat", seconds=60.0)


class CloudCredential:
    """Asks its provider at each call, whole or part by part. As thread-, task- and fork-safe as the provider.

    Parts that one thread or task asks for one by one are of one fetch: the id is fetched at each call, and the secret and the
    token that are asked for within a minute belong to it.

    Args:
        type_name: What `get_type` answers.
        provider: Where credentials come from.
    """

    def __init__(self, *, type_name: str, provider: GivesCredentials) -> None:
        self.type_name = type_name
        self.provider = provider

    def get_credential(self) -> CredentialModel:
        """Everything at once."""
        return self._model(self.provider.get_credentials())

    async def get_credential_async(self) -> CredentialModel:
        """As `get_credential`, for tasks."""
        return self._model(await credentials_in_task(self.provider))

    def get_access_key_id(self) -> str | None:
        return _LAST.remember(self, self.get_credential()).access_key_id

    async def get_access_key_id_async(self) -> str | None:
        return _LAST.remember(self, await self.get_credential_async()).access_key_id

    def get_access_key_secret(self) -> str | None:
        return self._last().access_key_secret

    async def get_access_key_secret_async(self) -> str | None:
        return (await self._last_async()).access_key_secret

    def get_security_token(self) -> str | None:
        return self._last().security_token

    async def get_security_token_async(self) -> str | None:
        return (await self._last_async()).security_token

    def get_type(self) -> str:
        return self.type_name

    def _last(self) -> CredentialModel:
        return _LAST.recall(self) or _LAST.remember(self, self.get_credential())

    async def _last_async(self) -> CredentialModel:
        return _LAST.recall(self) or _LAST.remember(self, await self.get_credential_async())

    def _model(self, found: ICredentials) -> CredentialModel:
        # A new one for each call, since it can be changed; by position, which is faster.
        return CredentialModel(
            found.get_access_key_id(),
            found.get_access_key_secret(),
            found.get_security_token() or None,
            None,
            self.type_name,
            found.get_provider_name(),
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.type_name}>"
