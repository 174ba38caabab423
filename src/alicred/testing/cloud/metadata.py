"""The metadata service of a fake instance, and a credentials URI."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from alicred.testing.cloud.account import Account, Role, credentials, random_token, wire_time
from alicred.testing.cloud.exchange import Answer, Exchange, Json, Refused, Request, json_answer, text_answer

TOKEN, ROLE, CREDENTIAL, URI = "MetadataToken", "MetadataRole", "MetadataCredential", "CredentialsUri"

_TOKEN_PATH = "/latest/api/token"
_ROLE_PATH = "/latest/meta-data/ram/security-credentials/"
_URI_PATH = "/credentials"
_TTL = "x-aliyun-ecs-metadata-token-ttl-seconds"
_LONGEST_TTL = 21600


class Metadata:
    """Metadata v1 and v2. Thread-safe; nothing blocks.

    Args:
        account: Hands out the sessions.
        now: The cloud's clock.
        versions: Whether v1, and whether v2, is switched on at the moment.
    """

    def __init__(self, account: Account, now: Callable[[], datetime], versions: Callable[[], tuple[bool, bool]]) -> None:
        self._account = account
        self._now = now
        self._versions = versions
        self._lock = threading.Lock()
        self._tokens: dict[str, datetime] = {}
        self.role: Role | None = None

    def operation(self, request: Request) -> str | None:
        if request.path == _TOKEN_PATH:
            return TOKEN
        if request.path.startswith(_ROLE_PATH):
            return CREDENTIAL if request.path[len(_ROLE_PATH) :] else ROLE
        return None

    def error_answer(self, refused: Refused, request_id: str) -> Answer:
        page = f"<?xml version='1.0'?><html><head><title>{refused.status} - {refused.code}</title></head></html>"
        return text_answer(page, refused.status, "text/html")

    def handle(self, exchange: Exchange) -> Answer:
        request = exchange.request
        if exchange.operation == TOKEN:
            return text_answer(self._new_token(request))
        if request.method != "GET":
            raise Refused(405, "MethodNotAllowed")
        self._check_token(request)
        if self.role is None:
            raise Refused(404, "NotFound", "this instance has no role")
        if exchange.operation == ROLE:
            return text_answer(self.role.name)
        if request.path != _ROLE_PATH + self.role.name:
            raise Refused(404, "NotFound", "this instance has another role")
        key = self._account.open_role_session(CREDENTIAL, self.role, "i-fake-instance")
        payload: dict[str, Json] = {**credentials(key), "LastUpdated": wire_time(self._now()), "Code": "Success"}
        return json_answer(payload)

    def _new_token(self, request: Request) -> str:
        ttl = request.headers.get(_TTL, "")
        if not self._versions()[1]:
            raise Refused(404, "NotFound", "metadata v2 is switched off")
        if request.method != "PUT":
            raise Refused(405, "MethodNotAllowed")
        if not (ttl.isascii() and ttl.isdigit() and 1 <= int(ttl) <= _LONGEST_TTL):
            raise Refused(400, "BadRequest", "the ttl is not 1 to 21600 seconds")
        token = random_token(30)
        with self._lock:
            self._tokens[token] = self._now() + timedelta(seconds=int(ttl))
        return token

    def _check_token(self, request: Request) -> None:
        v1, v2 = self._versions()
        token = request.headers.get("x-aliyun-ecs-metadata-token") if v2 else None
        if token is None:
            if not v1:
                raise Refused(403, "Forbidden", "a token is needed")
            return
        ends_at = self._tokens.get(token)
        if ends_at is None or self._now() >= ends_at:
            raise Refused(403, "Forbidden", "the token is not valid")


class CredentialsUri:
    """Hands out a session of one role to any caller. Thread-safe; nothing blocks."""

    def __init__(self, account: Account, role: Role) -> None:
        self._account = account
        self._role = role

    def operation(self, request: Request) -> str | None:
        return URI if request.path == _URI_PATH else None

    def error_answer(self, refused: Refused, request_id: str) -> Answer:
        return json_answer({"Code": refused.code, "Message": refused.message, "RequestId": request_id}, refused.status, refused.headers)

    def handle(self, exchange: Exchange) -> Answer:
        if exchange.request.method != "GET":
            raise Refused(405, "MethodNotAllowed")
        key = self._account.open_role_session(URI, self._role, "credentials-uri")
        return json_answer({**credentials(key), "Code": "Success"})
