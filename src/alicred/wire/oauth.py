"""The site that a person has logged in at with a browser, and the tokens of that login, which renew each other."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import attrs

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.errors import ConfigurationError
from alicred.wire import answers, signing
from alicred.wire.login_site import LoginSite

if TYPE_CHECKING:
    from alicred.credential import Credential
    from alicred.wire.http import HttpClient

    Field = attrs.Attribute[Any]

_TOKEN_PATH, _EXCHANGE_PATH = "/v1/token", "/v1/exchange"
_LONGEST_TOKEN = 10**9  # seconds; whatever claims to last longer does not say when it ends


def _nothing_if_empty(value: str | None) -> str | None:
    return None if value == "" else value


def _token(instance: object, field: Field, value: object) -> None:
    if value is not None:
        check.key_text(f"OAuthTokens.{field.name}", value)


def _moment(instance: object, field: Field, value: object) -> None:
    if value is not None:
        check.moment(f"OAuthTokens.{field.name}", value)


@public("alicred.sources")
@attrs.frozen
class OAuthTokens:
    """What a login has left behind. A value; hashable and picklable; no token shows in its ``repr``.

    Args:
        refresh_token: Gets a new access token, and with it a new refresh token, once. ``None``, as the empty string, if there is none.
        access_token: Gets keys. ``None``, as the empty string, if there is none (any more).
        access_token_expires_at: When that ends, timezone-aware; ``None`` if it is not known.

    Raises:
        ConfigurationError: There is neither token, or a parameter is of the wrong type or form; the text names it.
    """

    refresh_token: str | None = attrs.field(repr=False, converter=_nothing_if_empty, validator=_token)
    access_token: str | None = attrs.field(default=None, repr=False, converter=_nothing_if_empty, validator=_token)
    access_token_expires_at: datetime | None = attrs.field(default=None, validator=_moment)

    def __attrs_post_init__(self) -> None:
        if self.refresh_token is None and self.access_token is None:
            raise ConfigurationError("OAuthTokens needs a refresh_token or an access_token. Log in to get them")


class OAuthClient(LoginSite):
    """Asks the site of an OAuth login. As safe as `LoginSite`; each method blocks for one request.

    Args:
        sign_in_url: As in `LoginSite`.
        client_id: The application that logged in.
        http: As in `LoginSite`.
        owner: As in `LoginSite`.

    Raises:
        ConfigurationError: A parameter is wrong; the text names it.
    """

    def __init__(
        self, sign_in_url: str, client_id: str, *, http: HttpClient | None = None, clock: Clock = SYSTEM_CLOCK, owner: str = "OAuthClient"
    ) -> None:
        super().__init__(owner, sign_in_url, http, "OAuth", clock)
        self.client_id = check.key_text(f"{owner}.client_id", client_id)

    def renew(self, refresh_token: str) -> OAuthTokens:
        """The tokens that come after *refresh_token*, which is spent by that. One of an answer that lacks the other is not lost.

        Raises:
            DeniedError: The login is over; the text says how to log in again.
            MalformedResponseError: There is neither token in the answer.
            ProviderError: No tokens came; the type says whether trying again may help.
        """
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": self.client_id,
            "Timestamp": signing.timestamp(self._clock.utcnow()),
        }
        headers = {"content-type": "application/x-www-form-urlencoded"}
        body = signing.canonical_query(form).encode("ascii")
        operation = self._operation("to renew the access token")
        found = self._post(_TOKEN_PATH, headers, body, operation=operation, secrets=(refresh_token,))
        access_token, newer = (_usable(found.get(name)) for name in ("access_token", "refresh_token"))
        if access_token is None and newer is None:
            raise operation.malformed("the answer lacks access_token", status=200)
        lasts = None if access_token is None else _span(found.get("expires_in"))
        # A site that hands out no new refresh token lets the old one live (RFC 6749, section 6).
        return OAuthTokens(newer or refresh_token, access_token, None if lasts is None else self._clock.utcnow() + lasts)

    def exchange(self, access_token: str) -> Credential:
        """New keys for *access_token*; their ``provider_name`` is empty.

        Raises:
            DeniedError: The login is over, or the user may not do this.
            ProviderError: No keys came; the type says whether trying again may help.
        """
        headers = {"authorization": f"Bearer {access_token}", "content-type": "application/json"}
        operation = self._operation("for keys")
        found = self._post(_EXCHANGE_PATH, headers, b"", operation=operation, secrets=(access_token,))
        return answers.credential(found, operation=operation)


def _usable(token: object) -> str | None:
    found = check.bare(token) if isinstance(token, str) else ""
    return found if found and found.isascii() and found.isprintable() else None


def _span(seconds: object) -> timedelta | None:
    """How long a token lasts; ``None`` if *seconds* is no span."""
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds <= _LONGEST_TOKEN:
        return None
    return timedelta(seconds=seconds)
