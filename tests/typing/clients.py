"""The adapters as a strict-typed program uses them with the real clients. Checked by mypy and pyright, never run."""

from __future__ import annotations

from datetime import timedelta

import alibabacloud_oss_v2
import oss2 as oss2_client
from aiooss2 import AioBucket
from alibabacloud_credentials.client import Client as OfficialClient
from alibabacloud_oss_v2.aio import AsyncClient as AsyncOssClient
from alibabacloud_oss_v2.types import Credentials as OssV2Credentials
from alibabacloud_oss_v2.types import CredentialsProvider as OssV2CredentialsProvider
from alibabacloud_tea_openapi.models import Config
from aliyun.log import LogClient
from aliyun.log.consumer import ConsumerProcessorBase, ConsumerWorker, LogHubConfig
from aliyun.log.credentials import CredentialsProvider
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from mns.account import Account
from mns.queue import Message
from odps import ODPS
from odps.accounts import BaseAccount
from ossfs import AioOSSFileSystem, OSSFileSystem
from tablestore import AsyncOTSClient, OTSClient
from typing_extensions import assert_type
from v2.nacos import ClientConfigBuilder, ConfigParam, NacosConfigService
from v2.nacos.common.auth import CredentialsProvider as NacosCredentialsProvider

from alicred import BearerToken, CachingProvider, Credential, Provider
from alicred.adapters import (
    GetterCredential,
    LastingProvider,
    Oss2Provider,
    OssV2Provider,
    SlsCredential,
    TeaCredential,
    TeaValue,
    alibabacloud_credentials,
    mns,
    nacos,
    odps,
    odps_bearer,
    oss2,
    oss_v2,
    ossfs,
    ossfs_aio,
    sdk_core,
    sdk_core_client,
    sls,
    sls_consumer,
    tablestore,
    tea,
)


def the_tea_family(provider: CachingProvider[Credential]) -> Config:
    credential: TeaCredential = tea(provider)
    return Config(credential=credential, endpoint="ocr.cn-shanghai.aliyuncs.com")


def the_sdk_core(provider: Provider[Credential]) -> bytes:
    client: AcsClient = sdk_core_client(provider, "cn-hangzhou", timeout=10)
    AcsClient(region_id="cn-hangzhou", credential=sdk_core(provider))
    return client.do_action_with_exception(CommonRequest(domain="ecs.aliyuncs.com", version="2014-05-26", action_name="DescribeRegions"))


async def the_official_package(provider: Provider[Credential]) -> str:
    client = OfficialClient(provider=alibabacloud_credentials(provider))
    return (await client.get_credential_async()).access_key_id


def the_log_service(provider: CachingProvider[Credential]) -> ConsumerWorker:
    credentials: CredentialsProvider = sls(provider)
    LogClient("cn-hangzhou.log.aliyuncs.com", auth_version="v4", region="cn-hangzhou", credentials_provider=credentials)
    LogClient("cn-hangzhou.log.aliyuncs.com", credentials_provider=sls(provider))
    LogHubConfig("here", *sls_consumer(provider)()[:2], "p", "l", "g", "c", credentials_refresher=sls_consumer(provider))
    config = LogHubConfig("cn-hangzhou.log.aliyuncs.com", "", "", "a-project", "a-logstore", "a-group", "one")
    return sls_consumer(provider).worker(ConsumerProcessorBase, config, args=(), kwargs={})


def maxcompute(provider: Provider[Credential], tokens: Provider[BearerToken]) -> None:
    account: BaseAccount = odps(provider)
    ODPS(odps(provider), project="a_project", endpoint="https://service.cn-hangzhou.maxcompute.aliyun.com/api")
    ODPS(account=account, project="a_project")
    ODPS(account=odps_bearer(tokens), project="a_project")


async def the_table_store(provider: CachingProvider[Credential]) -> None:
    OTSClient("https://here", instance_name="an-instance", credentials_provider=tablestore(provider)).list_table()
    async with AsyncOTSClient("https://here", instance_name="an-instance", credentials_provider=tablestore(provider)) as client:
        await provider.aget()
        await client.list_table()


def the_message_service(provider: Provider[Credential]) -> str:
    account = Account("https://1.mns.cn-hangzhou.aliyuncs.com", credentials_provider=mns(provider))
    return account.get_queue("hello").send_message(Message("hello")).receipt_handle


async def a_configuration(provider: CachingProvider[Credential]) -> str:
    credentials: NacosCredentialsProvider = nacos(provider)
    config = ClientConfigBuilder().server_address("127.0.0.1:8848").credentials_provider(credentials).build()
    service = await NacosConfigService.create_config_service(config)
    await provider.aget()
    return await service.get_config(ConfigParam(data_id="hello", group="DEFAULT_GROUP"))


def the_object_storage(provider: CachingProvider[Credential]) -> str:
    bucket = oss2_client.Bucket(
        oss2_client.ProviderAuthV4(oss2(provider, valid_for=timedelta(hours=1))), "oss-cn-hangzhou.aliyuncs.com", "b", region="cn-hangzhou"
    )
    AioBucket(oss2_client.ProviderAuth(oss2(provider)), "oss-cn-hangzhou.aliyuncs.com", "b")
    return bucket.sign_url("GET", "a.txt", 3600)


async def the_object_storage_by_its_second_client(provider: CachingProvider[Credential]) -> OssV2Credentials:
    credentials: OssV2CredentialsProvider = oss_v2(provider, valid_for=timedelta(minutes=5))
    config = alibabacloud_oss_v2.Config(region="cn-hangzhou", credentials_provider=oss_v2(provider))
    config.credentials_provider = oss_v2(provider)
    alibabacloud_oss_v2.Client(config)
    async with AsyncOssClient(config) as client:
        await client.get_object(alibabacloud_oss_v2.GetObjectRequest(bucket="b", key="a.txt"))
    return credentials.get_credentials()


def the_files(provider: Provider[Credential]) -> bytes:
    files: OSSFileSystem = ossfs(provider, "oss-cn-hangzhou.aliyuncs.com", region="cn-hangzhou", default_block_size=2**20)
    many: AioOSSFileSystem = ossfs_aio(provider, asynchronous=True)
    many.pipe({"b/a.txt": b"text"})
    return files.cat_file("b/a.txt")


def what_must_last(provider: Provider[Credential], cache: CachingProvider[Credential], lasting: LastingProvider[Credential]) -> None:
    assert_type(oss2(cache, valid_for=timedelta(hours=1)), Oss2Provider)
    assert_type(oss_v2(lasting, valid_for=timedelta(hours=1)), OssV2Provider)
    assert_type(oss2(lasting, valid_for=None), Oss2Provider)
    assert_type(oss2(provider, valid_for=None), Oss2Provider)
    oss2(provider, valid_for=timedelta(hours=1))  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    oss_v2(provider, valid_for=timedelta(hours=1))  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]


def what_is_handed_out(provider: Provider[Credential], either: Provider[Credential | BearerToken]) -> None:
    assert_type(tea(provider).get_credential(), TeaValue)
    assert_type(tea(either).get_credential(), TeaValue)
    assert_type(sls(provider).get_credentials(), SlsCredential)
    assert_type(mns(provider).get_credentials(), GetterCredential)
    assert_type(sdk_core_client(provider, "cn-hangzhou"), AcsClient)
