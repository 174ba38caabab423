"""Refuses arguments of the wrong type in words that name them, for callers that no type checker has looked at."""

from __future__ import annotations

from alicred.errors import ConfigurationError


def require(value: object, kind: type, name: str) -> None:
    """Refuse *value*, given as the parameter *name*, unless it is a *kind*."""
    if not isinstance(value, kind):
        raise ConfigurationError(f"{name} must be a {kind.__name__}, not a {type(value).__name__}")


def require_provider(value: object, name: str) -> None:
    """Refuse *value*, given as the parameter *name*, unless it looks like a provider."""
    if isinstance(value, type) or not callable(getattr(value, "get", None)) or not hasattr(value, "name"):
        kind = f"the class {value.__name__}" if isinstance(value, type) else f"a {type(value).__name__}"
        raise ConfigurationError(f"{name} must be a provider, an object with a name and a get() method, not {kind}")
