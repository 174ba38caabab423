"""What a fake cloud takes instead of a signature: OIDC tokens, SAML assertions, bearer tokens."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from datetime import datetime

import attrs

from alicred.testing.cloud.account import ACCOUNT_ID, random_text, random_token, wire_time
from alicred.testing.cloud.exchange import Refused

OIDC_PROVIDER = f"acs:ram::{ACCOUNT_ID}:oidc-provider/test-idp"
SAML_PROVIDER = f"acs:ram::{ACCOUNT_ID}:saml-provider/test-idp"


@attrs.frozen(kw_only=True)
class _Ticket:
    subject: str
    ends_at: datetime


class IssuedTokens:
    """The tokens that the identity provider of the account has signed. Thread-safe; nothing blocks."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._issued_tokens: dict[tuple[str, str], _Ticket] = {}

    def add_oidc(self, ends_at: datetime, subject: str) -> str:
        token = ".".join((random_text(18), random_text(60), random_text(48)))
        return self._add("oidc", token, ends_at, subject)

    def add_saml(self, ends_at: datetime, subject: str) -> str:
        assertion = base64.b64encode(f"<Response ID='{random_text(40)}'/>".encode()).decode("ascii")
        return self._add("saml", assertion, ends_at, subject)

    def add_bearer(self, ends_at: datetime) -> str:
        return self._add("bearer", random_token(48), ends_at, "")

    def _add(self, kind: str, token: str, ends_at: datetime, subject: str) -> str:
        with self._lock:
            self._issued_tokens[kind, token] = _Ticket(subject=subject, ends_at=ends_at)
        return token

    def check_oidc(self, provider: str, token: str) -> tuple[str, str]:
        """Subject and end of a token, which must be the very text that was handed out: not even a newline more.

        Raises:
            Refused: Unknown provider or token, or the token has expired.
        """
        if provider != OIDC_PROVIDER:
            raise Refused(400, "AuthenticationFail.NoPermission", "No such OIDC Provider registered.")
        ticket = self._issued_tokens.get(("oidc", token))
        if ticket is None:
            raise Refused(400, "AuthenticationFail.OIDCToken.Invalid", "This JsonWebToken is invalid.")
        if self._now() >= ticket.ends_at:
            raise Refused(400, "AuthenticationFail.OIDCToken.Expired", "This JsonWebToken is expired.")
        return ticket.subject, wire_time(ticket.ends_at)

    def check_saml(self, provider: str, assertion: str) -> str:
        """Subject of an assertion.

        Raises:
            Refused: Unknown provider or assertion, or the assertion has expired.
        """
        if provider != SAML_PROVIDER:
            raise Refused(404, "EntityNotExist.SAMLProvider", "The specified SAML provider does not exist.")
        ticket = self._issued_tokens.get(("saml", assertion))
        if ticket is None:
            raise Refused(401, "AuthenticationFail.SAMLAssertion.Invalid", "The SAML assertion is invalid.")
        if self._now() >= ticket.ends_at:
            raise Refused(401, "AuthenticationFail.SAMLAssertion.Expired", "The SAML assertion is expired.")
        return ticket.subject

    def check_bearer(self, token: str) -> None:
        """Whether a bearer token counts.

        Raises:
            Refused: It is unknown or has expired.
        """
        ticket = self._issued_tokens.get(("bearer", token))
        if ticket is None:
            raise Refused(401, "InvalidBearerToken", "Specified bearer token is not valid.")
        if self._now() >= ticket.ends_at:
            raise Refused(401, "InvalidBearerToken.Expired", "Specified bearer token is expired.")
