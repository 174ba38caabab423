"""A credential that the program already has."""

from __future__ import annotations

from typing import Generic

from alicred._internal.public import public
from alicred.credential import BearerToken, C, Credential, named
from alicred.errors import ConfigurationError
from alicred.sources._source import Source


@public("alicred")
class StaticProvider(Source, Generic[C]):
    """Always the same value. Immutable: thread-, task- and fork-safe, picklable; `get` never blocks.

    Its name says what it holds: ``static_ak`` for an access key, ``static_sts`` for one with a security token, ``bearer`` for a
    bearer token, ``static`` for a value of any other type. A value that does not say where it came from gets that name as its
    ``provider_name``. One that ends is handed out past its end too: judging that is the business of a cache and of the service.

    Args:
        credential: A `Credential`, a `BearerToken`, or anything else with ``expires_at``.
        name: What this source is called, if not one of those.

    Raises:
        ConfigurationError: *credential* is no such value, or *name* is no name.
    """

    _asks_each_time = False

    def __init__(self, credential: C, *, name: str | None = None) -> None:
        given: object = credential
        if isinstance(given, type) or not hasattr(given, "expires_at"):
            raise ConfigurationError(f"StaticProvider.credential must be a Credential or a BearerToken, not {type(credential).__name__}")
        super().__init__("StaticProvider", _kind(credential), name)
        self._credential = _named(credential, self._name)

    def get(self) -> C:
        """The value."""
        return self._credential

    def __repr__(self) -> str:
        return f"StaticProvider({self._credential!r})"


def _kind(value: object) -> str:
    if isinstance(value, Credential):
        return "static_sts" if value.security_token else "static_ak"
    return "bearer" if isinstance(value, BearerToken) else "static"


def _named(value: C, name: str) -> C:
    if isinstance(value, (Credential, BearerToken)) and not value.provider_name:
        return named(value, name, origin="" if value.origin else "the program itself")
    return value
