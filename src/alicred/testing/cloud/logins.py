"""What stands behind a login of the command line tool: OAuth, whose refresh tokens rotate, and CloudSSO."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import attrs

from alicred._internal.public import public
from alicred.testing.cloud.account import Account, Role, credentials, random_text, random_token
from alicred.testing.cloud.exchange import Answer, Exchange, Json, Refused, Request, json_answer

OAUTH_TOKEN, OAUTH_EXCHANGE, CLOUD_SSO = "OAuthToken", "OAuthExchange", "CloudSsoCredential"  # names of operations


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


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""


def _must_be_post(request: Request) -> None:
    if request.method != "POST":
        raise Refused(405, "method_not_allowed")


class OAuth:
    """``/v1/token`` and ``/v1/exchange``. Thread-safe; nothing blocks."""

    def __init__(self, account: Account, role: Role, now: Callable[[], datetime]) -> None:
        self._account = account
        self._role = role
        self._now = now
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
        return {"/v1/token": OAUTH_TOKEN, "/v1/exchange": OAUTH_EXCHANGE}.get(request.path)

    def error_answer(self, refused: Refused, request_id: str) -> Answer:
        payload: dict[str, Json] = {"error": refused.code, "error_description": refused.message, "requestId": request_id}
        return json_answer(payload, refused.status, refused.headers)

    def handle(self, exchange: Exchange) -> Answer:
        _must_be_post(exchange.request)
        if exchange.operation == OAUTH_TOKEN:
            return json_answer(self._rotate(exchange.request))
        ends_at = self._access.get(_bearer(exchange.request))
        if ends_at is None or self._now() >= ends_at:
            raise Refused(401, "invalid_token", "The access token is invalid or has expired.")
        session = credentials(self._account.open_role_session(OAUTH_EXCHANGE, self._role, "oauth"))
        return json_answer(
            {
                "requestId": exchange.request_id,
                "accessKeyId": session["AccessKeyId"],
                "accessKeySecret": session["AccessKeySecret"],
                "securityToken": session["SecurityToken"],
                "expiration": session["Expiration"],
            }
        )

    def _rotate(self, request: Request) -> dict[str, Json]:
        form = request.form
        if form.get("grant_type") != "refresh_token":
            raise Refused(400, "unsupported_grant_type")
        old = form.get("refresh_token", "")
        with self._lock:
            held = self._refresh.get(old)
            if held is None:
                self._end_login(old)
            if held is None or held.client_id != form.get("client_id"):
                raise Refused(400, "invalid_grant", "The refresh token is invalid, has been used or belongs to another client.")
            del self._refresh[old]
            span = self._spans[old]
            new = self._used[old] = self._new(held.client_id, span)
        return {
            "access_token": new.access_token,
            "refresh_token": new.refresh_token,
            "expires_in": span // timedelta(seconds=1),
            "token_type": "Bearer",
        }

    def _end_login(self, reused: str) -> None:
        """A refresh token that comes twice was stolen, or not saved: everything that came after it ends as well."""
        follower = self._used.get(reused)
        while follower is not None:
            self._access.pop(follower.access_token, None)
            self._refresh.pop(follower.refresh_token, None)
            follower = self._used.get(follower.refresh_token)


class CloudSso:
    """``/cloud-credentials``. Thread-safe; nothing blocks."""

    def __init__(self, account: Account, role: Role, now: Callable[[], datetime]) -> None:
        self._account = account
        self._role = role
        self._now = now
        self._lock = threading.Lock()
        self._logins: dict[str, CloudSsoLogin] = {}

    def login(self, span: timedelta) -> CloudSsoLogin:
        """A new login whose access token lasts *span*."""
        new = CloudSsoLogin(
            account_id=f"2{random_text(7)}",
            access_configuration_id=f"ac-{random_text(8)}",
            access_token=random_token(60),
            expires_at=self._now() + span,
        )
        with self._lock:
            self._logins[new.access_token] = new
        return new

    def operation(self, request: Request) -> str | None:
        return CLOUD_SSO if request.path == "/cloud-credentials" else None

    def error_answer(self, refused: Refused, request_id: str) -> Answer:
        payload: dict[str, Json] = {"ErrorCode": refused.code, "ErrorMessage": refused.message, "RequestId": request_id}
        return json_answer(payload, refused.status, refused.headers)

    def handle(self, exchange: Exchange) -> Answer:
        _must_be_post(exchange.request)
        login = self._logins.get(_bearer(exchange.request))
        if login is None or self._now() >= login.expires_at:
            raise Refused(401, "InvalidAccessToken", "The access token is invalid or has expired.")
        wanted: Json = {"AccountId": login.account_id, "AccessConfigurationId": login.access_configuration_id}
        if _json(exchange.request.body) != wanted:
            raise Refused(403, "NoPermission", "The user may not use this access configuration in this account.")
        key = self._account.open_role_session(CLOUD_SSO, self._role, "cloud-sso")
        return json_answer({"CloudCredential": credentials(key), "RequestId": exchange.request_id})


def _json(body: bytes) -> Json:
    try:
        parsed: Json = json.loads(body)
    except ValueError:
        return None
    return parsed
