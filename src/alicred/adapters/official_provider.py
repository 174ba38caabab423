"""For the official package, ``alibabacloud_credentials``, for code that needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from alicred._internal.public import public
from alicred.adapters.adapter import Adapter
from alicred.adapters.getters import GetterCredential
from alicred.credential import Credential
from alicred.provider import Provider

if TYPE_CHECKING:
    # What the package's annotations ask for; it looks at the methods alone, so that nothing of it is needed when this runs.
    from alibabacloud_credentials_api import ICredentials, ICredentialsProvider
else:
    ICredentials = ICredentialsProvider = object

_NAME = "alicred"  # the package takes the name for the type of the credential: it must be none of "bearer" and "id_token"


@public("alicred.adapters")
def alibabacloud_credentials(provider: Provider[Credential]) -> OfficialProvider:
    """What the official package takes as a provider, in ``Client(provider=alibabacloud_credentials(provider))``.

    Also what its ``RamRoleArnCredentialsProvider`` takes as ``credentials_provider``. The clients themselves need none of this:
    `tea` gives them the provider without that package in between.

    Args:
        provider: Where each request gets its credential; usually a `CachingProvider`.

    Raises:
        ConfigurationError: *provider* is no provider.
    """
    return OfficialProvider(provider)


@public("alicred.adapters")
@attrs.frozen
class OfficialCredential(GetterCredential, ICredentials):
    """One credential as the official package reads it."""

    def get_provider_name(self) -> str:
        return _NAME


@public("alicred.adapters")
class OfficialProvider(Adapter[Credential, OfficialCredential], ICredentialsProvider):
    """A provider of the official package, over a provider. Thread-, task- and fork-safe, and it can be pickled if the provider can.

    The package keeps nothing that it gets here: it asks for each ``get_credential()``.
    """

    _call = "alibabacloud_credentials"

    def get_credentials(self) -> OfficialCredential:
        """The current credential.

        Raises:
            AlicredError: The provider's error.
        """
        return self._value()

    async def get_credentials_async(self) -> OfficialCredential:
        """As `get_credentials`, for tasks. Never blocks the event loop."""
        return await self._value_async()

    def get_provider_name(self) -> str:
        """``"alicred"``."""
        return _NAME

    def _make(self, held: Credential) -> OfficialCredential:
        return OfficialCredential(held.access_key_id, held.access_key_secret, held.security_token)
