"""How variables are read: at the time of use, never at import. Pure functions of the mapping that they are given."""

from __future__ import annotations

from collections.abc import Mapping

_TRUE = frozenset({"true", "1", "yes"})


def variable(environ: Mapping[str, str], name: str) -> str | None:
    """The value of *name* without surrounding white space, such as the newline of a mounted secret; ``None`` if it is empty or not set."""
    return environ.get(name, "").strip() or None


def is_true(environ: Mapping[str, str], name: str) -> bool:
    """Whether *name* is ``true``, ``1`` or ``yes``, in any case. Anything else, and nothing, is false."""
    return environ.get(name, "").strip().lower() in _TRUE
