"""For ossfs, the file systems of fsspec on OSS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred.adapters.adapter import missing_client
from alicred.adapters.ossfs_provider import OssfsProvider
from alicred.credential import Credential
from alicred.errors import ConfigurationError
from alicred.provider import Provider

if TYPE_CHECKING:
    from ossfs import AioOSSFileSystem, OSSFileSystem

_KEYS = ("key", "secret", "token")


@public("alicred.adapters")
def ossfs(provider: Provider[Credential], endpoint: str | None = None, *, region: str | None = None, **options: object) -> OSSFileSystem:
    """A file system of ossfs that signs every request with the current credential.

    Args:
        provider: Where each request gets its credential; usually a `CachingProvider`, shared by all clients.
        endpoint: As in ``OSSFileSystem``; ``None`` takes the environment's ``OSS_ENDPOINT``.
        region: The region of the buckets, such as ``"cn-hangzhou"``: requests are signed by version 4. ``None`` signs by version 1, as
            ossfs itself does; OSS no longer accepts that for new buckets.
        options: Whatever else ``OSSFileSystem`` and fsspec take, but no ``key``, ``secret`` or ``token``.

    Raises:
        ConfigurationError: *provider* is no provider, *options* name a key, or ossfs is not installed.
    """
    credentials = OssfsProvider.of(provider)
    _look_at(region, options)
    try:
        from alicred.adapters._clients.ossfs import ProviderOSSFileSystem
    except ImportError as error:
        raise missing_client("ossfs", "ossfs", error) from error
    return ProviderOSSFileSystem(credentials=credentials, endpoint=endpoint, region=region, **options)


@public("alicred.adapters")
def ossfs_aio(
    provider: Provider[Credential], endpoint: str | None = None, *, region: str | None = None, **options: object
) -> AioOSSFileSystem:
    """As `ossfs`, for the asynchronous file system; ``asynchronous=True`` and ``loop`` are among its *options*.

    The event loop does not wait for a refresh: each operation begins with ``await provider.aget()``, if the provider has it.

    Raises:
        ConfigurationError: As `ossfs`.
    """
    credentials = OssfsProvider.of(provider, "ossfs_aio")
    _look_at(region, options, "ossfs_aio")
    try:
        from alicred.adapters._clients.ossfs import ProviderAioOSSFileSystem
    except ImportError as error:
        raise missing_client("ossfs_aio", "ossfs", error) from error
    return ProviderAioOSSFileSystem(credentials=credentials, endpoint=endpoint, region=region, **options)


def _look_at(region: str | None, options: Mapping[str, object], call: str = "ossfs") -> None:
    if region is not None:
        check.text(f"{call}.region", region)
    for name in _KEYS:
        if name in options:
            raise ConfigurationError(f"{call}.{name} is not taken: the credentials come from the provider")
