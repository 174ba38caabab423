"""Which STS client a source asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import alicred._internal.checks as check
from alicred.sources._urls import HttpChoice
from alicred.wire.http import HttpClient
from alicred.wire.sts import CENTRAL, StsClient
from alicred.wire.sts_endpoint import sts_endpoint


class StsChoice:
    """The STS client of a source: the one it was given, else one for the host that the environment or a profile names.

    Immutable. However often the client is chosen, one HTTP client serves them all; its own uses no proxy for plain ``http``.
    """

    __slots__ = ("_given", "_http")

    def __init__(
        self,
        owner: str,
        given: StsClient | None,
        method: str,
        *,
        http: HttpClient | None = None,
        make: Callable[..., HttpClient] = HttpClient,
    ) -> None:
        check.client(f"{owner}.sts", given, method)
        self._given = given
        self._http = HttpChoice(owner, http, make)

    def client(
        self,
        environ: Mapping[str, str],
        *,
        endpoint: str | None = None,
        region: str | None = None,
        vpc: bool | None = None,
        names: tuple[str, str] = ("sts_endpoint", "sts_region"),
        default: str = CENTRAL,
    ) -> StsClient:
        """The client to ask now: the one that was given, else one for the host that `sts_endpoint` chooses, with the same arguments."""
        if self._given is not None:
            return self._given
        chosen = sts_endpoint(environ, endpoint=endpoint, region=region, vpc=vpc, names=names, default=default)
        return StsClient(str(chosen), http=self._http.client(chosen))
