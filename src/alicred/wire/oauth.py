"""The site that a person has logged in at with a browser, and the tokens of that login, which renew each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import attrs

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.errors import ConfigurationError
from alicred.wire import answers, signing
from alicred.wire.login_site import LoginSite, seconds
from alicred.wire.pkce import METHOD
from alicred.wire.service_errors import service_error

if TYPE_CHECKING:
    from alicred.credential import Credential
    from alicred.wire.http import HttpClient

    Field = attrs.Attribute[Any]

_TOKEN_PATH, _EXCHANGE_PATH, _REVOKE_PATH = "/v1/token", "/v1/exchange", "/v1/revoke"
_FORM = {"content-type": "application/x-www-form-urlencoded"}


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


def authorization_url(page: str, *, client_id: str, redirect_uri: str, state: str, challenge: str) -> str:
    """What a person opens in a browser to log in. Nothing in it is secret.

    Args:
        page: The site's page for that.
        client_id: The application that logs in.
        redirect_uri: Where the browser is sent then, with a code.
        state: Comes back with the code.
        challenge: That of the proof that is sent with the code.
    """
    # In the order of the command line tool. Without a scope, all that the application has are granted.
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": METHOD,
    }
    return f"{page}?{urlencode(query)}"


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
        operation = self._operation("to renew the access token")
        found = self._post(_TOKEN_PATH, _FORM, _form(form), operation=operation, secrets=(refresh_token,))
        access_token, newer = (_usable(found.get(name)) for name in ("access_token", "refresh_token"))
        if access_token is None and newer is None:
            raise operation.malformed("the answer lacks access_token", status=200)
        # A site that hands out no new refresh token lets the old one live (RFC 6749, section 6).
        return OAuthTokens(newer or refresh_token, access_token, self._end(access_token, found))

    def tokens_for(self, code: str, *, redirect_uri: str, verifier: str) -> OAuthTokens:
        """The tokens of a login that has just been made in a browser. The code is spent by that.

        Args:
            code: What the browser has brought.
            redirect_uri: What the login began with.
            verifier: The secret half of the proof that the login began with.

        Raises:
            DeniedError: The site does not take the code; the text says how to log in again.
            MalformedResponseError: There is no access token in the answer.
            ProviderError: No tokens came; the type says whether trying again may help.
        """
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": self.client_id,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        operation = self._operation("for the tokens of the login")
        over = "the site does not take the code that the browser has brought, which lasts a short while and counts once"
        found = self._post(_TOKEN_PATH, _FORM, _form(form), operation=operation, secrets=(code, verifier), over=over)
        access_token = _usable(found.get("access_token"))
        if access_token is None:
            raise operation.malformed("the answer lacks access_token", status=200)
        return OAuthTokens(_usable(found.get("refresh_token")), access_token, self._end(access_token, found))

    def _end(self, access_token: str | None, found: Mapping[str, object]) -> datetime | None:
        lasts = None if access_token is None else seconds(found.get("expires_in"))
        return None if lasts is None else self._clock.utcnow() + lasts

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

    def revoke(self, refresh_token: str) -> None:
        """End the login at the site.

        Raises:
            ProviderError: The site did not do it; the type says whether trying again may help.
        """
        operation = self._operation("to end the login")
        response, found = self._send("POST", _REVOKE_PATH, _FORM, _form({"token": refresh_token, "client_id": self.client_id}))
        if not 200 <= response.status < 300:
            raise service_error(response, found, operation=operation, secrets=(refresh_token,))


def _usable(token: object) -> str | None:
    found = check.bare(token) if isinstance(token, str) else ""
    return found if found and found.isascii() and found.isprintable() else None


def _form(values: Mapping[str, str]) -> bytes:
    return signing.canonical_query(values).encode("ascii")
