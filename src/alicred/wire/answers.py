"""Answers as values. Whatever is not as promised is a typed error that names what is missing, and quotes nothing of the body."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, TypeGuard

import alicred._internal.checks as check
from alicred.credential import Credential
from alicred.errors import ConfigurationError
from alicred.wire.operation import Operation
from alicred.wire.service_errors import service_error

if TYPE_CHECKING:
    from alicred.wire.response import HttpResponse

_EXPIRATION = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?Z", re.ASCII)


def json_object(response: HttpResponse, *, operation: Operation) -> Mapping[str, object]:
    """The JSON object in the body of *response*.

    Args:
        response: The answer.
        operation: What was being done, for the error.

    Raises:
        MalformedResponseError: The body is anything else.
    """
    found = parse_object(response.body)
    if found is None:
        raise operation.malformed("the answer is not a JSON object", status=response.status)
    return found


def parse_object(body: bytes) -> Mapping[str, object] | None:
    """The JSON object in *body*; ``None`` if it holds anything else."""
    try:
        found: object = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if is_object(found) else None


def is_object(value: object) -> TypeGuard[Mapping[str, object]]:
    """Whether *value*, a part of a JSON text, is an object."""
    return isinstance(value, dict)  # JSON has no keys but strings


def member(found: Mapping[str, object], name: str) -> object:
    """The member *name*, written in PascalCase as it is given or in camelCase; ``None`` if neither is there."""
    return found[name] if name in found else found.get(name[0].lower() + name[1:])


def successful(
    response: HttpResponse, *, operation: Operation, secrets: Iterable[str] = (), string_to_sign: str | None = None
) -> Mapping[str, object]:
    """The JSON object of an answer that says that all is well: HTTP 200 and, where there is a ``Code``, ``Success``.

    Args:
        response: The answer.
        operation: What was being done, for the error.
        secrets: What was sent and must not show, in case the service's own message quotes it.
        string_to_sign: What was signed, to tell a wrong secret from a wrong signature. It shows in no text.

    Raises:
        ProviderError: The service refused; the type says whether trying again may help.
        MalformedResponseError: The answer is no JSON object, or the status is none that is promised.
    """
    if response.status >= 400:
        raise service_error(
            response, parse_object(response.body) or {}, operation=operation, secrets=secrets, string_to_sign=string_to_sign
        )
    if response.status != 200:
        raise operation.malformed("the answer has none of the promised statuses", status=response.status)
    found = json_object(response, operation=operation)
    code = member(found, "Code")
    if code is not None and code != "Success":
        raise service_error(response, found, operation=operation, secrets=secrets, string_to_sign=string_to_sign)
    return found


def nested(found: Mapping[str, object], name: str, *, operation: Operation, status: int | None = None) -> Mapping[str, object]:
    """The object that is the member *name*.

    Raises:
        MalformedResponseError: There is none.
    """
    inner = member(found, name)
    if not is_object(inner):
        raise operation.malformed(f"the answer lacks {name}", status=status)
    return inner


def texts(found: Mapping[str, object], *names: str, operation: Operation, status: int | None = None) -> tuple[str, ...]:
    """The members *names*, each a string with something in it; what `bare` drops is dropped.

    Raises:
        MalformedResponseError: One or more are not there, empty or no strings; the text names all of those.
    """
    values = [member(found, name) for name in names]
    good = [check.bare(value) if isinstance(value, str) else "" for value in values]
    lacking = [name for name, value in zip(names, good, strict=True) if not value]
    if lacking:
        raise operation.malformed(f"the answer lacks {', '.join(lacking)}", status=status)
    return tuple(good)


def credential(
    found: Mapping[str, object],
    *,
    operation: Operation,
    status: int | None = None,
    prefix: str = "",
    token: bool = True,
    must_end: bool = True,
) -> Credential:
    """The temporary key that *found* holds as ``AccessKeyId``, ``AccessKeySecret``, ``SecurityToken`` and ``Expiration``.

    Args:
        found: An object of an answer.
        operation: What was being done, for the error.
        status: HTTP status of the answer.
        prefix: What stands before ``AccessKeyId`` and ``AccessKeySecret``.
        token: Whether there must be a ``SecurityToken``.
        must_end: Whether there must be an ``Expiration``; without one, or with an empty one, the key has no ``expires_at``.

    Raises:
        MalformedResponseError: A member is not there, empty, no string, or not what it should be.
    """
    ends = must_end or member(found, "Expiration") not in (None, "")
    names = [f"{prefix}AccessKeyId", f"{prefix}AccessKeySecret", *(["SecurityToken"] if token else []), *(["Expiration"] if ends else [])]
    key_id, secret, *others = texts(found, *names, operation=operation, status=status)
    expires_at = expiration(others.pop()) if ends else None
    if ends and expires_at is None:
        raise operation.malformed("Expiration in the answer is no time such as 2030-01-31T12:00:00Z", status=status)
    return usable_key(key_id, secret, others[0] if token else None, expires_at, operation=operation, status=status)


def usable_key(
    key_id: str, secret: str, token: str | None, expires_at: datetime | None, *, operation: Operation, status: int | None = None
) -> Credential:
    """The key that an answer holds.

    Raises:
        MalformedResponseError: A part cannot be one of a key; the text names it.
    """
    try:
        return Credential(key_id, secret, token, expires_at)
    except ConfigurationError as error:
        problem = error.message
    raise operation.malformed(f"the answer holds an unusable key ({problem})", status=status)


def expiration(value: str) -> datetime | None:
    """The moment that ``YYYY-MM-DDTHH:MM:SS[.fraction]Z`` means, in UTC; ``None`` if *value* is anything else.

    A leap second counts as the first moment after it. Nothing is guessed: other zones, other lengths and days that do not exist
    are refused, for a key that seems to live longer than it does fails at its user's.
    """
    found = _EXPIRATION.fullmatch(value)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(number) for number in found.groups()[:6])
    leap = second == 60
    try:
        moment = datetime(year, month, day, hour, minute, 59 if leap else second, tzinfo=timezone.utc)
        if leap:
            return moment + timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None
    return moment.replace(microsecond=int((found[7] or "").ljust(6, "0")[:6]))
