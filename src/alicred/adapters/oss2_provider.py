"""For oss2, and for aiooss2, which signs with it."""

from __future__ import annotations

from datetime import timedelta
from typing import overload

from alicred._internal.public import public
from alicred.adapters.adapter import LastingProvider
from alicred.adapters.getters import GetterCredential, GetterProvider
from alicred.credential import Credential
from alicred.provider import Provider


@overload
def oss2(provider: Provider[Credential], *, valid_for: None = None) -> Oss2Provider: ...
@overload
def oss2(provider: LastingProvider[Credential], *, valid_for: timedelta | None) -> Oss2Provider: ...
@public("alicred.adapters")
def oss2(provider: Provider[Credential], *, valid_for: timedelta | None = None) -> Oss2Provider:
    """What ``oss2.ProviderAuth``, ``ProviderAuthV2`` and ``ProviderAuthV4`` take: ``ProviderAuthV4(oss2(provider))``.

    Args:
        provider: Where each request gets its credential; usually a `CachingProvider`, shared by all clients.
        valid_for: How long each credential must last from the moment it is used, by ``provider.get_valid_for()``: for the auth of a
            bucket that signs URLs, as long as the URLs; above zero, seven days at most. ``None`` takes what ``get()`` gives.

    Raises:
        ConfigurationError: *provider* is no provider, or has no ``get_valid_for()`` though *valid_for* is given, or that is out of
            its range.
    """
    return Oss2Provider(provider, valid_for)


@public("alicred.adapters")
class Oss2Provider(GetterProvider[GetterCredential]):
    """The credentials provider of oss2, over a provider. Thread-, task- and fork-safe, and it can be pickled if the provider can.

    oss2 and aiooss2 ask once for each request and for each URL they sign, on the caller's thread. aiooss2 does so on the event loop,
    which stops for as long as the provider takes: await ``provider.aget()`` first.

    Errors of the provider reach the caller of oss2 unchanged.
    """

    _call = "oss2"
    _kind = GetterCredential
