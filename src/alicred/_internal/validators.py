"""Validators for attrs values: each refuses a bad parameter in words that name it and its range."""

from __future__ import annotations

import math
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeGuard

from alicred.errors import ConfigurationError

if TYPE_CHECKING:
    import attrs

    Field = attrs.Attribute[Any]

ZERO = timedelta(0)


def refuse(instance: object, field: Field, must: str, value: object) -> ConfigurationError:
    """The error that says which parameter of which class must be what."""
    return ConfigurationError(f"{type(instance).__name__}.{field.name} must {must}, not {value!r}")


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def span(instance: object, field: Field, value: object) -> None:
    """A timedelta."""
    if not isinstance(value, timedelta):
        raise refuse(instance, field, "be a datetime.timedelta, such as timedelta(seconds=30)", value)


def not_negative(instance: object, field: Field, value: object) -> None:
    """A timedelta of zero or more."""
    if not isinstance(value, timedelta) or value < ZERO:
        raise refuse(instance, field, "be a datetime.timedelta of zero or more", value)


def positive(instance: object, field: Field, value: object) -> None:
    """A timedelta above zero."""
    if not isinstance(value, timedelta) or value <= ZERO:
        raise refuse(instance, field, "be a datetime.timedelta above zero", value)


def share(instance: object, field: Field, value: object) -> None:
    """A number from 0 to 1."""
    if not _is_number(value) or not 0 <= value <= 1:
        raise refuse(instance, field, "be a number from 0 to 1", value)


def at_least_one(instance: object, field: Field, value: object) -> None:
    """A number of 1 or more."""
    if not _is_number(value) or value < 1:
        raise refuse(instance, field, "be a number of 1 or more", value)


def count(instance: object, field: Field, value: object) -> None:
    """A whole number of 1 or more."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise refuse(instance, field, "be a whole number of 1 or more", value)


def optional_count(instance: object, field: Field, value: object) -> None:
    """A whole number of 1 or more, or nothing."""
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
        raise refuse(instance, field, "be a whole number of 1 or more, or None", value)


def optional_rate(instance: object, field: Field, value: object) -> None:
    """A number above zero, or nothing."""
    if value is not None and (not _is_number(value) or value <= 0):
        raise refuse(instance, field, "be a number above zero, or None", value)


def flag(instance: object, field: Field, value: object) -> None:
    """True or False."""
    if not isinstance(value, bool):
        raise refuse(instance, field, "be True or False", value)


def callable_(instance: object, field: Field, value: object) -> None:
    """Something to call."""
    if not callable(value):
        raise refuse(instance, field, "be callable", value)


class member_of:
    """A member of one enumeration."""

    def __init__(self, choices: type[Enum]) -> None:
        self._choices = choices

    def __call__(self, instance: object, field: Field, value: object) -> None:
        """Refuse what is no member."""
        if not isinstance(value, self._choices):
            names = " or ".join(f"{self._choices.__name__}.{choice.name}" for choice in self._choices)
            raise refuse(instance, field, f"be {names}", value)


class instance_of:
    """An instance of one class."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def __call__(self, instance: object, field: Field, value: object) -> None:
        """Refuse what is no instance."""
        if not isinstance(value, self._kind):
            raise refuse(instance, field, f"be a {self._kind.__name__}", value)


def unit_draw(u: float) -> None:
    """Refuse a random draw outside [0, 1)."""
    if not 0 <= u < 1:
        raise ConfigurationError(f"the random draw u must be at least 0 and below 1, not {u!r}")
