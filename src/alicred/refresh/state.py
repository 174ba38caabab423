"""What a cache knows between two changes, and what it says of itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf
from typing import Generic, cast, overload

import attrs

from alicred._internal.public import public
from alicred._internal.text import key_id_text, reads_like_code, until, utc
from alicred.credential import C
from alicred.errors import AlicredError, SourceReport, one_line
from alicred.provider import success_report
from alicred.refresh.flight import Flight
from alicred.refresh.snapshot import Held, Phase, Snapshot


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
@attrs.frozen(kw_only=True, field_transformer=reads_like_code)
class CacheState:
    """What a `CachingProvider` holds and plans at one moment. A value; it holds no secret, and ``str()`` is a few lines for people.

    Args:
        provider_name: The providers that the held value came through, else the name of the cache.
        access_key_id: The id of the held access key; ``None`` if nothing is held, or a value of another kind.
        origin: Where the held value comes from: variables, the profile with its file and mode, the role. Empty if it does not say.
        obtained_with: The identity that the held role was assumed with.
        fetched_at: When the held value arrived; ``None`` if nothing is held.
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

    provider_name: str
    access_key_id: str | None
    origin: str
    obtained_with: SourceReport | None = attrs.field(default=None, kw_only=True)
    fetched_at: datetime | None
    phase: Phase
    expires_at: datetime | None
    window: timedelta | None
    refresh_due_at: datetime | None
    next_attempt_at: datetime | None
    consecutive_failures: int
    last_error: AlicredError | None
    refreshes: int
    attempts: int

    def __str__(self) -> str:
        lines = [f"{self.provider_name}: {self.phase.name}"]
        if self.fetched_at is not None:
            key = f"access key id {key_id_text(self.access_key_id)}" if self.access_key_id else "a value"
            lines.append(f"{key}, {until(self.expires_at)}, fetched at {utc(self.fetched_at)}")
            lines += [f"from {self.origin}"] * bool(self.origin)
        if self.obtained_with is not None:
            lines += f"obtained with {self.obtained_with}".splitlines()
        if self.refresh_due_at is not None:
            lines.append(f"refresh due at {utc(self.refresh_due_at)}")
        lines.append(f"{self.refreshes} of {self.attempts} refreshes succeeded")
        if self.last_error is not None:
            after = f", next attempt at {utc(self.next_attempt_at)}" if self.next_attempt_at else ""
            last = one_line(self.last_error, without=self.last_error.provider)
            lines.append(f"{self.consecutive_failures} failed since{after}; the last one with: {last}")
        return "\n  ".join(lines)


def describe(snapshot: Snapshot[C], now: float, wall: datetime, name: str) -> CacheState:
    """*snapshot* of the cache *name* as its user sees it, at *now* on the monotonic clock and *wall* on the other."""
    held = snapshot.held
    phase = Phase.CLOSED if snapshot.closed else Phase.EMPTY if held is None else held.phase(now)
    found = report(held, name)
    return CacheState(
        provider_name=name if found is None else found.name,
        access_key_id=None if found is None else found.access_key_id,
        origin="" if found is None else found.origin,
        obtained_with=None if found is None else found.obtained_with,
        fetched_at=None if held is None else wall_time(held.fetched_at, now, wall),
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


@overload
def report(held: Held[C], name: str) -> SourceReport: ...
@overload
def report(held: Held[C] | None, name: str) -> SourceReport | None: ...
def report(held: Held[C] | None, name: str) -> SourceReport | None:
    """Whose value *held* is, of the cache *name*."""
    return None if held is None else success_report(getattr(held.value, "provider_name", "") or name, held.value)


def wall_time(moment: float, now: float, wall: datetime) -> datetime | None:
    """The monotonic *moment* on the wall clock; ``None`` where it is never, or beyond what a datetime can say."""
    try:
        return wall + timedelta(seconds=moment - now)
    except (OverflowError, ValueError):
        return None
