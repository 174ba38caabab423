from __future__ import annotations

import pytest

from alicred._internal.environ import is_true, variable
from alicred.errors import ConfigurationError
from alicred.sources._clients import sts_endpoint

ENDPOINT = {"ALIBABA_CLOUD_STS_ENDPOINT": "env.example"}
REGION = {"ALIBABA_CLOUD_STS_REGION": "cn-env"}
VPC = {"ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED": "true"}


@pytest.mark.parametrize(
    ("environ", "endpoint", "region", "vpc", "expected"),
    [
        ({}, None, None, None, "https://sts.aliyuncs.com"),
        (VPC, None, None, None, "https://sts.aliyuncs.com"),
        ({}, None, None, True, "https://sts.aliyuncs.com"),
        (REGION, None, None, None, "https://sts.cn-env.aliyuncs.com"),
        ({**REGION, **VPC}, None, None, None, "https://sts-vpc.cn-env.aliyuncs.com"),
        ({**REGION, **VPC}, None, None, False, "https://sts.cn-env.aliyuncs.com"),
        (REGION, None, None, True, "https://sts-vpc.cn-env.aliyuncs.com"),
        ({**ENDPOINT, **REGION, **VPC}, None, None, None, "https://env.example"),
        ({**ENDPOINT, **REGION}, None, "cn-profile", None, "https://sts.cn-profile.aliyuncs.com"),
        ({**ENDPOINT, **REGION, **VPC}, None, "cn-profile", None, "https://sts-vpc.cn-profile.aliyuncs.com"),
        ({**ENDPOINT, **REGION, **VPC}, "profile.example", "cn-profile", None, "https://profile.example"),
        ({}, "profile.example:8443", None, None, "https://profile.example:8443"),
        ({}, "http://localhost:8/", None, None, "http://localhost:8"),
        ({"ALIBABA_CLOUD_STS_ENDPOINT": " http://127.0.0.1:8\n"}, None, None, None, "http://127.0.0.1:8"),
        ({"ALIBABA_CLOUD_STS_ENDPOINT": " ", "ALIBABA_CLOUD_STS_REGION": ""}, "", "", None, "https://sts.aliyuncs.com"),
    ],
)
def test_host_order(environ: dict[str, str], endpoint: str | None, region: str | None, vpc: bool | None, expected: str) -> None:
    assert str(sts_endpoint(environ, endpoint=endpoint, region=region, vpc=vpc)) == expected


@pytest.mark.parametrize(
    ("environ", "endpoint", "region", "named"),
    [
        ({"ALIBABA_CLOUD_STS_ENDPOINT": "https://planted@h"}, None, None, "ALIBABA_CLOUD_STS_ENDPOINT"),
        ({"ALIBABA_CLOUD_STS_ENDPOINT": "h/planted"}, None, None, "ALIBABA_CLOUD_STS_ENDPOINT"),
        ({"ALIBABA_CLOUD_STS_REGION": "planted.evil.example/"}, None, None, "ALIBABA_CLOUD_STS_REGION"),
        ({}, "ftp://planted", None, "sts_endpoint"),
        ({}, "http://planted", None, "sts_endpoint"),
        ({"ALIBABA_CLOUD_STS_ENDPOINT": "http://planted"}, None, None, "ALIBABA_CLOUD_STS_ENDPOINT"),
        ({"ALIBABA_CLOUD_STS_ENDPOINT": "http://10.0.0.1"}, None, None, "ALIBABA_CLOUD_STS_ENDPOINT"),
        ({}, None, "CN planted", "sts_region"),
    ],
)
def test_what_is_no_host_is_refused_by_the_name_of_its_origin(
    environ: dict[str, str], endpoint: str | None, region: str | None, named: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"^{named}(: plain http is for loopback| must be)") as caught:
        sts_endpoint(environ, endpoint=endpoint, region=region)
    assert "planted" not in str(caught.value)


def test_variables_are_stripped_and_empty_is_unset() -> None:
    environ = {"A": " value\n", "B": " \n", "C": ""}
    assert [variable(environ, name) for name in "ABCD"] == ["value", None, None, None]


@pytest.mark.parametrize("value", ["true", "TRUE", " True\n", "1", "yes", "Yes"])
def test_words_for_true(value: str) -> None:
    assert is_true({"A": value}, "A")


@pytest.mark.parametrize("value", ["", "false", "0", "no", "on", "y", "truee"])
def test_anything_else_is_not_true(value: str) -> None:
    assert not is_true({"A": value}, "A")
    assert not is_true({}, "A")
