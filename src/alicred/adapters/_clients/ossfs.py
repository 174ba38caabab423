"""File systems of ossfs that sign with what a provider gives. Importing this imports ossfs."""

from __future__ import annotations

from oss2 import ProviderAuth, ProviderAuthV4
from oss2.http import Request
from ossfs import AioOSSFileSystem, OSSFileSystem

from alicred.adapters.ossfs_provider import OssfsProvider


class RegionalAuth(ProviderAuthV4):
    """Signature version 4 for requests that do not say which region they are for, as those of ossfs and aiooss2."""

    def __init__(self, credentials: OssfsProvider, region: str) -> None:
        super().__init__(credentials)
        self._region = region

    def _sign_request(self, req: Request, bucket_name: str, key: str, in_additional_headers: set[str] | None = None) -> None:
        req.region, req.product, req.cloudbox_id = self._region, "oss", None
        super()._sign_request(req, bucket_name, key, in_additional_headers)


def _auth(credentials: OssfsProvider, region: str | None) -> ProviderAuth | ProviderAuthV4:
    return ProviderAuth(credentials) if region is None else RegionalAuth(credentials, region)


class ProviderOSSFileSystem(OSSFileSystem):
    """What `alicred.adapters.ossfs` returns."""

    def __init__(self, *, credentials: OssfsProvider, region: str | None = None, **options: object) -> None:
        super().__init__(**options)
        self._auth = _auth(credentials, region)


class ProviderAioOSSFileSystem(AioOSSFileSystem):
    """What `alicred.adapters.ossfs_aio` returns."""

    def __init__(self, *, credentials: OssfsProvider, region: str | None = None, **options: object) -> None:
        super().__init__(**options)
        self._auth = _auth(credentials, region)
        self._credentials = credentials

    async def _call_oss(self, method_name: str, *args: object, **options: object) -> object:
        await self._credentials.arrive()  # the request is signed on the event loop, a moment later
        return await super()._call_oss(method_name, *args, **options)
