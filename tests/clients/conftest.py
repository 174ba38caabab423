"""Tests with the real client packages. ``make clients`` installs those, in groups; elsewhere only what is there is tested."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from importlib.util import find_spec
from pathlib import Path

import pytest

# What a file of tests cannot do without; in a group's own environment it is missed if it is not there.
NEEDS = {
    "test_aiooss2.py": "aiooss2",
    "test_mns.py": "mns",
    "test_nacos.py": "v2",
    "test_nacos_blocking.py": "nacos",
    "test_ocr.py": "alibabacloud_ocr20191230",
    "test_odps.py": "odps",
    "test_official.py": "alibabacloud_credentials",
    "test_oss2.py": "oss2",
    "test_oss_v2.py": "alibabacloud_oss_v2",
    "test_ossfs.py": "ossfs",
    "test_sdk_core.py": "aliyunsdkcore",
    "test_sls.py": "aliyun",
    "test_sls_consumer.py": "aliyun",
    "test_stubs.py": "alibabacloud_tea_openapi",
    "test_tablestore.py": "tablestore",
    "test_tea_gateways.py": "alibabacloud_gateway_pop",
    "test_tea_legacy.py": "alibabacloud_tea_rpc",
    "test_tea_openapi.py": "alibabacloud_tea_openapi",
}
GROUP = os.environ.get("ALICRED_CLIENTS_GROUP", "")
REPORT = os.environ.get("ALICRED_CLIENTS_REPORT", "")

collect_ignore = [name for name, package in NEEDS.items() if not GROUP and find_spec(package) is None]

_tried: list[dict[str, object]] = []


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "tried(client, *how): a row and columns (sync, async, threads, rotation) of the table of clients")
    if GROUP:  # the clients leave sockets open and use what is deprecated; alicred's own warnings are errors in all other tests
        config.addinivalue_line("filterwarnings", "ignore")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call" or report.failed:
        for mark in item.iter_markers("tried"):
            client, *how = mark.args
            _tried.append({"client": client, "how": how, "test": item.nodeid, "passed": report.passed})
    return report


def pytest_sessionfinish() -> None:
    if REPORT:
        Path(REPORT).write_text(json.dumps(_tried), "utf-8")
