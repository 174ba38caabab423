"""The OAuth site: its page for the browser, the tokens of a login, which rotate, and the keys that they get."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from urllib.parse import urlencode

import attrs

from alicred._internal.public import public
from alicred.testing.cloud.account import Account, Role, credentials, random_text, random_token
from alicred.testing.cloud.exchange import Answer, Exchange, Json, Refused, Request, json_answer
from alicred.testing.cloud.login_pages import LoginRules, SignIn, page, question, redirect

OAUTH_PAGE, OAUTH_TOKEN, OAUTH_EXCHANGE, OAUTH_REVOKE = "OAuthPage", "OAuthToken", "OAuthExchange", "OAuthRevoke"  # names of operations

_PAGE, _DECISION = "/oauth2/v1/auth", "/oauth2/v1/auth/decision"
_OPERATIONS = {
    _PAGE: OAUTH_PAGE,
    _DECISION: OAUTH_PAGE,
    "/v1/token": OAUTH_TOKEN,
    "/v1/exchange": OAUTH_EXCHANGE,
    "/v1/revoke": OAUTH_REVOKE,
}
_REDIRECT_URI = re.compile(r"http://127\.0\.0\.1:1234[5-9]/cli/callback", re.ASCII)
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_CODE_LASTS = timedelta(minutes=5)


@public("alicred.testing")
@attrs.frozen(kw_only=True)
class OAuthLogin:
    """What an OAuth login leaves behind. No secret shows in its ``repr``.

    Args:
        client_id: The application that logged in.
        access_token: Goes to ``/v1/exchange``.
        refresh_token: Goes to ``/v1/token``, once: used a second time, it ends the whole login.
        expires_at: End of the access token, on the cloud's clock.
    """

    client_id: str
    access_token: str = attrs.field(repr=False)
    refresh_token: str = attrs.field(repr=False)
    expires_at: datetime


@public("alicred.testing")
@attrs.frozen(kw_only=True)
class CloudSsoLogin:
    """What a CloudSSO login leaves behind. No secret shows in its ``repr``.

    Args:
        account_id: The account to work in.
        access_configuration_id: The access configuration to work with.
        access_token: Goes to ``/cloud-credentials``.
        expires_at: End of the access token, on the cloud's clock.
    """

    account_id: str
    access_configuration_id: str
    access_token: str = attrs.field(repr=False)
    expires_at: datetime


@attrs.frozen
class _Asked:
    """A login that a browser has asked for."""

    client_id: str
    redirect_uri: str
    state: str
    challenge: str
    ends_at: datetime


def bearer(request: Request) -> str:
    """The token in the ``Authorization`` header; empty if there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""


def proves(verifier: str, challenge: str) -> bool:
    """Whether *verifier* is the secret half of *challenge*, by S256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return 43 <= len(verifier) <= 128 and base64.urlsafe_b64encode(digest).decode("ascii").rstrip("=") == challenge


def must_be_post(request: Request) -> None:
    """Refuse every other method."""
    if request.method != "POST":
        raise Refused(405, "method_not_allowed")


class OAuth:
    """``/oauth2/v1/auth``, ``/v1/token``, ``/v1/exchange`` and ``/v1/revoke``. Thread-safe; nothing blocks."""

    def __init__(self, account: Account, role: Role, now: Callable[[], datetime], rules: LoginRules) -> None:
        self._account = account
        self._role = role
        self._now = now
        self._rules = rules
        self._asked: dict[str, _Asked] = {}
        self._codes: dict[str, _Asked] = {}
        self._lock = threading.Lock()
        self._access: dict[str, datetime] = {}
        self._refresh: dict[str, OAuthLogin] = {}
        self._spans: dict[str, timedelta] = {}
        self._used: dict[str, OAuthLogin] = {}  # each refresh token that is gone, and what it was exchanged for

    def login(self, client_id: str, span: timedelta) -> OAuthLogin:
        """A new login whose access tokens last *span*."""
        with self._lock:
            return self._new(client_id, span)

    def _new(self, client_id: str, span: timedelta) -> OAuthLogin:
        new = OAuthLogin(client_id=client_id, access_token=random_token(60), refresh_token=random_token(60), expires_at=self._now() + span)
        self._access[new.access_token] = new.expires_at
        self._refresh[new.refresh_token] = new
        self._spans[new.refresh_token] = span
        return new

    def operation(self, request: Request) -> str | None:
        return _OPERATIONS.get(request.path)

    def error_answer(self, refused: Refused, request_id: str) -> Answer:
        payload: dict[str, Json] = {"error": refused.code, "error_description": refused.message, "requestId": request_id}
        return json_answer(payload, refused.status, refused.headers)

    def handle(self, exchange: Exchange) -> Answer:
        request = exchange.request
        if request.path == _PAGE:
            return self._page(request)
        must_be_post(request)
        if request.path == _DECISION:
            return self._decided(request)
        if exchange.operation == OAUTH_TOKEN:
            return json_answer(self._tokens(request, exchange.request_id))
        if exchange.operation == OAUTH_REVOKE:
            return self._revoke(request)
        ends_at = self._access.get(bearer(request))
        if ends_at is None or self._now() >= ends_at:
            raise Refused(401, "invalid_token", "The access token is invalid or has expired.")
        session = {**credentials(self._account.open_role_session(OAUTH_EXCHANGE, self._role, "oauth")), "RequestId": exchange.request_id}
        if not self._rules.pascal_case:
            session = {name[0].lower() + name[1:]: value for name, value in session.items()}
        return json_answer(session)

    # --- the browser --------------------------------------------------------------------------------------------------------------

    def _page(self, request: Request) -> Answer:
        query = request.query
        problems = [
            name
            for name, is_right in {
                "response_type": query.get("response_type") == "code",
                "client_id": bool(query.get("client_id")),
                "redirect_uri": bool(_REDIRECT_URI.fullmatch(query.get("redirect_uri", ""))),
                "state": bool(query.get("state")),
                "code_challenge": bool(_CHALLENGE.fullmatch(query.get("code_challenge", ""))),
                "code_challenge_method": query.get("code_challenge_method") == "S256",
            }.items()
            if not is_right
        ]
        if request.method != "GET" or problems:
            return page("This is no request for a login", f"<p>Wrong or missing: {', '.join(problems) or 'the method'}", 400)
        asked = _Asked(query["client_id"], query["redirect_uri"], query["state"], query["code_challenge"], self._now() + _CODE_LASTS)
        sign_in = self._rules.sign_in
        if sign_in is SignIn.NOTHING:
            return page("You are not assigned to this application", "<p>Ask your administrator.")
        if sign_in is not SignIn.ASK:
            return self._back(asked, sign_in)
        name = random_text()
        with self._lock:
            self._asked[name] = asked
        return question("May official-cli act for you?", _DECISION, {"request": name})

    def _decided(self, request: Request) -> Answer:
        with self._lock:
            asked = self._asked.pop(request.form.get("request", ""), None)
        if asked is None:
            return page("This login is over", "", 400)
        return self._back(asked, SignIn.ALLOW if request.form.get("decision") == "allow" else SignIn.DENY)

    def _back(self, asked: _Asked, sign_in: SignIn) -> Answer:
        back = {"state": random_text() if sign_in is SignIn.WRONG_STATE else asked.state}
        if sign_in is SignIn.DENY:
            back |= {"error": "access_denied", "error_description": "The user has denied the request."}
        elif sign_in is not SignIn.NO_CODE:
            back["code"] = code = random_text(20)
            with self._lock:
                self._codes[code] = asked
        location = f"{asked.redirect_uri}?{urlencode(back)}"
        if sign_in is not SignIn.TWICE:
            return redirect(location)
        shown = html.escape(location)
        return page("Twice", f'<img src="{shown}" alt=""><meta http-equiv="refresh" content="1;url={shown}"><a href="{shown}">go on</a>')

    # --- tokens -------------------------------------------------------------------------------------------------------------------

    def _tokens(self, request: Request, request_id: str) -> dict[str, Json]:
        kind = request.form.get("grant_type")
        if kind == "refresh_token":
            new, refresh_token = self._rotate(request)
            more: dict[str, Json] = {}
        elif kind == "authorization_code":
            new = self._of_code(request)
            refresh_token = new.refresh_token
            more = {"id_token": random_text(60), "scope": "openid /internal/ram/usersts", "request_id": request_id}
        else:
            raise Refused(400, "unsupported_grant_type")
        seconds = round((new.expires_at - self._now()).total_seconds())
        found: dict[str, Json] = {
            "access_token": new.access_token,
            "expires_in": str(seconds) if self._rules.expires_in_as_text else seconds,
            "token_type": "Bearer",
            **more,
        }
        return {**found, "refresh_token": refresh_token} if refresh_token else found

    def _of_code(self, request: Request) -> OAuthLogin:
        form = request.form
        with self._lock:
            asked = self._codes.pop(form.get("code", ""), None)
            if asked is not None and asked.client_id != form.get("client_id"):
                raise Refused(401, "invalid_client", "The client is not the one that asked for the code.")
            is_right = (
                asked is not None
                and asked.redirect_uri == form.get("redirect_uri")
                and proves(form.get("code_verifier", ""), asked.challenge)
                and self._now() < asked.ends_at
            )
            if asked is None or not is_right:
                raise Refused(400, "invalid_grant", "The code is invalid, has been used or has expired.")
            return self._new(asked.client_id, self._rules.lasts)

    def _rotate(self, request: Request) -> tuple[OAuthLogin, str]:
        """The new tokens, and the refresh token that is handed out; empty if there is none."""
        form = request.form
        old = form.get("refresh_token", "")
        with self._lock:
            held = self._refresh.get(old)
            if held is None:
                self._end_login(old)
            if held is None or held.client_id != form.get("client_id"):
                raise Refused(400, "invalid_grant", "The refresh token is invalid, has been used or belongs to another client.")
            new = self._new(held.client_id, self._spans[old])
            if not self._rules.rotate:
                del self._refresh[new.refresh_token]
                return new, ""
            del self._refresh[old]
            self._used[old] = new
        return new, new.refresh_token

    def _revoke(self, request: Request) -> Answer:
        token = request.form.get("token", "")
        if not token:
            raise Refused(400, "invalid_request", "There is no token.")
        with self._lock:
            held = self._refresh.get(token)
            if held is not None and held.client_id != request.form.get("client_id"):
                raise Refused(401, "invalid_client", "The token belongs to another client.")
            if held is not None:
                del self._refresh[token]
                self._access.pop(held.access_token, None)
        return Answer(status=200)

    def _end_login(self, reused: str) -> None:
        """A refresh token that comes twice was stolen, or not saved: everything that came after it ends as well."""
        follower = self._used.get(reused)
        while follower is not None:
            self._access.pop(follower.access_token, None)
            self._refresh.pop(follower.refresh_token, None)
            follower = self._used.get(follower.refresh_token)
