"""For ``nacos-sdk-python``, the client of Nacos and of its managed kind, MSE."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from alicred._internal.public import public
from alicred.adapters.getters import GetterCredential, GetterProvider
from alicred.credential import Credential
from alicred.provider import Provider

if TYPE_CHECKING:  # the client's annotations ask for its own classes, the client for their methods alone
    from v2.nacos.common.auth import Credentials, CredentialsProvider
else:
    Credentials = CredentialsProvider = object


@public("alicred.adapters")
@attrs.frozen
class NacosCredential(GetterCredential, Credentials):
    """One credential as a Nacos client reads it. Immutable: all parts are of one fetch. ``repr`` shows no secret."""


@public("alicred.adapters")
class NacosProvider(GetterProvider[NacosCredential], CredentialsProvider):
    """What a Nacos client asks for a credential once for each request. As thread-, task- and fork-safe as the provider.

    The attempts of one request share one credential. The client asks on the event loop, in the background too: see `nacos`. What the
    provider raises arrives as the client's ``NacosException`` with the code 500; it is the ``__context__`` of that, and the text says the
    same.
    """

    _call = "nacos"
    _kind = NacosCredential


@public("alicred.adapters")
def nacos(provider: Provider[Credential]) -> NacosProvider:
    """What a ``ClientConfigBuilder`` takes as its ``credentials_provider``, and a ``ClientConfig`` as well.

    The client asks on the event loop, which stops for as long as the provider takes. So ``await provider.aget()``
    before a call: the held credential is then returned at once.

    Args:
        provider: Where each request gets its credential; usually a `CachingProvider`, shared by all clients.

    Raises:
        ConfigurationError: *provider* is no provider.
    """
    return NacosProvider(provider)
