"""The tables of an instance, in both ways to ask: each request uses the current credential."""

import asyncio
import os

from tablestore import AsyncOTSClient, OTSClient

from alicred import default_provider
from alicred.adapters import tablestore

provider = default_provider()
endpoint, instance = os.environ["TABLESTORE_ENDPOINT"], os.environ["TABLESTORE_INSTANCE"]
region = os.environ.get("TABLESTORE_REGION", "cn-hangzhou")

client = OTSClient(endpoint, instance_name=instance, credentials_provider=tablestore(provider), region=region)
print(list(client.list_table()))


async def main() -> None:
    async with AsyncOTSClient(endpoint, instance_name=instance, credentials_provider=tablestore(provider), region=region) as client:
        await provider.aget()  # before each call: the client itself would ask in the middle of the event loop
        print(list(await client.list_table()))


asyncio.run(main())
