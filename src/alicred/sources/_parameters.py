"""Checks of what sources are constructed with, beside those in `alicred.wire.checks`. None quotes a value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeGuard

from alicred.errors import ConfigurationError
from alicred.wire.checks import LONGEST_SESSION, check_duration, text


def optional_text(name: str, value: object) -> str | None:
    """*value*, if it is ``None`` or a string with something in it and without control characters."""
    return None if value is None else text(name, value)


def path(name: str, value: object) -> str:
    """The text of *value*, if it is a path with something in it."""
    if not _is_path(value):
        raise ConfigurationError(f"{name} must be a path, as a string or a pathlib.Path, not {type(value).__name__}")
    return text(name, os.fspath(value))


def _is_path(value: object) -> TypeGuard[str | os.PathLike[str]]:
    return isinstance(value, (str, os.PathLike))


def session_span(name: str, value: timedelta, at_most: timedelta = LONGEST_SESSION) -> timedelta:
    """*value*, if the service takes it as the life of temporary keys."""
    check_duration(name, value, at_most)
    return value


def environment(name: str, value: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """*value*, if it is a mapping or ``None``. The process's own environment becomes ``None``, which a pickle can take along."""
    instance(name, value, Mapping)
    return None if value is os.environ else value


def instance(name: str, value: object, kind: type) -> None:
    """Refuse what is neither ``None`` nor a *kind*."""
    if value is not None and not isinstance(value, kind):
        raise ConfigurationError(f"{name} must be a {kind.__name__} or None, not {type(value).__name__}")


def client(name: str, value: object, method: str) -> None:
    """Refuse a client that lacks the one *method* that its source calls."""
    if value is not None and not callable(getattr(value, method, None)):
        raise ConfigurationError(f"{name} must be None or have a method {method}(), as alicred's own client has")
