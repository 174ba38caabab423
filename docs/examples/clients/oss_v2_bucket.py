import asyncio
import os
from datetime import timedelta

import alibabacloud_oss_v2 as oss
from alibabacloud_oss_v2.aio import AsyncClient

from alicred import default_provider
from alicred.adapters import OssV2Provider, oss_v2

provider = default_provider()
bucket = os.environ["OSS_BUCKET"]


def config(credentials: OssV2Provider) -> oss.Config:
    config = oss.config.load_default()
    config.credentials_provider = credentials
    config.region = os.environ.get("OSS_REGION", "cn-hangzhou")
    config.endpoint = os.environ.get("OSS_ENDPOINT", "https://oss-cn-hangzhou.aliyuncs.com")
    return config


client = oss.Client(config(oss_v2(provider)))
client.put_object(oss.PutObjectRequest(bucket=bucket, key="hello.txt", body=b"hello"))
print(client.get_object(oss.GetObjectRequest(bucket=bucket, key="hello.txt")).body.read().decode())

# A URL ends with the credential that signed it: have one that lasts as long.
lasting = timedelta(minutes=50)
links = oss.Client(config(oss_v2(provider, valid_for=lasting)))
signed = links.presign(oss.GetObjectRequest(bucket=bucket, key="hello.txt"), expires=lasting)
print(signed.url.partition("?")[0])


async def main() -> None:
    async with AsyncClient(config(oss_v2(provider))) as client:
        await provider.aget()  # the client asks on the event loop: now it need not wait there
        await client.put_object(oss.PutObjectRequest(bucket=bucket, key="hello.txt", body=b"hello, task"))
        await provider.aget()
        answer = await client.get_object(oss.GetObjectRequest(bucket=bucket, key="hello.txt"))
        print((await answer.body.read()).decode())


asyncio.run(main())
