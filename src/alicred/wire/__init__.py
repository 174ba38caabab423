"""Everything that talks to a service: HTTP, signatures, and a client for each service.

A class is loaded when it is first asked for, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alicred._internal.lazy import lazily

if TYPE_CHECKING:
    from alicred.wire.http import HttpClient
    from alicred.wire.imds import ImdsClient
    from alicred.wire.response import Headers, HttpResponse
    from alicred.wire.sts import CallerIdentity, StsClient
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "CallerIdentity": "alicred.wire.sts",
            "Headers": "alicred.wire.response",
            "HttpClient": "alicred.wire.http",
            "HttpResponse": "alicred.wire.response",
            "ImdsClient": "alicred.wire.imds",
            "StsClient": "alicred.wire.sts",
        },
    )

__all__ = ["CallerIdentity", "Headers", "HttpClient", "HttpResponse", "ImdsClient", "StsClient"]
