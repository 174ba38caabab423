"""How workers that share a credential take turns at refreshing it, and what they do without their store."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any

import attrs

from alicred._internal.public import public
from alicred._internal.text import reads_like_code
from alicred._internal.validators import ZERO, flag, instance_of, member_of, positive, refuse, unit_draw
from alicred.policy.backoff import Backoff

if TYPE_CHECKING:
    Field = attrs.Attribute[Any]


@public("alicred.policy")
class Fallback(Enum):
    """When a worker that still holds a usable value asks the source itself, because the store is away."""

    LATE = "late"
    """At a moment drawn within what is left until callers begin to wait."""
    AT_ONCE = "at once"
    """As soon as its refresh is due."""
    NEVER = "never"
    """Not before callers begin to wait."""


def _above_lease(instance: SharingPolicy, field: Field, value: timedelta) -> None:
    if value <= instance.lease:
        raise refuse(instance, field, f"be above lease ({instance.lease})", value)


_SECOND = timedelta(seconds=1)
_POLL = Backoff(initial=timedelta(milliseconds=50), maximum=_SECOND, factor=1.5, jitter=0.5)
_FAILURE_BACKOFF = Backoff(initial=_SECOND, maximum=60 * _SECOND, jitter=0.5)
_STORE_BACKOFF = Backoff(initial=_SECOND, maximum=30 * _SECOND)


@public("alicred.policy")
@attrs.frozen(kw_only=True, field_transformer=reads_like_code)
class SharingPolicy:
    """How the workers that share a credential take turns. A value: share it freely. All of a fleet should have the same.

    Args:
        lease: How long the others leave a refresh to the worker that has begun it; above zero. Shorter than the slowest call: two calls,
            and no harm.
        patience: How long a worker that has nothing to serve leaves it to the others before it asks the source itself; above *lease*.
        poll: Pause between two looks at the store while it waits.
        failure_backoff: How long all workers pause after failed refreshes, counted over consecutive failures of any of them.
        store_backoff: How long this worker leaves a store alone that has failed.
        fallback: When a worker that holds a usable value asks the source itself while the store is away.
        lead: Whether this worker may fetch at all. If not, it takes what others have put into the store, and needs no source.

    Raises:
        ConfigurationError: A parameter is outside its range; the text names it.
    """

    lease: timedelta = attrs.field(default=10 * _SECOND, validator=positive)
    patience: timedelta = attrs.field(default=25 * _SECOND, validator=[positive, _above_lease])
    poll: Backoff = attrs.field(default=_POLL, validator=instance_of(Backoff))
    failure_backoff: Backoff = attrs.field(default=_FAILURE_BACKOFF, validator=instance_of(Backoff))
    store_backoff: Backoff = attrs.field(default=_STORE_BACKOFF, validator=instance_of(Backoff))
    fallback: Fallback = attrs.field(default=Fallback.LATE, validator=member_of(Fallback))
    lead: bool = attrs.field(default=True, validator=flag)

    def fallback_after(self, left: timedelta, u: float) -> timedelta:
        """After how long an own call may be made, if callers begin to wait after *left*; *u* in [0, 1) is the random draw.

        Raises:
            ConfigurationError: *u* is outside [0, 1).
        """
        unit_draw(u)
        left = max(left, ZERO)
        return {Fallback.LATE: left * u, Fallback.AT_ONCE: ZERO, Fallback.NEVER: left}[self.fallback]

    def cool_down(self, failures: int, u: float) -> timedelta:
        """How long all workers pause after so many consecutive *failures*, 1 or more; *u* in [0, 1) is the random draw.

        Raises:
            ConfigurationError: *failures* is below 1, or *u* is outside [0, 1).
        """
        return self.failure_backoff.delay(failures, u)
