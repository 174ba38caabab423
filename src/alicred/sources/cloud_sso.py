"""The access of a CloudSSO user to an account."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import Credential, named
from alicred.errors import ConfigurationError
from alicred.sources._source import Source, errors_of
from alicred.wire.cloud_sso import CloudSsoClient

if TYPE_CHECKING:
    from alicred.wire.http import HttpClient

_OWNER = "CloudSsoProvider"


@public("alicred")
class CloudSsoProvider(Source):
    """Temporary keys of an access configuration, for the access token that a login at CloudSSO has left behind.

    That token cannot be renewed without a person: once it has ended, `get` raises at once and sends no request. Thread-, task- and
    fork-safe, picklable; a pickle holds the token. `get` blocks for at most the time-outs of the HTTP client.

    Args:
        sign_in_url: Where the login was: any URL of that site, of which scheme, host and port count. ``https``, or ``http`` to
            loopback, link-local and private addresses.
        account_id: The account to work in.
        access_configuration_id: The access configuration to work with there, ``ac-…``.
        access_token: What the login gave. Never in ``repr`` or an error.
        access_token_expires_at: When that ends, timezone-aware.
        http: What sends the requests; ``None`` means an `HttpClient` with its defaults, which goes through no proxy to an ``http`` URL.
        clock: Where the time comes from, by which what it was given ends.
        name: What this source is called; ``None`` means ``cloud_sso``.

    Raises:
        ConfigurationError: A parameter is empty, of the wrong type or form; the text names it.
    """

    def __init__(
        self,
        *,
        sign_in_url: str,
        account_id: str,
        access_configuration_id: str,
        access_token: str,
        access_token_expires_at: datetime,
        http: HttpClient | None = None,
        clock: Clock = SYSTEM_CLOCK,
        name: str | None = None,
    ) -> None:
        super().__init__(_OWNER, "cloud_sso", name)
        check.clock(f"{_OWNER}.clock", clock)
        self._clock = clock
        self._client = CloudSsoClient(sign_in_url, http=http, owner=_OWNER, clock=clock)
        self._account_id = check.key_text(f"{_OWNER}.account_id", account_id)
        self._access_configuration_id = check.key_text(f"{_OWNER}.access_configuration_id", access_configuration_id)
        if access_token == "":
            raise ConfigurationError(f"{_OWNER}.access_token is empty. {self._client.log_in_again}.")
        self._access_token = check.key_text(f"{_OWNER}.access_token", access_token)
        self._ends_at = check.moment(f"{_OWNER}.access_token_expires_at", access_token_expires_at)

    def get(self) -> Credential:
        """New keys.

        Raises:
            ConfigurationError: The access token has ended; the text says how to log in again. Nothing was sent.
            DeniedError: The site does not take the access token, or the user may not use the access configuration.
            TransientError: The site could not be reached, or is too busy.
            MalformedResponseError: The answer is not what CloudSSO promises.
        """
        where = f"account {self._account_id} with access configuration {self._access_configuration_id}, of {self._client.endpoint}"
        with errors_of(self.name, where):
            if self._clock.utcnow() >= self._ends_at:
                raise ConfigurationError(f"the access token ended at {self._ends_at.isoformat()}. {self._client.log_in_again}.")
            fetched = self._client.credential(
                self._access_token, account_id=self._account_id, access_configuration_id=self._access_configuration_id
            )
        return named(fetched, self.name, origin=where)

    def __repr__(self) -> str:
        return f"{_OWNER}(account_id={self._account_id!r}, access_configuration_id={self._access_configuration_id!r})"
