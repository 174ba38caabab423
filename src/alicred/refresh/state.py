"""What a cache knows between two changes, and what it says of itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf
from typing import Generic, cast

import attrs

from alicred._internal.public import public
from alicred.credential import C
from alicred.errors import AlicredError
from alicred.refresh.flight import Flight
from alicred.refresh.snapshot import Phase, Snapshot


class State(Generic[C]):
    """What a cache knows between two changes, and what came after it.

    A change is one atomic step: to put the next state into `successor`, which the first to try does. So there is no lock that an
    interrupt, a fork or the end of a thread could leave held. The hot path reads `until` and `value` of one state, which therefore
    always belong together. Before a state gets a successor its `until` becomes ``-inf``, so that no caller is served from it.

    Args:
        snapshot: What is known.
        flight: The refresh that is under way.
        pid: The process that this is about. Elsewhere, in a forked child, no frame runs the flight.
        until: Before this moment any caller may be served `value` at once.
    """

    __slots__ = ("flight", "pid", "snapshot", "successor", "until", "value")

    def __init__(self, snapshot: Snapshot[C], flight: Flight | None, pid: int, until: float = -inf) -> None:
        self.snapshot = snapshot
        self.flight = flight
        self.pid = pid
        self.until = until
        # Nothing is ever returned that is none: no moment is before -inf.
        self.value = cast("C", None) if snapshot.held is None else snapshot.held.value
        self.successor: dict[None, State[C]] = {}  # a dictionary, since its setdefault is one step


@public("alicred")
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
