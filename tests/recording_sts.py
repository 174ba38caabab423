"""A stand-in for `StsClient` that keeps what it was asked, for tests of the sources that ask it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from alicred.credential import Credential

ENDS_AT = datetime(2030, 1, 1, tzinfo=timezone.utc)
SESSION = Credential("session-id", "session-secret", "session-token", ENDS_AT)
HOUR = timedelta(hours=1)


class RecordingSts:
    """Answers each call with the next of *answers* (an error is raised, a function is called); the last one is repeated."""

    def __init__(self, *answers: object) -> None:
        self.answers = answers or (SESSION,)
        self.calls: list[dict[str, Any]] = []

    def assume_role(self, credential: Credential, **arguments: Any) -> Credential:
        return self._answer(operation="assume_role", credential=credential, **arguments)

    def assume_role_with_oidc(self, **arguments: Any) -> Credential:
        return self._answer(operation="assume_role_with_oidc", **arguments)

    def assume_role_with_saml(self, **arguments: Any) -> Credential:
        return self._answer(operation="assume_role_with_saml", **arguments)

    def generate_session_access_key(self, **arguments: Any) -> Credential:
        return self._answer(operation="generate_session_access_key", **arguments)

    def _answer(self, **call: Any) -> Credential:
        self.calls.append(call)
        answer = self.answers[min(len(self.calls), len(self.answers)) - 1]
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Credential)
        return answer
