"""The access of a person who has logged in with a browser."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import attrs

from alicred.clock import SYSTEM_CLOCK
from alicred.compat.bridge import OfficialProvider
from alicred.compat.callbacks import Callbacks, asked_by_a_task
from alicred.compat.exceptions import CredentialValueError, checking
from alicred.compat.http import HttpOptions
from alicred.compat.provider.refreshable import Credentials
from alicred.compat.settings import CONNECT_MILLISECONDS, READ_MILLISECONDS, http_client, moment
from alicred.credential import Credential
from alicred.refresh.cache import CachingProvider
from alicred.retrying import RetryingProvider
from alicred.sources.oauth import OAuthProvider, OAuthTokens

_OWNER = "OAuthCredentialsProvider"
_A_WHILE = timedelta(minutes=1)

OAuthTokenUpdateCallback = Callable[[str, str, str, str, str, int, int], None]
"""A function of refresh token, access token, id, secret, security token, end of the access token and end of the key.

A text is ``""``, and an end, in seconds since 1970, 0, where there is none or it is not known.
"""
OAuthTokenUpdateCallbackAsync = Callable[[str, str, str, str, str, int, int], Awaitable[None]]
"""The same, but what it returns is awaited."""


class OAuthCredentialsProvider(OfficialProvider):
    """Temporary keys for the tokens that a login with a browser has left behind, kept and refreshed ahead.

    The refresh token is spent when it is sent, and a new one takes its place: a callback must save it, or the login ends with this
    process. Thread-, task- and fork-safe; picklable if the callbacks are. See `alicred.OAuthProvider` for what several processes may do.

    Args:
        client_id: The application that logged in.
        sign_in_url: Where the login was.
        access_token: Gets keys.
        access_token_expire: When that ends, in seconds since 1970; 0 for not known.
        refresh_token: Gets a new access token, once.
        access_key_id: With the next three: a key that an earlier exchange gave, used first, while it lasts.
        access_key_secret: Its secret.
        security_token: Its token.
        sts_expiration: When that key ends, in seconds since 1970.
        http_options: Time-outs and proxy.
        token_update_callback: Called with what is to be saved after each exchange, and also when new tokens have come but no key; see
            `Callbacks` for which of the two is called where.
        token_update_callback_async: The same, awaited.

    Raises:
        CredentialValueError: A parameter is missing or wrong; the text names it.
    """

    DEFAULT_CONNECT_TIMEOUT = CONNECT_MILLISECONDS
    DEFAULT_READ_TIMEOUT = READ_MILLISECONDS

    def __init__(
        self,
        *,
        client_id: str | None = None,
        sign_in_url: str | None = None,
        access_token: str | None = None,
        access_token_expire: int | None = 0,
        refresh_token: str | None = None,
        access_key_id: str | None = None,
        access_key_secret: str | None = None,
        security_token: str | None = None,
        sts_expiration: int | None = None,
        http_options: HttpOptions | None = None,
        token_update_callback: OAuthTokenUpdateCallback | None = None,
        token_update_callback_async: OAuthTokenUpdateCallbackAsync | None = None,
    ) -> None:
        if not client_id or not sign_in_url:
            raise CredentialValueError(f"{_OWNER} needs client_id and sign_in_url")
        callbacks = Callbacks("token_update_callback", token_update_callback, token_update_callback_async)
        with checking():
            tokens = OAuthTokens(refresh_token, access_token, moment(f"{_OWNER}.access_token_expire", access_token_expire))
            ends_at = moment(f"{_OWNER}.sts_expiration", sts_expiration)
            stored = None
            if access_key_id and access_key_secret and security_token and ends_at is not None:
                stored = Credential(access_key_id, access_key_secret, security_token, ends_at, "oauth")
            login = _Login(tokens, stored, callbacks)
            source = OAuthProvider(
                client_id=client_id,
                sign_in_url=sign_in_url,
                tokens=tokens,
                on_tokens=login.tokens_came,
                http=http_client(_OWNER, http_options, url=sign_in_url),
            )
        super().__init__(CachingProvider(RetryingProvider(_NotifyingSource(source, login))))

    async def get_credentials_async(self) -> Credentials:
        """As `get_credentials`, for tasks. Never blocks the event loop.

        Raises:
            CredentialException: There is none.
        """
        with asked_by_a_task():
            return await super().get_credentials_async()


class _Login:
    """What there is to save, and whether it has been. Changed by one refresh at a time."""

    def __init__(self, tokens: OAuthTokens, stored: Credential | None, callbacks: Callbacks[str, str, str, str, str, int, int]) -> None:
        self._tokens = tokens
        self._key = stored
        self._callbacks = callbacks
        self._is_saved = True
        self.stored = stored

    def tokens_came(self, tokens: OAuthTokens) -> None:
        self._tokens = tokens
        self._is_saved = False

    def key_came(self, key: Credential) -> None:
        self._key = key
        self._is_saved = False

    def save(self) -> None:
        if self._is_saved:
            return
        self._is_saved = True
        key = self._key
        try:
            self._callbacks(
                self._tokens.refresh_token or "",
                self._tokens.access_token or "",
                "" if key is None else key.access_key_id,
                "" if key is None else key.access_key_secret,
                ("" if key is None else key.security_token) or "",
                _seconds(self._tokens.access_token_expires_at),
                0 if key is None else _seconds(key.expires_at),
            )
        except BaseException:
            self._is_saved = False  # an interrupt: the next call saves them
            raise


@attrs.frozen
class _NotifyingSource:
    """*source*, whose keys and tokens a callback saves; before it, once, the key that was stored."""

    source: OAuthProvider
    login: _Login

    @property
    def name(self) -> str:
        return self.source.name

    def get(self) -> Credential:
        stored, self.login.stored = self.login.stored, None
        if stored is not None and stored.expires_at is not None and stored.expires_at - SYSTEM_CLOCK.utcnow() > _A_WHILE:
            return stored
        try:
            found = self.source.get()
            self.login.key_came(found)
        finally:
            self.login.save()  # also where new tokens have come and then no key: the old refresh token is spent
        return found


def _seconds(end: datetime | None) -> int:
    return 0 if end is None else int(end.timestamp())


__all__ = ["OAuthCredentialsProvider", "OAuthTokenUpdateCallback", "OAuthTokenUpdateCallbackAsync"]
