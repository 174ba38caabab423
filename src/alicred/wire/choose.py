"""Which STS host to ask, where nobody gave a client. Reads no environment but the one that it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from alicred._environ import is_true, variable
from alicred.errors import ConfigurationError
from alicred.wire.endpoint import Endpoint
from alicred.wire.sts import StsClient

if TYPE_CHECKING:
    from alicred.wire.http import HttpClient

STS_ENDPOINT = "ALIBABA_CLOUD_STS_ENDPOINT"
STS_REGION = "ALIBABA_CLOUD_STS_REGION"
VPC_ENABLED = "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"


def sts_client(
    environ: Mapping[str, str],
    *,
    endpoint: str | None = None,
    region: str | None = None,
    vpc: bool | None = None,
    http: HttpClient | None = None,
) -> StsClient:
    """A client of the STS host to ask. Sends nothing.

    The first of these that is there: *endpoint*, *region*, ``ALIBABA_CLOUD_STS_ENDPOINT``, ``ALIBABA_CLOUD_STS_REGION``,
    ``sts.aliyuncs.com``.

    Args:
        environ: The variables.
        endpoint: A profile's own host, or URL of it.
        region: A profile's own region.
        vpc: Whether a region means its host inside VPCs; ``None`` means what ``ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED`` says. Without a
            region it says nothing.
        http: What sends the requests.

    Raises:
        ConfigurationError: What was chosen is no host or no region; the text names where it came from.
    """
    if endpoint:
        return StsClient(_url(endpoint, name="the profile's STS endpoint"), http=http)
    within_vpc = is_true(environ, VPC_ENABLED) if vpc is None else vpc
    if region:
        return _regional(region, within_vpc, http, name="the profile's STS region")
    named = variable(environ, STS_ENDPOINT)
    if named is not None:
        return StsClient(_url(named, name=STS_ENDPOINT), http=http)
    region = variable(environ, STS_REGION)
    if region is not None:
        return _regional(region, within_vpc, http, name=STS_REGION)
    return StsClient(http=http)


def _url(value: str, *, name: str) -> str:
    """The URL of *value*, which may lack its scheme (``https`` then) or end with a slash."""
    url = value if "://" in value else f"https://{value}"
    try:
        return str(Endpoint.parse(url.removesuffix("/")))
    except ConfigurationError:
        pass
    raise ConfigurationError(f"{name} must be a host, such as sts.cn-hangzhou.aliyuncs.com, or http(s)://host[:port]")


def _regional(region: str, vpc: bool, http: HttpClient | None, *, name: str) -> StsClient:
    try:
        return StsClient.for_region(region, vpc=vpc, http=http)
    except ConfigurationError:
        pass
    raise ConfigurationError(f"{name} must be the id of a region, such as cn-hangzhou: a-z, 0-9 and hyphens")
