import asyncio
import os

import oss2
from aiooss2 import AioBucket

from alicred import adapters, default_provider

REGION = os.environ.get("OSS_REGION", "cn-hangzhou")


class Auth(oss2.ProviderAuthV4):
    """Signature version 4, which aiooss2 alone cannot: its requests do not say which region they are for."""

    def _sign_request(self, req: oss2.http.Request, bucket_name: str, key: str, in_additional_headers: set[str] | None = None) -> None:
        req.region, req.product, req.cloudbox_id = REGION, "oss", None
        super()._sign_request(req, bucket_name, key, in_additional_headers)


async def main() -> None:
    provider = default_provider()
    endpoint = os.environ.get("OSS_ENDPOINT", "https://oss-cn-hangzhou.aliyuncs.com")
    async with AioBucket(Auth(adapters.oss2(provider)), endpoint, os.environ["OSS_BUCKET"]) as bucket:
        await provider.aget()  # the bucket asks on the event loop: now it need not wait there
        await bucket.put_object("hello.txt", b"hello, task")
        await provider.aget()
        found = await bucket.get_object("hello.txt")
        print((await found.read()).decode())


asyncio.run(main())
