"""A configuration of Nacos: every request uses the current credential."""

import asyncio
import os

from v2.nacos import ClientConfigBuilder, ConfigParam, NacosConfigService

from alicred import default_provider
from alicred.adapters import nacos

provider = default_provider()


async def main() -> None:
    builder = ClientConfigBuilder().server_address(os.environ["NACOS_SERVER"]).namespace_id(os.environ.get("NACOS_NAMESPACE", ""))
    service = await NacosConfigService.create_config_service(builder.credentials_provider(nacos(provider)).build())
    try:
        await provider.aget()  # the client asks in the middle of the event loop: have what it asks for at hand
        await service.publish_config(ConfigParam(data_id="hello", group="DEFAULT_GROUP", content="hello"))
        await provider.aget()
        print(await service.get_config(ConfigParam(data_id="hello", group="DEFAULT_GROUP")))
    finally:
        await service.shutdown()


asyncio.run(main())
