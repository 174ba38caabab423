"""For ``tablestore``, the client of the table store (OTS)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from alicred._internal.public import public
from alicred.adapters.getters import GetterCredential, GetterProvider
from alicred.credential import Credential
from alicred.provider import Provider

if TYPE_CHECKING:  # the client's annotations ask for its own classes, the client for their methods alone
    from tablestore.credentials import Credentials, CredentialsProvider
else:
    Credentials = CredentialsProvider = object


@public("alicred.adapters")
@attrs.frozen
class TablestoreCredential(GetterCredential, Credentials):
    """One credential as a client of the table store reads it. ``repr`` shows no secret.

    Immutable: the client reads it again to verify the answer, which the service signs with the same credential.
    """


@public("alicred.adapters")
class TablestoreProvider(GetterProvider[TablestoreCredential], CredentialsProvider):
    """What an ``OTSClient`` asks for a credential once for each request. As thread-, task- and fork-safe as the provider.

    The attempts of one request share one credential. Errors of the provider reach the caller of the client unchanged. An
    ``AsyncOTSClient`` asks on the event loop: see `tablestore`.
    """

    _call = "tablestore"
    _kind = TablestoreCredential


@public("alicred.adapters")
def tablestore(provider: Provider[Credential]) -> TablestoreProvider:
    """What an ``OTSClient`` or an ``AsyncOTSClient`` takes as its ``credentials_provider``.

    An ``AsyncOTSClient`` asks on the event loop, which stops for as long as the provider takes. So
    ``await provider.aget()`` before a call: the held credential is then returned at once.

    Args:
        provider: Where each request gets its credential; usually a `CachingProvider`, shared by all clients.

    Raises:
        ConfigurationError: *provider* is no provider.
    """
    return TablestoreProvider(provider)
