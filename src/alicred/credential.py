"""The values that everything else is about. They are immutable, and their secrets show in no text."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import attrs

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred.errors import ConfigurationError, SourceReport

if TYPE_CHECKING:
    Field = attrs.Attribute[Any]


@public("alicred")
class Expiring(Protocol):
    """Anything that a cache can hold: a value that knows when it ends."""

    @property
    def expires_at(self) -> datetime | None:
        """The moment at which the value ends, timezone-aware; ``None`` means never."""
        ...


C = TypeVar("C", bound=Expiring)
C_co = TypeVar("C_co", bound=Expiring, covariant=True)


def _text(instance: object, field: Field, value: object) -> None:
    check.key_text(f"{type(instance).__name__}.{field.name}", value)


def _aware(instance: object, field: Field, value: object) -> None:
    name = f"{type(instance).__name__}.{field.name}"
    moment = check.moment(name, value)
    try:
        moment.astimezone(timezone.utc)
    except OverflowError:
        raise ConfigurationError(f"{name} is beyond what a datetime in UTC can say. Give None for what never ends") from None


def _text_or_nothing(instance: object, field: Field, value: object) -> None:
    if value not in (None, ""):
        _text(instance, field, value)


def _set(instance: object, name: str, value: object) -> None:
    # The one moment at which a frozen value changes: at the end of its own construction. An attrs converter would do, but
    # pyright takes a converted field for a descriptor, which then does not match the protocol `Expiring`.
    object.__setattr__(instance, name, value)


@public("alicred")
@attrs.frozen
class Credential:
    """An access key, with a security token if it is a temporary one. A value: share it freely; hashable and picklable.

    Keys and tokens are printable ASCII. A source drops white space and byte order marks around what it reads; here they are refused, as
    every other character that no key has.

    Args:
        access_key_id: Identifies the key; not a secret.
        access_key_secret: Signs requests. Never in ``repr``, ``str``, a log or an error text.
        security_token: Goes along with a temporary key; the empty string counts as ``None``. As secret as the key.
        expires_at: When the key ends, as the service said it, timezone-aware, kept in UTC; ``None`` means never.
        provider_name: The providers that it came through, for example ``"default/cli_profile/ram_role_arn"``. No part of equality.
        origin: Where it came from, in words: variables, a profile with its file and mode, a role. No part of equality.
        obtained_with: The identity that a role was assumed with. No part of equality.

    Raises:
        ConfigurationError: A part is empty, is no string or cannot be part of a key, or *expires_at* has no time zone.
    """

    access_key_id: str = attrs.field(validator=_text)
    access_key_secret: str = attrs.field(repr=False, validator=_text)
    security_token: str | None = attrs.field(default=None, repr=False, validator=_text_or_nothing)
    expires_at: datetime | None = attrs.field(default=None, validator=attrs.validators.optional(_aware))
    provider_name: str = attrs.field(default="", repr=False, eq=False)
    origin: str = attrs.field(default="", repr=False, eq=False, kw_only=True)
    obtained_with: SourceReport | None = attrs.field(default=None, repr=False, eq=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.security_token == "":
            _set(self, "security_token", None)
        if self.expires_at is not None and self.expires_at.tzinfo is not timezone.utc:
            _set(self, "expires_at", self.expires_at.astimezone(timezone.utc))


@public("alicred")
@attrs.frozen
class BearerToken:
    """A bearer token: printable ASCII, as the parts of a `Credential`. A value: share it freely; hashable and picklable.

    Args:
        token: The token. Never in ``repr``, ``str``, a log or an error text.
        expires_at: When the token ends, timezone-aware, kept in UTC; ``None`` means never.
        provider_name: The providers that it came through. No part of equality.
        origin: Where it came from, in words. No part of equality.

    Raises:
        ConfigurationError: The token is empty, is no string or cannot be a token, or *expires_at* has no time zone.
    """

    token: str = attrs.field(repr=False, validator=_text)
    expires_at: datetime | None = attrs.field(default=None, validator=attrs.validators.optional(_aware))
    provider_name: str = attrs.field(default="", repr=False, eq=False)
    origin: str = attrs.field(default="", repr=False, eq=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.expires_at is not None and self.expires_at.tzinfo is not timezone.utc:
            _set(self, "expires_at", self.expires_at.astimezone(timezone.utc))


N = TypeVar("N", bound="Credential | BearerToken")


def named(value: N, *names: str, origin: str = "") -> N:
    """*value*, said to come from *names*, the outermost first, without those that are empty; and from *origin*, more precisely."""
    return attrs.evolve(value, provider_name="/".join(filter(None, names)), origin=more_precise(origin, value.origin))


def more_precise(origin: str, inner: str) -> str:
    """Where something comes from, of which *inner* is known already, and *origin* is where that was found."""
    return inner if inner.startswith(origin) else f"{origin}, {inner}" if inner else origin


def prefixed(value: C, name: str | None) -> C:
    """*value*, with *name* in front of its ``provider_name``, if it is a credential or a token and there is a name to put there."""
    if not name or not isinstance(value, (Credential, BearerToken)):
        return value
    return named(value, name, value.provider_name)
