"""How variables are read: at the time of use, never at import. Pure functions of the mapping that they are given."""

from __future__ import annotations

from collections.abc import Mapping

from alicred.errors import ConfigurationError

_TRUE = frozenset({"true", "1", "yes"})


def variable(environ: Mapping[str, str], name: str) -> str | None:
    """The value of *name* without surrounding white space, such as the newline of a mounted secret; ``None`` if it is empty or not set."""
    return _text(name, environ.get(name, "")) or None


def is_true(environ: Mapping[str, str], name: str) -> bool:
    """Whether *name* is ``true``, ``1`` or ``yes``, in any case. Anything else, and nothing, is false."""
    return _text(name, environ.get(name, "")).lower() in _TRUE


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"the variable {name} must be a string, not {type(value).__name__}")
    return value.strip()
