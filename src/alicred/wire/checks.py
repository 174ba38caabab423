"""Checks of what a client is given. Each refuses in words that name the parameter, and none quotes a text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TypeGuard

from alicred.errors import ConfigurationError

SHORTEST_SESSION = timedelta(seconds=900)
LONGEST_SESSION = timedelta(seconds=43200)
LONGEST_KEY_PAIR_SESSION = timedelta(seconds=3600)


def has_control_characters(text: str) -> bool:
    """Whether *text* holds what can stand in no header, no URL and no key."""
    return any(c < " " or "\x7f" <= c <= "\x9f" for c in text)


def text(name: str, value: object) -> str:
    """*value*, if it is a string with something in it and without control characters."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{name} must be a string, not {type(value).__name__}")
    if not value.strip():
        raise ConfigurationError(f"{name} is empty: give the whole value")
    if has_control_characters(value):
        raise ConfigurationError(f"{name} holds a control character, such as a newline: remove it")
    return value


def span(name: str, value: object) -> timedelta:
    """*value*, if it is a timedelta above zero and short enough for the system to wait for: a day at most."""
    if not isinstance(value, timedelta) or not timedelta(0) < value <= timedelta(days=1):
        raise ConfigurationError(f"{name} must be a datetime.timedelta above zero and of at most a day, not {value!r}")
    return value


def flag(name: str, value: object) -> bool:
    """*value*, if it is a truth value."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{name} must be True or False, not {type(value).__name__}")
    return value


def check_duration(name: str, value: object, at_most: timedelta = LONGEST_SESSION) -> int:
    """The seconds of *value*, if it is a timedelta of 900 s up to *at_most*, both included; a fraction of a second is cut off."""
    if not isinstance(value, timedelta) or not SHORTEST_SESSION <= value <= at_most:
        least, most = int(SHORTEST_SESSION.total_seconds()), int(at_most.total_seconds())
        raise ConfigurationError(f"{name} must be a datetime.timedelta of {least} s to {most} s, not {value!r}")
    return int(value.total_seconds())


def _is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping)


def policy_text(name: str, value: object) -> str | None:
    """A session policy as the service takes it: a string as it is, a mapping as compact JSON; ``None`` stays ``None``."""
    if value is None:
        return None
    if isinstance(value, str):
        if not value.strip():
            raise ConfigurationError(f"{name} is empty: give the whole policy, or None for no restriction")
        return value
    import json

    if not _is_mapping(value):
        raise ConfigurationError(f"{name} must be a JSON string, a mapping or None, not {type(value).__name__}")
    try:
        return json.dumps(dict(value), ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        pass  # those errors may quote the policy, so none may become the context of ours
    raise ConfigurationError(f"{name} cannot be written as JSON: use strings, numbers, lists and mappings only")
