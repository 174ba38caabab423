"""The accounts of `alicred.adapters.odps_account`, which inherit from the client's own: it looks at the class of what it is given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from odps.accounts import BaseAccount, BearerTokenAccount, CloudAccount, StsAccount

import alicred._internal.checks as check
from alicred.adapters.adapter import Adapter, not_a_value
from alicred.adapters.rejecting import LastUsed
from alicred.credential import BearerToken, Credential
from alicred.errors import ConfigurationError
from alicred.provider import Provider

if TYPE_CHECKING:
    from requests import PreparedRequest


class OdpsAccount(Adapter, BaseAccount):
    """An account that asks a provider for each attempt of each request. Thread-, task- and fork-safe, and it can be pickled.

    What the provider raises reaches the caller of the client as it is. When the service says that a request's authentication has
    expired, the client calls `reload` and tries once more.
    """

    _call = "odps"
    _with_a_token = "use odps_bearer()"

    def __init__(self, provider: Provider[Credential]) -> None:
        super().__init__(provider)
        self._used = LastUsed(provider)

    @property
    def access_id(self) -> str:
        """The id of the current credential."""
        return self._credential().access_key_id

    def sign_request(self, req: PreparedRequest, endpoint: str, region_name: str | None = None) -> None:
        """Sign *req* with the current credential, as the client's own accounts do: version 4 if there is a *region_name*, else 2.

        Raises:
            AlicredError: What the provider raised.
        """
        held = self._used.note(self._credential())
        account: CloudAccount
        if held.security_token is None:
            account = CloudAccount(held.access_key_id, held.access_key_secret)
        else:
            account = StsAccount(held.access_key_id, held.access_key_secret, held.security_token, expired_hours=None)
        account.sign_request(req, endpoint, region_name=region_name)

    def reload(self, force: bool = False) -> None:
        """Called by the client when the service has rejected what this thread used last (*force*): the provider is told."""
        if force:
            self._used.reject()


class OdpsBearerAccount(BearerTokenAccount):
    """As `OdpsAccount`, for bearer tokens. The client looks for a ``BearerTokenAccount`` where it makes links to logs; so it is one."""

    # Not the base's: that one fetches, writes each token that it gets to a log, and keeps it for hours.
    def __init__(self, provider: Provider[BearerToken]) -> None:
        check.provider("odps_bearer.provider", provider)
        self._provider = provider
        self._used = LastUsed(provider)

    @property
    def token(self) -> str:
        """The current token."""
        return self._looked_at(self._provider.get()).token

    def sign_request(self, req: PreparedRequest, endpoint: str, region_name: str | None = None) -> None:
        """Add the current token to *req*, as the client's own account does.

        Raises:
            AlicredError: What the provider raised.
        """
        held = self._used.note(self._looked_at(self._provider.get()))
        BearerTokenAccount(held.token, expired_hours=None).sign_request(req, endpoint, region_name=region_name)

    def reload(self, force: bool = False) -> None:
        """Called by the client when the service has rejected what this thread used last (*force*): the provider is told."""
        if force:
            self._used.reject()

    def _looked_at(self, held: object) -> BearerToken:
        if isinstance(held, BearerToken):
            return held
        raise ConfigurationError(f"odps_bearer: {not_a_value(held, self._provider.name, 'a BearerToken')}")

    def __deepcopy__(self, memo: object) -> OdpsBearerAccount:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._provider,)

    def __repr__(self) -> str:
        return f"<odps_bearer adapter of {self._provider.name}>"
