"""What a cache says of itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs

from alicred.credential import C
from alicred.errors import AlicredError
from alicred.refresh.snapshot import Phase, Snapshot


@attrs.frozen(kw_only=True)
class CacheState:
    """What a `CachingProvider` holds and plans at one moment. A value; it holds no secret.

    Args:
        phase: Where the held value is in its life.
        expires_at: End of the held value, as its source said it; ``None`` if nothing is held or it never ends.
        window: How long before its end the refresh of the held value may begin.
        refresh_due_at: When the next refresh is due; ``None`` if there is no such moment.
        next_attempt_at: Before this moment the source is not asked again; ``None`` if it may be asked at once.
        consecutive_failures: How many refreshes have failed since the last one that succeeded.
        last_error: What the last refresh raised, if it failed.
        refreshes: Refreshes that succeeded.
        attempts: Refreshes that were begun.
    """

    phase: Phase
    expires_at: datetime | None
    window: timedelta | None
    refresh_due_at: datetime | None
    next_attempt_at: datetime | None
    consecutive_failures: int
    last_error: AlicredError | None
    refreshes: int
    attempts: int


def describe(snapshot: Snapshot[C], now: float, wall: datetime) -> CacheState:
    """*snapshot* as its user sees it, at *now* on the monotonic clock and *wall* on the other."""
    held = snapshot.held
    phase = Phase.CLOSED if snapshot.closed else Phase.EMPTY if held is None else held.phase(now)
    return CacheState(
        phase=phase,
        expires_at=None if held is None else held.value.expires_at,
        window=None if held is None else held.window,
        refresh_due_at=None if held is None else wall_time(held.due_after, now, wall),
        next_attempt_at=wall_time(snapshot.next_attempt_at, now, wall) if snapshot.next_attempt_at > now else None,
        consecutive_failures=snapshot.failures,
        last_error=snapshot.last_error,
        refreshes=snapshot.refreshes,
        attempts=snapshot.attempts,
    )


def wall_time(moment: float, now: float, wall: datetime) -> datetime | None:
    """The monotonic *moment* on the wall clock; ``None`` where it is never, or beyond what a datetime can say."""
    try:
        return wall + timedelta(seconds=moment - now)
    except (OverflowError, ValueError):
        return None
