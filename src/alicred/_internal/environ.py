"""How variables are read: at the time of use, never at import. Pure functions of the mapping that they are given."""

from __future__ import annotations

from collections.abc import Mapping

import alicred._internal.checks as check
from alicred.errors import ConfigurationError

_TRUE = frozenset({"true", "1", "yes"})


def variable(environ: Mapping[str, str], name: str) -> str | None:
    """The value of *name* without surrounding white space, such as the newline of a mounted secret; ``None`` if it is empty or not set."""
    return _text(name, environ.get(name, "")) or None


def key_variable(environ: Mapping[str, str], name: str) -> str | None:
    """As `variable`, for an id, a secret or a token.

    Raises:
        ConfigurationError: The value can be none; the text names the variable.
    """
    value = variable(environ, name)
    return None if value is None else check.key_text(name, value)


def is_true(environ: Mapping[str, str], name: str) -> bool:
    """Whether *name* is ``true``, ``1`` or ``yes``, in any case. Anything else, and nothing, is false."""
    return _text(name, environ.get(name, "")).lower() in _TRUE


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise ConfigurationError(f"the variable {name} must be a string, not {type(value).__name__}")
    return check.whole(name, check.bare(value))
