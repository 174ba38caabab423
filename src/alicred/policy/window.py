"""How long before the end of a value its refresh may begin: the refresh-ahead window."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeGuard, cast

import attrs

from alicred._internal.public import public
from alicred._internal.text import reads_like_code
from alicred._internal.validators import not_negative, refuse, share

if TYPE_CHECKING:
    Field = attrs.Attribute[Any]

Window = Callable[[timedelta], timedelta]
"""A function from a value's lifetime to how long before its end the refresh may begin."""


@public("alicred")
@attrs.frozen(field_transformer=reads_like_code)
class FixedWindow:
    """The same window for every lifetime. A value.

    Args:
        span: The window; not negative. A `RefreshPolicy` never lets it take more than 90 % of a lifetime.

    Raises:
        ConfigurationError: *span* is no timedelta, or negative.
    """

    span: timedelta = attrs.field(validator=not_negative)

    def __call__(self, lifetime: timedelta) -> timedelta:
        """The window for a value that lives for *lifetime*."""
        return self.span


@public("alicred")
@attrs.frozen(field_transformer=reads_like_code)
class FractionWindow:
    """A share of the lifetime, up to a limit. A value.

    Args:
        fraction: Share of the lifetime, 0 to 1.
        at_most: Upper bound of the window; not negative.

    Raises:
        ConfigurationError: A parameter is outside its range; the text names it.
    """

    fraction: float = attrs.field(default=0.25, validator=share)
    at_most: timedelta = attrs.field(default=timedelta(minutes=15), validator=not_negative)

    def __call__(self, lifetime: timedelta) -> timedelta:
        """The window for a value that lives for *lifetime*."""
        return min(lifetime * self.fraction, self.at_most)


def _tiers(instance: object, field: Field, value: object) -> None:
    if not _are_tiers(value):
        raise refuse(instance, field, "be pairs (lifetime, window) of timedeltas that are not negative", value)
    lifetimes = [lifetime for lifetime, _ in value]
    if lifetimes != sorted(set(lifetimes)):
        raise refuse(instance, field, "be in the order of their lifetimes, each once", value)


def _are_tiers(value: object) -> TypeGuard[tuple[tuple[timedelta, timedelta], ...]]:
    if not isinstance(value, tuple):
        return False
    tiers = cast("tuple[object, ...]", value)  # isinstance cannot say of what
    return all(_is_tier(tier) for tier in tiers)


def _is_tier(value: object) -> bool:
    if not isinstance(value, tuple):
        return False
    tier = cast("tuple[object, ...]", value)  # isinstance cannot say of what
    return len(tier) == 2 and all(isinstance(span, timedelta) and span >= timedelta(0) for span in tier)


@public("alicred")
@attrs.frozen(field_transformer=reads_like_code)
class TieredWindow:
    """A window by classes of lifetime. A value.

    The first tier is for lifetimes up to and including its own, each further one for lifetimes below its own, and *beyond*
    for all that are longer. The defaults: up to and including 20 minutes a window of 5 minutes, below 90 minutes one of
    15 minutes, else one of 60 minutes.

    Args:
        tiers: Pairs (lifetime, window), in the order of their lifetimes.
        beyond: The window for longer lifetimes; not negative.

    Raises:
        ConfigurationError: A parameter is outside its range; the text names it.
    """

    tiers: tuple[tuple[timedelta, timedelta], ...] = attrs.field(
        default=(
            (timedelta(minutes=20), timedelta(minutes=5)),
            (timedelta(minutes=90), timedelta(minutes=15)),
        ),
        validator=_tiers,
    )
    beyond: timedelta = attrs.field(default=timedelta(minutes=60), validator=not_negative)

    def __call__(self, lifetime: timedelta) -> timedelta:
        """The window for a value that lives for *lifetime*."""
        for position, (limit, window) in enumerate(self.tiers):
            if lifetime < limit or (position == 0 and lifetime == limit):
                return window
        return self.beyond


WINDOWS = (FixedWindow, FractionWindow, TieredWindow)
"""The ones that ship."""
