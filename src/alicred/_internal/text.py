"""How values are written in texts for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeGuard

if TYPE_CHECKING:
    import attrs


_SHORTEST_SECRET = 30
_BASE64_SIGNS = dict.fromkeys(map(ord, "+/="))


def utc(moment: datetime) -> str:
    """*moment* for a text, in UTC."""
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def until(end: datetime | None) -> str:
    """How long something is valid that ends at *end*; ``None`` means never."""
    return "without an end" if end is None else f"valid until {utc(end)}"


def is_like_secret(text: str, *, is_name: bool = False) -> bool:
    """Whether *text* looks like the secret of a key, or a token: 30 letters and digits or more, as no access key id is.

    Where it *is_name* that belongs there, it must hold a digit as well.
    """
    if is_name and not any(map(str.isdigit, text)):
        return False
    plain = text.translate(_BASE64_SIGNS)
    return len(text) >= _SHORTEST_SECRET and plain.isascii() and plain.isalnum() and not text.startswith("LTAI")


def key_id_text(access_key_id: str) -> str:
    """*access_key_id* for a text; only its first characters if it is, as it seems, the secret."""
    if not is_like_secret(access_key_id):
        return access_key_id
    return f"{access_key_id[:4]}... (which looks like a secret; id and secret may have been exchanged)"


def name_text(name: str) -> str:
    """*name* for a text; only its first characters if it is, as it seems, a secret."""
    return f"{name[:4]}..." if is_like_secret(name, is_name=True) else name


def code(value: object) -> str:
    """*value* as one writes it in a program that imports the names of `datetime`: ``timedelta(minutes=10)``."""
    if isinstance(value, timedelta):
        return f"timedelta({_parts(value)})"
    if isinstance(value, datetime) and value.tzinfo is timezone.utc:
        parts = [*value.timetuple()[:6], *[value.microsecond] * bool(value.microsecond)]
        return f"datetime({', '.join(map(str, parts))}, tzinfo=timezone.utc)"
    if _is_tuple(value):
        return f"({', '.join(map(code, value))}{',' * (len(value) == 1)})"
    return f"{type(value).__name__}.{value.name}" if isinstance(value, Enum) else repr(value)


def _is_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    return type(value) is tuple


def _parts(span: timedelta) -> str:
    """The argument of `timedelta` that makes *span*, in the largest unit that divides it."""
    unit = next((unit for unit in ("days", "hours", "minutes", "seconds") if not span % timedelta(**{unit: 1})), None)
    if not span:
        return "0"
    return f"{unit}={span // timedelta(**{unit: 1})}" if unit else f"seconds={span.total_seconds()}"


def reads_like_code(_: type, fields: Sequence[attrs.Attribute[Any]]) -> list[attrs.Attribute[Any]]:
    """Have the ``repr`` of an attrs class show its fields as `code` does: its ``field_transformer``."""
    return [field.evolve(repr=code) if field.repr is True else field for field in fields]
