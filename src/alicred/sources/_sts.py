"""Which STS client a source asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import alicred._arguments as check
from alicred.wire.choose import sts_client
from alicred.wire.http import HttpClient

if TYPE_CHECKING:
    from alicred.wire.sts import StsClient


class StsChoice:
    """The STS client of a source: the one it was given, else one for the host that the environment or a profile names.

    Immutable. However often the client is chosen, one HTTP client, and so one pool of connections, serves them all.
    """

    __slots__ = ("_given", "_http")

    def __init__(self, owner: str, given: StsClient | None, method: str, *, http: HttpClient | None = None) -> None:
        check.client(f"{owner}.sts", given, method)
        check.client(f"{owner}.http", http, "request")
        self._given = given
        self._http = HttpClient() if http is None else http

    def client(
        self, environ: Mapping[str, str], *, endpoint: str | None = None, region: str | None = None, vpc: bool | None = None
    ) -> StsClient:
        """The client to ask now.

        Args:
            environ: Where to look the variables up that name a host.
            endpoint: The host that a profile names.
            region: The region that a profile names; *endpoint* goes first.
            vpc: Whether a region means its host inside VPCs; ``None`` means what the environment says.
        """
        if self._given is not None:
            return self._given
        return sts_client(environ, endpoint=endpoint, region=region, vpc=vpc, http=self._http)
