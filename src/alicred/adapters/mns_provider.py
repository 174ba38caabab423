"""For ``aliyun-mns-sdk``, the client of the message service (MNS)."""

from __future__ import annotations

from alicred._internal.public import public
from alicred.adapters.getters import GetterCredential, GetterProvider
from alicred.credential import Credential
from alicred.provider import Provider


@public("alicred.adapters")
class MnsProvider(GetterProvider[GetterCredential]):
    """What an ``Account`` asks for a credential once for each request. As thread-, task- and fork-safe as the provider.

    An ``Account`` has one connection and belongs to one thread; all of them can share one of these. What the provider raises reaches the
    caller of the client as it is.
    """

    _call = "mns"

    def _make(self, held: Credential) -> GetterCredential:
        # The empty string stands for no security token: the client would send None along, and fail.
        return GetterCredential(held.access_key_id, held.access_key_secret, held.security_token or "")


@public("alicred.adapters")
def mns(provider: Provider[Credential]) -> MnsProvider:
    """What an ``Account`` takes as its ``credentials_provider``: ``Account(host, credentials_provider=mns(provider))``.

    Args:
        provider: Where each request gets its credential; usually a `CachingProvider`, shared by all clients.

    Raises:
        ConfigurationError: *provider* is no provider.
    """
    return MnsProvider(provider)
