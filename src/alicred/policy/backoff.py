"""How long to pause after failures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import attrs

from alicred._internal.public import public
from alicred._internal.text import reads_like_code
from alicred._internal.validators import at_least_one, not_negative, refuse, share, unit_draw
from alicred.errors import ConfigurationError, is_of_user_code

if TYPE_CHECKING:
    Field = attrs.Attribute[Any]


def _at_least_initial(instance: Backoff, field: Field, value: timedelta) -> None:
    if value < instance.initial:
        raise refuse(instance, field, f"be at least initial ({instance.initial})", value)


@public("alicred")
@attrs.frozen(kw_only=True, field_transformer=reads_like_code)
class Backoff:
    """How long to pause after consecutive failures. A value: share it freely between threads and processes.

    After the *n*-th failure the pause is ``initial * factor**(n - 1)``, at most *maximum*. Of that pause the share *jitter* is
    drawn at random: 0 is a fixed pause, 1 is "full jitter" (anything from zero up to the pause).

    Args:
        initial: Pause after the first failure; not negative.
        maximum: Upper bound of every pause; at least *initial*.
        factor: Growth per failure; at least 1.
        jitter: Share drawn at random, 0 to 1.

    Raises:
        ConfigurationError: A parameter is outside its range; the text names it.
    """

    initial: timedelta = attrs.field(default=timedelta(milliseconds=100), validator=not_negative)
    maximum: timedelta = attrs.field(default=timedelta(seconds=10), validator=[not_negative, _at_least_initial])
    factor: float = attrs.field(default=2.0, validator=at_least_one)
    jitter: float = attrs.field(default=1.0, validator=share)

    def delay(self, failures: int, u: float) -> timedelta:
        """The pause after *failures* consecutive failures, with *u* in [0, 1) as the random draw.

        Raises:
            ConfigurationError: *failures* is below 1, or *u* is outside [0, 1).
        """
        if failures < 1:
            raise ConfigurationError(f"failures must be 1 or more, not {failures!r}")
        unit_draw(u)
        return self._pause(failures) * (1 - self.jitter + self.jitter * u)

    def _pause(self, failures: int) -> timedelta:
        if not self.initial:
            return self.initial
        try:
            growth = float(self.factor) ** (failures - 1)
        except OverflowError:
            return self.maximum
        return self.maximum if growth >= self.maximum / self.initial else self.initial * growth


def asked(answer: Callable[[], object]) -> tuple[timedelta | None, str]:
    """What a policy of the user's own answers for a pause, and what is wrong with that: nothing, or that it raised, or is no pause."""
    try:
        found = answer()
    except BaseException as error:
        if not is_of_user_code(error, at_once=True):
            raise
        return None, f"raised {type(error).__name__}"
    if found is None or (isinstance(found, timedelta) and found >= timedelta(0)):
        return found, ""
    return None, f"returned {found!r}"
