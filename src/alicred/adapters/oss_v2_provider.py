"""For alibabacloud-oss-v2."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, overload

import attrs

from alicred._internal.public import public
from alicred.adapters.adapter import Adapter, LastingProvider
from alicred.clock import SYSTEM_CLOCK
from alicred.credential import Credential
from alicred.provider import Provider

if TYPE_CHECKING:  # the client's annotations ask for its own classes; it calls methods and reads attributes alone
    from alibabacloud_oss_v2.types import Credentials, CredentialsProvider
else:
    Credentials = CredentialsProvider = object


@overload
def oss_v2(provider: Provider[Credential], *, valid_for: None = None) -> OssV2Provider: ...
@overload
def oss_v2(provider: LastingProvider[Credential], *, valid_for: timedelta | None) -> OssV2Provider: ...
@public("alicred.adapters")
def oss_v2(provider: Provider[Credential], *, valid_for: timedelta | None = None) -> OssV2Provider:
    """What ``alibabacloud_oss_v2`` takes as the ``credentials_provider`` of its ``Config``.

    Args:
        provider: Where each request gets its credential; usually a `CachingProvider`, shared by all clients.
        valid_for: How long each credential must last from the moment it is used, by ``provider.get_valid_for()``: for a client that
            pre-signs URLs, as long as the URLs; above zero, seven days at most. ``None`` takes what ``get()`` gives.

    Raises:
        ConfigurationError: *provider* is no provider, or has no ``get_valid_for()`` though *valid_for* is given, or that is out of
            its range.
    """
    return OssV2Provider(provider, valid_for)


@public("alicred.adapters")
@attrs.frozen
class OssV2Credential(Credentials):
    """One credential as ``alibabacloud_oss_v2`` reads it. Immutable: all parts are of one fetch. ``repr`` shows no secret.

    Args:
        access_key_id: The id.
        access_key_secret: The secret.
        security_token: ``None`` unless the key is a temporary one.
        expiration: When it ends; ``None`` is never.
    """

    access_key_id: str
    access_key_secret: str = attrs.field(repr=False)
    security_token: str | None = attrs.field(default=None, repr=False)
    expiration: datetime | None = None

    def has_keys(self) -> bool:
        """Whether there is a key; there always is."""
        return True

    def is_expired(self) -> bool:
        """Whether its end has passed, by the clock of this machine, corrected by what answers have said about the time."""
        return self.expiration is not None and self.expiration < SYSTEM_CLOCK.utcnow()


@public("alicred.adapters")
class OssV2Provider(Adapter[Credential, OssV2Credential], CredentialsProvider):
    """The credentials provider of alibabacloud-oss-v2, over a provider. Thread-, task- and fork-safe; it is pickled if the provider can be.

    Clients ask once for each attempt to send a request and for each URL they sign, on the caller's thread. The ``AsyncClient`` does so
    on the event loop, which stops for as long as the provider takes: await ``provider.aget()`` first.

    What the provider raises arrives as the client's ``OperationError``, after the client's own retries; the text holds that of the
    provider's error, which is ``error.unwrap().kwargs["error"]``.
    """

    _call = "oss_v2"

    def get_credentials(self) -> OssV2Credential:
        """The current credential.

        Raises:
            AlicredError: The provider's error.
        """
        return self._value()

    def _make(self, held: Credential) -> OssV2Credential:
        return OssV2Credential(held.access_key_id, held.access_key_secret, held.security_token, held.expires_at)
