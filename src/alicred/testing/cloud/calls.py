"""What a fake cloud remembers of the requests that came in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta

import attrs

from alicred._internal.public import public

_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie")


@public("alicred.testing")
@attrs.frozen(kw_only=True)
class Call:
    """One request and what the cloud made of it. It holds no secret.

    Args:
        operation: ``"AssumeRole"``, ``"RecognizeCharacter"`` and the like for signed calls; ``"MetadataToken"``, ``"MetadataRole"``,
            ``"MetadataCredential"``, ``"CredentialsUri"``; ``"OAuthPage"``, ``"OAuthToken"``, ``"OAuthExchange"``, ``"OAuthRevoke"``;
            ``"CloudSsoDevice"``, ``"CloudSsoPage"``, ``"CloudSsoToken"``, ``"CloudSsoAccounts"``, ``"CloudSsoAccessConfigurations"``,
            ``"CloudSsoCredential"``; ``""`` for anything else.
        at: Seconds since the cloud was made, on its own clock, when the request had arrived.
        access_key_id: The key that the request claims to be signed with; ``""`` without a signature.
        accepted: Whether the cloud did what it was asked to do. A fault that only spoils the answer changes nothing about that.
        code: The error code if it did not.
        status: HTTP status of the answer.
        method: The request's method.
        path: The request's path, without the query.
        over_tls: Whether the request came over TLS.
        fault: Name of the fault that was in play, such as ``"Throttling"``; several are joined by ``+``.
        headers: The request's headers, by lower-case name, without those that hold secrets.
    """

    operation: str
    at: float
    access_key_id: str
    accepted: bool
    code: str
    status: int
    method: str
    path: str
    over_tls: bool
    fault: str
    headers: Mapping[str, str] = attrs.field(repr=False)


@public("alicred.testing")
@attrs.frozen(kw_only=True, repr=False)
class RawRequest:
    """One request byte for byte, secrets included, for tests that look for a secret in the wrong place. Its ``repr`` shows nothing.

    Args:
        line: Method, target with query, and version.
        headers: Names in lower case, and values.
        body: The body.
    """

    line: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return "<RawRequest>"


def without_secrets(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that may be shown."""
    return {name: value for name, value in headers.items() if not (name in _SECRET_HEADERS or name.endswith("token"))}


class Journal:
    """What came in. Thread-safe; only `wait_for` blocks."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._calls: list[Call] = []
        self._raw: list[RawRequest] = []

    def arrived(self, raw: RawRequest) -> None:
        with self._changed:
            self._raw.append(raw)

    def decided(self, call: Call) -> None:
        with self._changed:
            self._calls.append(call)
            self._changed.notify_all()

    def calls(self) -> tuple[Call, ...]:
        with self._changed:
            return tuple(self._calls)

    def raw(self) -> tuple[RawRequest, ...]:
        with self._changed:
            return tuple(self._raw)

    def wait_for(self, enough: Callable[[tuple[Call, ...]], bool], within: timedelta) -> bool:
        """Wait until *enough* says so, at most *within*; whether it did."""
        with self._changed:
            return self._changed.wait_for(lambda: enough(tuple(self._calls)), within.total_seconds())
