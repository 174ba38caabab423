"""For ``aliyun-log-python-sdk``, the client of the log service (SLS)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from alicred._internal.public import public
from alicred.adapters.getters import GetterCredential, GetterProvider
from alicred.credential import Credential
from alicred.provider import Provider

if TYPE_CHECKING:  # the client's types ask for its own classes, the client for their methods alone
    from aliyun.log.credentials import Credentials, CredentialsProvider
else:
    Credentials = CredentialsProvider = object


@public("alicred.adapters")
@attrs.frozen
class SlsCredential(GetterCredential, Credentials):
    """One credential as a ``LogClient`` reads it. Immutable: all parts are of one fetch. ``repr`` shows no secret."""


@public("alicred.adapters")
class SlsProvider(GetterProvider[SlsCredential], CredentialsProvider):
    """What a ``LogClient`` asks for a credential once for each attempt of each request. As thread-, task- and fork-safe as the provider.

    For both versions of its signature. Errors of the provider reach the caller of the client unchanged.
    """

    _call = "sls"
    _kind = SlsCredential


@public("alicred.adapters")
def sls(provider: Provider[Credential]) -> SlsProvider:
    """What a ``LogClient`` takes as its ``credentials_provider``: ``LogClient(endpoint, credentials_provider=sls(provider))``.

    Leave out ``accessKeyId``, ``accessKey`` and ``securityToken``. For a consumer group, see `sls_consumer`.

    Args:
        provider: Where each request gets its credential; usually a `CachingProvider`, shared by all clients.

    Raises:
        ConfigurationError: *provider* is no provider.
    """
    return SlsProvider(provider)
