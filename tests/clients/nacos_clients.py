"""The services of ``nacos-sdk-python``, each made for a loopback server, and what people do with them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.clients.nacos_service import NacosLoopback

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client does at its import
    from v2.nacos import (
        BatchRegisterInstanceParam,
        ClientConfigBuilder,
        ConfigParam,
        DeregisterInstanceParam,
        GRPCConfig,
        ListInstanceParam,
        ListServiceParam,
        NacosConfigService,
        NacosNamingService,
        RegisterInstanceParam,
        SubscribeServiceParam,
    )
    from v2.nacos.ai.model.ai_param import GetPromptParam
    from v2.nacos.ai.nacos_ai_service import NacosAIService

Do = Callable[[str], Awaitable[None]]
"""Does something with a service; the mark that it is given stands in each request."""

NAMESPACE = "a-namespace"
GROUP = "a-group"


def builder_of(service: NacosLoopback, credentials_provider: object) -> ClientConfigBuilder:
    builder = ClientConfigBuilder().server_address(service.address)
    builder.grpc_config(GRPCConfig(port_offset=service.offset, grpc_timeout=20_000))  # milliseconds
    builder.log_dir(f"{Path.home()}/logs").cache_dir(f"{Path.home()}/cache")
    return builder.namespace_id(NAMESPACE).credentials_provider(credentials_provider)


@contextlib.asynccontextmanager
async def configurations(service: NacosLoopback, credentials_provider: object) -> AsyncIterator[NacosConfigService]:
    made = await NacosConfigService.create_config_service(builder_of(service, credentials_provider).build())
    try:
        yield made
    finally:
        made.grpc_client_proxy.listen_task.cancel()  # a shutdown would wait for its next look round, up to five seconds
        await made.shutdown()


@contextlib.asynccontextmanager
async def naming(service: NacosLoopback, credentials_provider: object) -> AsyncIterator[NacosNamingService]:
    made = await NacosNamingService.create_naming_service(builder_of(service, credentials_provider).build())
    try:
        yield made
    finally:
        await made.shutdown()


@contextlib.asynccontextmanager
async def prompts(service: NacosLoopback, credentials_provider: object, mode: str = "grpc") -> AsyncIterator[NacosAIService]:
    made = await NacosAIService.create_ai_service(builder_of(service, credentials_provider).ai_transport_mode(mode).build())
    try:
        yield made
    finally:
        await made.shutdown()


@contextlib.asynccontextmanager
async def prompts_over_http(service: NacosLoopback, credentials_provider: object) -> AsyncIterator[NacosAIService]:
    async with prompts(service, credentials_provider, "http") as made:
        yield made


REQUESTS: dict[object, int] = {configurations: 4, naming: 7, prompts: 2, prompts_over_http: 2}
"""How many `everything` makes."""


def everything(client: Any) -> Do:
    kinds = {NacosConfigService: with_configurations, NacosNamingService: with_services, NacosAIService: with_prompts}
    return kinds[type(client)](client)


def one_thing(client: Any) -> Do:
    """One request that needs nothing before it."""

    async def do(mark: str) -> None:
        if isinstance(client, NacosConfigService):
            await client.get_config(ConfigParam(data_id=mark, group=GROUP))
        elif isinstance(client, NacosNamingService):
            await client.list_services(ListServiceParam(group_name=mark))
        else:
            await client.get_prompt(GetPromptParam(prompt_key=mark))

    return do


def with_configurations(client: NacosConfigService) -> Do:
    async def do(mark: str) -> None:
        content = f"a value of {mark}: ü"
        assert await client.publish_config(ConfigParam(data_id=mark, group=GROUP, content=content))
        assert await client.get_config(ConfigParam(data_id=mark, group=GROUP)) == content
        assert await client.remove_config(ConfigParam(data_id=mark, group=GROUP))
        assert await client.get_config(ConfigParam(data_id=mark)) == ""

    return do


def with_services(client: NacosNamingService) -> Do:
    async def do(mark: str) -> None:
        instance = {"service_name": mark, "group_name": mark, "ip": "127.0.0.1", "port": 80}
        assert await client.register_instance(RegisterInstanceParam(**instance))
        assert await client.register_instance(RegisterInstanceParam(**instance, ephemeral=False))
        found = await client.list_instances(ListInstanceParam(service_name=mark, group_name=mark, healthy_only=True))
        assert [(each.ip, each.port) for each in found] == [("127.0.0.1", 80)]
        assert (await client.list_services(ListServiceParam(group_name=mark))).services == [mark]
        many = {"service_name": f"{mark}b", "group_name": mark}
        assert await client.batch_register_instances(BatchRegisterInstanceParam(**many, instances=[RegisterInstanceParam(**instance)]))
        await client.unsubscribe(SubscribeServiceParam(**many))
        assert await client.deregister_instance(DeregisterInstanceParam(**instance))

    return do


def with_prompts(client: NacosAIService) -> Do:
    async def do(mark: str) -> None:
        for version in (None, "1"):
            prompt = await client.get_prompt(GetPromptParam(prompt_key=mark, version=version))
            assert prompt.template == f"a prompt of {mark}"

    return do
