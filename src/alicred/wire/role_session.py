"""Checks of what a role session is asked for with."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeGuard

import alicred._internal.checks as check
from alicred.errors import ConfigurationError

SHORTEST_SESSION = timedelta(seconds=900)
LONGEST_SESSION = timedelta(seconds=43200)
LONGEST_KEY_PAIR_SESSION = timedelta(seconds=3600)
_ROLE_ARN = re.compile(r"acs:ram::[0-9]+:role/(?!\.{1,2}$)[!-~]+", re.ASCII)


def check_duration(name: str, value: object, at_most: timedelta = LONGEST_SESSION) -> int:
    """The seconds of *value*, if it is a timedelta of 900 s up to *at_most*, both included; a fraction of a second is cut off."""
    if not isinstance(value, timedelta) or not SHORTEST_SESSION <= value <= at_most:
        least, most = int(SHORTEST_SESSION.total_seconds()), int(at_most.total_seconds())
        raise ConfigurationError(f"{name} must be a datetime.timedelta of {least} s to {most} s, not {value!r}")
    return int(value.total_seconds())


def is_role_arn(text: str) -> bool:
    """Whether *text* has the form of a role's ARN."""
    return _ROLE_ARN.fullmatch(text) is not None


def role_arn_text(name: str, value: object, *, any_form: bool = False) -> str:
    """The ARN of a role; with *any_form* any text, which the service will judge."""
    text = check.text(name, value)
    if not (any_form or is_role_arn(text)):
        raise ConfigurationError(f"{name} is no ARN of a role. Give acs:ram::<account>:role/<name>, with the number of the account")
    return text


def _is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping)


def _no_number(text: str) -> None:
    raise ValueError  # NaN and the infinities, which Python's parser takes for JSON


def policy_text(name: str, value: object, *, any_form: bool = False) -> str | None:
    """A session policy as the service takes it: a string as it is, a mapping as compact JSON; ``None`` stays ``None``.

    A string must be a JSON object; with *any_form* it may be any text, which the service will judge.
    """
    if value is None:
        return None
    import json

    if isinstance(value, str):
        if not value.strip():
            raise ConfigurationError(f"{name} is empty. Give the whole policy, or None for no restriction")
        if any_form:
            return check.whole(name, value)
        found: object = None
        with contextlib.suppress(ValueError, RecursionError):  # those errors may quote the policy, so none may become the context of ours
            found = json.loads(value, parse_constant=_no_number)
        if not isinstance(found, dict):
            raise ConfigurationError(f"{name} is no JSON object. Give the policy as JSON text or as a mapping, or None for no restriction")
        return check.whole(name, value)
    if not _is_mapping(value):
        raise ConfigurationError(f"{name} must be a JSON string, a mapping or None, not {type(value).__name__}")
    text: str | None = None
    with contextlib.suppress(TypeError, ValueError, RecursionError):  # as above
        text = json.dumps(dict(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if text is not None:
        return check.whole(name, text)
    raise ConfigurationError(f"{name} cannot be written as JSON. Use strings, numbers, lists and mappings only")


def session_span(name: str, value: timedelta, at_most: timedelta = LONGEST_SESSION) -> timedelta:
    """*value*, if the service takes it as the life of temporary keys."""
    check_duration(name, value, at_most)
    return value
