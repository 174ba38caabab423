"""The accounts of `alicred.adapters.odps_account`, which inherit from the client's own: it looks at the class of what it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from odps.accounts import BaseAccount, BearerTokenAccount, CloudAccount, StsAccount

from alicred.adapters.adapter import Adapter
from alicred.adapters.last_fetch import LastFetch
from alicred.credential import BearerToken, Credential

if TYPE_CHECKING:
    from requests import PreparedRequest

_LAST: LastFetch[Credential] = LastFetch("alicred.odps")
_LAST_TOKEN: LastFetch[BearerToken] = LastFetch("alicred.odps_bearer")


# An account of the client's own is made for each attempt: it keeps a signing key by the day alone, without the region, and a lock.


class OdpsAccount(Adapter[Credential, None], BaseAccount):
    """An account that asks a provider for each attempt of each request. Thread-, task- and fork-safe, and it can be pickled.

    Errors of the provider reach the caller of the client unchanged. When the service says that a request's authentication has
    expired, the client calls `reload` and tries once more.
    """

    _call = "odps"
    _with_a_token = "use odps_bearer()"

    @property
    def access_id(self) -> str:
        """The id of the current credential."""
        return self._held().access_key_id

    def sign_request(self, req: PreparedRequest, endpoint: str, region_name: str | None = None) -> None:
        """Sign *req* with the current credential, as the client's own accounts do: version 4 if there is a *region_name*, else 2.

        Raises:
            AlicredError: The provider's error.
        """
        held = _LAST.remember(self, self._held())
        account: CloudAccount
        if held.security_token is None:
            account = CloudAccount(held.access_key_id, held.access_key_secret)
        else:
            account = StsAccount(held.access_key_id, held.access_key_secret, held.security_token, expired_hours=None)
        account.sign_request(req, endpoint, region_name=region_name)

    def reload(self, force: bool = False) -> None:
        """Called by the client when the service has rejected what this thread used last (*force*): the provider is told."""
        if force:
            self._reject(_LAST.recall(self))


class OdpsBearerAccount(Adapter[BearerToken, None], BearerTokenAccount):
    """As `OdpsAccount`, for bearer tokens. The client looks for a ``BearerTokenAccount`` where it makes links to logs; so it is one.

    The constructor is the adapter's: the client's would fetch a token, write it to a log, and keep it for hours.
    """

    _call = "odps_bearer"
    _takes: ClassVar[tuple[type, ...]] = (BearerToken,)
    _wanted = "a BearerToken"

    @property
    def token(self) -> str:
        """The current token."""
        return self._held().token

    def sign_request(self, req: PreparedRequest, endpoint: str, region_name: str | None = None) -> None:
        """Add the current token to *req*, as the client's own account does.

        Raises:
            AlicredError: The provider's error.
        """
        held = _LAST_TOKEN.remember(self, self._held())
        BearerTokenAccount(held.token, expired_hours=None).sign_request(req, endpoint, region_name=region_name)

    def reload(self, force: bool = False) -> None:
        """Called by the client when the service has rejected what this thread used last (*force*): the provider is told."""
        if force:
            self._reject(_LAST_TOKEN.recall(self))
