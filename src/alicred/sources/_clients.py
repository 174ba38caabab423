"""Which clients a source uses: those that it was given, else its own. The STS host is the one that the environment or a profile names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol, TypeVar

import alicred._internal.checks as check
from alicred._internal.environ import is_true, variable
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.errors import ConfigurationError

if TYPE_CHECKING:  # a profile with an access key needs no client: what these modules cost is left to those that do
    from alicred.wire.http import HttpClient
    from alicred.wire.imds import ImdsClient
    from alicred.wire.sts import StsClient
    from alicred.wire.url import Endpoint

S = TypeVar("S", bound="ResolvesLate")

STS_ENDPOINT = "ALIBABA_CLOUD_STS_ENDPOINT"
STS_REGION = "ALIBABA_CLOUD_STS_REGION"
VPC_ENABLED = "ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED"


class HttpChoice:
    """The HTTP client of a source: the one that it was given, else one of its own, made when it is first needed. Thread-safe.

    Its own goes through no proxy for plain ``http``, whatever the environment says: what travels there travels readable, and is
    meant for a place nearby.

    Args:
        owner: Class of the source, for errors.
        given: The client that the source was given.
        make: Makes one of its own, now; ``None`` means an `HttpClient` with its defaults.
    """

    __slots__ = ("_clients",)

    def __init__(self, owner: str, given: HttpClient | None, make: Callable[..., HttpClient] | None = None) -> None:
        check.client(f"{owner}.http", given, "request")
        self._clients: dict[bool, HttpClient] = {}  # by whether the environment may name a proxy
        if given is not None:
            self._clients = {True: given, False: given}
        elif make is not None:
            self._clients = {True: make(), False: make(trust_environment=False)}

    def client(self, endpoint: Endpoint) -> HttpClient:
        """The client for requests to *endpoint*."""
        is_https = endpoint.scheme == "https"
        found = self._clients.get(is_https)
        if found is None:
            from alicred.wire.http import HttpClient

            found = self._clients.setdefault(is_https, HttpClient(trust_environment=is_https))
        return found


class ImdsChoice:
    """The client for the metadata service: the one that was given, else one of its own, made when it is first needed. Thread-safe.

    One for all calls: it keeps the service's token.

    Args:
        owner: Class of the source, for errors.
        given: The client that the source was given.
        clock: Where one of its own gets the time from.
    """

    __slots__ = ("_clients", "_clock")

    def __init__(self, owner: str, given: ImdsClient | None, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._clients: list[ImdsClient] = []
        if given is not None:
            from alicred.wire.imds import ImdsClient

            check.optional(f"{owner}.imds", given, ImdsClient)
            self._clients = [given]

    def client(self) -> ImdsClient:
        """The client."""
        if not self._clients:
            from alicred.wire.imds import ImdsClient

            self._clients.append(ImdsClient(clock=self._clock))  # two threads may both make one, and both use the first
        return self._clients[0]


class StsResolver(Protocol):
    """Says at each `get` which STS client to ask."""

    def client(self, environ: Mapping[str, str]) -> StsClient:
        """The client to ask now."""
        ...


class ResolvesLate:
    """For sources whose owner, a profile or the façade, decides which STS is asked and where variables are looked up."""

    _sts: StsResolver
    _environ: Mapping[str, str] | None

    def resolving(self: S, sts: StsResolver, environ: Mapping[str, str] | None) -> S:
        """This source, which goes by *sts* and *environ* from now on. For its maker, before it is used."""
        self._sts = sts
        self._environ = environ
        return self


class StsChoice:
    """The STS client of a source: the one it was given, else one for the host that the environment or a profile names.

    Immutable. However often the client is chosen, one HTTP client serves them all; its own uses no proxy for plain ``http``.
    """

    __slots__ = ("_clock", "_given", "_http")

    def __init__(
        self,
        owner: str,
        given: StsClient | None,
        method: str,
        *,
        http: HttpClient | None = None,
        clock: Clock = SYSTEM_CLOCK,
        make: Callable[..., HttpClient] | None = None,
    ) -> None:
        check.client(f"{owner}.sts", given, method)
        self._given = given
        self._clock = clock
        self._http = HttpChoice(owner, http, make)

    def client(
        self,
        environ: Mapping[str, str],
        *,
        endpoint: str | None = None,
        region: str | None = None,
        vpc: bool | None = None,
        names: tuple[str, str] = ("sts_endpoint", "sts_region"),
        default: str | None = None,
    ) -> StsClient:
        """The client to ask now: the one that was given, else one for the host that `sts_endpoint` chooses, with the same arguments."""
        if self._given is not None:
            return self._given
        from alicred.wire.sts import StsClient

        chosen = sts_endpoint(environ, endpoint=endpoint, region=region, vpc=vpc, names=names, default=default)
        return StsClient(str(chosen), http=self._http.client(chosen), clock=self._clock)


def sts_endpoint(
    environ: Mapping[str, str],
    *,
    endpoint: str | None = None,
    region: str | None = None,
    vpc: bool | None = None,
    names: tuple[str, str] = ("sts_endpoint", "sts_region"),
    default: str | None = None,
) -> Endpoint:
    """The STS host to ask.

    The first of these that is there: *endpoint*, *region*, ``ALIBABA_CLOUD_STS_ENDPOINT``, ``ALIBABA_CLOUD_STS_REGION``, *default*.

    Args:
        environ: The variables.
        endpoint: A profile's or a parameter's host, or URL of it.
        region: A profile's or a parameter's region.
        vpc: Whether a region means its host inside VPCs; ``None`` means what ``ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED`` says. Without a
            region it says nothing.
        names: What the user calls *endpoint* and *region*, for errors.
        default: The URL of the host where nothing names one; ``None`` means the central one.

    Raises:
        ConfigurationError: What was chosen is no host or no region, or would be asked in plain text; the text names where it came from.
    """
    from alicred.wire.sts import CENTRAL, regional_endpoint
    from alicred.wire.url import Endpoint

    if endpoint:
        return _parsed(names[0], endpoint)
    within_vpc = is_true(environ, VPC_ENABLED) if vpc is None else vpc
    if region:
        return regional_endpoint(names[1], region, vpc=within_vpc)
    named = variable(environ, STS_ENDPOINT)
    if named is not None:
        return _parsed(STS_ENDPOINT, named)
    region = variable(environ, STS_REGION)
    return Endpoint.parse(default or CENTRAL) if region is None else regional_endpoint(STS_REGION, region, vpc=within_vpc)


def _parsed(name: str, value: str) -> Endpoint:
    """The endpoint that *value* names, which may lack its scheme (``https`` then) or end with a slash."""
    from alicred.wire.sts import safe_endpoint
    from alicred.wire.url import Endpoint

    url = value if "://" in value else f"https://{value}"
    try:
        endpoint = Endpoint.parse(url.removesuffix("/"))
    except ConfigurationError:
        raise ConfigurationError(f"{name} must be a host, such as sts.cn-hangzhou.aliyuncs.com, or https://host[:port]") from None
    return safe_endpoint(name, endpoint)
