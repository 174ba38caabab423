"""Whether what a provider returned is a value at all."""

from __future__ import annotations

from datetime import datetime, timezone
from inspect import iscoroutine

from alicred.credential import C
from alicred.errors import MalformedResponseError


def utc(moment: datetime) -> str:
    """*moment* for a text, in UTC."""
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def checked(value: C, provider: str) -> C:
    """*value* itself, if it knows its end.

    Raises:
        MalformedResponseError: It has no ``expires_at`` that is ``None`` or a datetime with a time zone.
    """
    expires_at: object = getattr(value, "expires_at", "")
    if expires_at is None or (isinstance(expires_at, datetime) and expires_at.utcoffset() is not None):
        return value
    found: object = value
    if iscoroutine(found):
        found.close()
        problem = "get() is a coroutine function: write it without async, aget() runs it on a thread"
    elif expires_at == "":
        problem = f"get() returned a {type(value).__name__}, which has no expires_at: return a Credential or another value with an end"
    else:
        problem = f"get() returned a {type(value).__name__} whose expires_at is neither None nor a datetime with a time zone"
    raise MalformedResponseError(problem, provider=provider)
