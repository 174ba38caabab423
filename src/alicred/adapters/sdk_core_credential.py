"""For ``aliyun-python-sdk-core`` and the ``aliyun-python-sdk-*`` packages on top of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from alicred._internal.public import public
from alicred.adapters.adapter import missing_client
from alicred.credential import Credential
from alicred.errors import ConfigurationError
from alicred.provider import Provider

if TYPE_CHECKING:
    from aliyunsdkcore.auth.credentials import StsTokenCredential
    from aliyunsdkcore.client import AcsClient

_PACKAGE = "aliyun-python-sdk-core"
_OVERRIDING = ("ALIYUN_ACCESS_KEY_ID", "ALIYUN_ACCESS_KEY_SECRET")


@public("alicred.adapters")
def sdk_core(provider: Provider[Credential]) -> StsTokenCredential:
    """What an ``AcsClient`` takes as its ``credential``: ``AcsClient(region_id=..., credential=sdk_core(provider))``.

    For temporary credentials: the client knows this kind with a security token only, so where the provider may hand out a key without
    one, use `sdk_core_client`. It asks once for each attempt of each request.

    Args:
        provider: Where each request gets its credential; usually a `CachingProvider`, shared by all clients.

    Raises:
        ConfigurationError: *provider* is no provider, the package is not installed, or ``ALIYUN_ACCESS_KEY_ID`` and
            ``ALIYUN_ACCESS_KEY_SECRET`` are set: the client would silently sign with those instead.
    """
    if all(name in os.environ for name in _OVERRIDING):
        raise ConfigurationError(
            f"sdk_core: an AcsClient prefers {' and '.join(_OVERRIDING)}, which are set, to the credential that it is given: "
            "unset them, or use sdk_core_client()"
        )
    try:
        from alicred.adapters._clients.sdk_core import SdkCoreCredential
    except ImportError as error:
        raise missing_client("sdk_core", _PACKAGE, error) from error
    return SdkCoreCredential(provider)


@public("alicred.adapters")
def sdk_core_client(provider: Provider[Credential], region_id: str, **options: object) -> AcsClient:
    """An ``AcsClient`` that signs each attempt of each request with the provider's current credential, with a security token or without.

    It is an ``AcsClient`` in everything else. ``ALIYUN_ACCESS_KEY_ID`` and ``ALIYUN_ACCESS_KEY_SECRET`` have no influence on it.

    Args:
        provider: Where each request gets its credential; usually a `CachingProvider`, shared by all clients.
        region_id: The region, as for ``AcsClient``.
        options: Further keyword arguments of ``AcsClient``, but for those that are credentials.

    Raises:
        ConfigurationError: *provider* is no provider, the package is not installed or is one whose ``AcsClient`` signs in a way
            that alicred does not know, or an option is a credential.
    """
    try:
        from alicred.adapters._clients.sdk_core import SdkCoreClient
    except ImportError as error:
        raise missing_client("sdk_core_client", _PACKAGE, error) from error
    return SdkCoreClient(provider, region_id, **options)
