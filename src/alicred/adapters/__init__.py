"""Adapters: each takes a provider and returns what one family of clients accepts. Importing them imports none of the clients."""

from __future__ import annotations

from alicred.adapters.adapter import LastingProvider
from alicred.adapters.getters import GetterCredential
from alicred.adapters.mns_provider import MnsProvider, mns
from alicred.adapters.nacos_provider import NacosCredential, NacosProvider, nacos
from alicred.adapters.odps_account import odps, odps_bearer
from alicred.adapters.official_provider import OfficialCredential, OfficialProvider, alibabacloud_credentials
from alicred.adapters.oss2_provider import Oss2Provider, oss2
from alicred.adapters.oss_v2_provider import OssV2Credential, OssV2Provider, oss_v2
from alicred.adapters.ossfs_file_system import ossfs, ossfs_aio
from alicred.adapters.sdk_core_credential import sdk_core, sdk_core_client
from alicred.adapters.sls_provider import SlsCredential, SlsProvider, sls
from alicred.adapters.sls_workers import SlsConsumer, sls_consumer
from alicred.adapters.tablestore_provider import TablestoreCredential, TablestoreProvider, tablestore
from alicred.adapters.tea_credential import TeaCredential, TeaValue, tea

__all__ = [
    "GetterCredential",
    "LastingProvider",
    "MnsProvider",
    "NacosCredential",
    "NacosProvider",
    "OfficialCredential",
    "OfficialProvider",
    "Oss2Provider",
    "OssV2Credential",
    "OssV2Provider",
    "SlsConsumer",
    "SlsCredential",
    "SlsProvider",
    "TablestoreCredential",
    "TablestoreProvider",
    "TeaCredential",
    "TeaValue",
    "alibabacloud_credentials",
    "mns",
    "nacos",
    "odps",
    "odps_bearer",
    "oss2",
    "oss_v2",
    "ossfs",
    "ossfs_aio",
    "sdk_core",
    "sdk_core_client",
    "sls",
    "sls_consumer",
    "tablestore",
    "tea",
]
