"""How far a wall clock is off, as a server has told, and for how long that counts."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import attrs

STEP_SECONDS = 5.0
"""By so much a wall clock may be off, or move against the monotonic clock. More is an error of the clock, or a step."""

_NONE = timedelta(0)
_TOLERATED = timedelta(seconds=STEP_SECONDS)
_LARGEST = timedelta(days=36525)  # a clock may have begun again at 1970, but none is off by a century
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@attrs.frozen
class Skew:
    """What was learned about a wall clock. It counts for as long as that clock has not been stepped since. A value.

    Args:
        span: How far the server's time was ahead of the wall clock.
        lead: How many seconds the wall clock was ahead of the monotonic one then.
    """

    span: timedelta = _NONE
    lead: float = 0.0

    def at(self, wall: datetime, monotonic: float) -> timedelta:
        """What to add to *wall*, read together with *monotonic*; zero if the wall clock has been stepped."""
        if not self.span or abs(_lead(wall, monotonic) - self.lead) > STEP_SECONDS:
            return _NONE
        return self.span

    def observed(self, server_time: datetime, wall: datetime, monotonic: float) -> Skew:
        """What is known when a server says that it is *server_time*: nothing, if *wall* is at most five seconds off.

        A *server_time* that is a century off or more is not believed.
        """
        span = server_time - wall
        if abs(span) >= _LARGEST:
            return self
        return Skew(span, _lead(wall, monotonic)) if abs(span) > _TOLERATED else Skew()


def _lead(wall: datetime, monotonic: float) -> float:
    return (wall - _EPOCH).total_seconds() - monotonic
