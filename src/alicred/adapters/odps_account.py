"""For ``pyodps``, the client of MaxCompute (ODPS)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alicred._internal.public import public
from alicred.adapters.adapter import missing_client
from alicred.credential import BearerToken, Credential
from alicred.provider import Provider

if TYPE_CHECKING:
    from odps.accounts import BaseAccount, BearerTokenAccount


@public("alicred.adapters")
def odps(provider: Provider[Credential]) -> BaseAccount:
    """What an ``ODPS`` takes as its account: ``ODPS(account=odps(provider), ...)`` or ``ODPS(odps(provider), ...)``.

    Each attempt of each request, to the service and to the tunnel, is signed with the provider's current credential, by the client's own
    code and in the version of the signature that it chooses.

    Args:
        provider: Where each request gets its credential; usually a `CachingProvider`, shared by all clients.

    Raises:
        ConfigurationError: *provider* is no provider, or the package is not installed.
    """
    try:
        from alicred.adapters._clients.odps_account import OdpsAccount
    except ImportError as error:
        raise missing_client("odps", "pyodps", error) from error
    return OdpsAccount(provider)


@public("alicred.adapters")
def odps_bearer(provider: Provider[BearerToken]) -> BearerTokenAccount:
    """As `odps`, for a provider of bearer tokens.

    Args:
        provider: Where each request gets its token.

    Raises:
        ConfigurationError: *provider* is no provider, or the package is not installed.
    """
    try:
        from alicred.adapters._clients.odps_account import OdpsBearerAccount
    except ImportError as error:
        raise missing_client("odps_bearer", "pyodps", error) from error
    return OdpsBearerAccount(provider)
