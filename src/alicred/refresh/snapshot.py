"""What a cache knows at one moment, as an immutable value, and the steps from one such value to the next. All pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from itertools import count
from math import inf
from typing import Generic

import attrs

from alicred._internal.public import public
from alicred._internal.skew import STEP_SECONDS
from alicred._internal.validators import ZERO
from alicred.credential import C
from alicred.errors import AlicredError, DeniedError, copy_for_caller, is_local
from alicred.policy.refresh import OnDenied, RefreshPolicy, pause_after
from alicred.refresh.need import Answer, Deferred

_FREE_REJECTIONS = 2  # so many young values in a row may be rejected before the source is left alone for a while

WALL_CHECK_SECONDS = 60.0
"""How long the wall clock may go unseen while a value is held."""


@public("alicred")
class Phase(Enum):
    """Where a held value is in its life."""

    EMPTY = "empty"
    """Nothing is held."""
    FRESH = "fresh"
    """Served."""
    AGING = "aging"
    """Served at once, and refreshed ahead."""
    URGENT = "urgent"
    """Callers wait for the refresh; if it fails, the held value is served."""
    GRACE = "grace"
    """Past its end, but within the policy's grace: as URGENT, and announced with `ServedStale`."""
    EXPIRED = "expired"
    """Not served any more: callers wait for the refresh, or get its error."""
    CLOSED = "closed"
    """The cache has been closed."""


def _from_one() -> Iterator[int]:
    return count(1)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Held(Generic[C]):
    """A fetched value and the moments of its life, in seconds on the monotonic clock; ``inf`` means never."""

    value: C
    lifetime: timedelta | None
    fetched_at: float
    """When it arrived."""
    began: float
    """When its life began: when it arrived, unless it was issued before that for another worker."""
    window: timedelta | None
    refresh_after: float
    urgent_after: float
    expires_after: float
    dead_after: float
    wall: datetime
    """The wall clock at `wall_mark`, to tell later whether it has run ahead of the monotonic one."""
    wall_mark: float
    ahead: float = 0.0
    """By so many seconds the wall clock has run ahead of the monotonic one since, when it was last looked at."""
    suspect: float | None = None
    """By so many seconds the wall clock is known to be ahead wrongly."""
    invalidated: bool = False
    servings_past_end: Iterator[int] = attrs.field(factory=_from_one)
    """Counts how often it is served in GRACE. Its `next` is one step."""

    def phase(self, now: float) -> Phase:
        """The phase at *now*."""
        if now >= self.dead_after:
            return Phase.EXPIRED
        if now >= self.expires_after:
            return Phase.GRACE
        if now >= self.waits_after:
            return Phase.URGENT
        return Phase.AGING if now >= self.refresh_after else Phase.FRESH

    @property
    def waits_after(self) -> float:
        """From here on callers wait for the refresh: as much sooner as the wall clock has run ahead, for that says how much is left."""
        return self.urgent_after - self.ahead

    @property
    def due_after(self) -> float:
        """From here on it is to be refreshed."""
        return min(self.refresh_after, self.waits_after)

    def lasts(self, now: float, span: timedelta) -> bool:
        """Whether the value is good for *span* more at *now*, by both clocks."""
        return not span or self.expires_after - self.ahead - now >= span.total_seconds()

    @property
    def is_endless(self) -> bool:
        """Whether it has no end, and has not been rejected."""
        return self.expires_after == inf

    def invalidated_at(self, now: float, grace: timedelta) -> Held[C]:
        """The same value as if it had ended at *now*."""
        return attrs.evolve(
            self,
            refresh_after=min(now, self.refresh_after),
            urgent_after=min(now, self.urgent_after),
            expires_after=min(now, self.expires_after),
            dead_after=min(now + grace.total_seconds(), self.dead_after),
            ahead=0.0,
            invalidated=True,
        )

    def with_wall_clock(self, wall: datetime, now: float) -> Held[C]:
        """The same value after a look at the wall clock.

        Where that says that the end is near or has come, the value is URGENT: refreshed now, and served if that fails.
        """
        ahead = max(0.0, self._lead(wall, now))
        if self.suspect is not None and _is_no_step(ahead, self.suspect):
            ahead = 0.0
        return self if now >= self.expires_after or _is_no_step(self.ahead, ahead) else attrs.evolve(self, ahead=ahead)

    def resynced(self, fetched: Held[C]) -> Held[C]:
        """The same value, now that *fetched* has ended on arrival.

        If that is a newer one, the wall clock is wrong, and is not believed for as long as it stays where it is.
        """
        mine, its = self.value.expires_at, fetched.value.expires_at
        if mine is None or its is None or its <= mine:
            return self
        return attrs.evolve(self, ahead=0.0, suspect=self._lead(fetched.wall, fetched.fetched_at))

    def never_sooner_than(self, before: Held[C]) -> Held[C]:
        """The same value, measured again: of the two ends that it was given, the later one counts. It is due as was measured last.

        The two differ where the wall clock has moved: so that is what `ahead` says then.
        """
        sooner = before.expires_after - self.expires_after
        if self.lifetime is None or sooner <= 0:
            return self
        return attrs.evolve(
            self,
            urgent_after=self.urgent_after + sooner,
            expires_after=before.expires_after,
            dead_after=before.dead_after,
            wall=before.wall,
            wall_mark=before.wall_mark,
            ahead=sooner,
            suspect=before.suspect,
        )

    def _lead(self, wall: datetime, now: float) -> float:
        return (wall - self.wall).total_seconds() - (now - self.wall_mark)


def _is_no_step(before: float, after: float) -> bool:
    return abs(after - before) <= STEP_SECONDS


def hold(answer: Answer[C], *, policy: RefreshPolicy, u: float, now: float, wall: datetime) -> Held[C]:
    """*answer* as it arrived at *now*, when the wall clock said *wall*; *u* is the random draw.

    A value that was issued for another worker has the schedule of its whole life, so that all have the same. What is left of it is the
    less of what its age and what the wall clock say.
    """
    left = None if answer.value.expires_at is None else answer.value.expires_at - wall
    if left is None or answer.lifetime is None:
        return scheduled(answer.value, left, policy=policy, u=u, began=now, fetched_at=now, wall=wall)
    age = max(answer.age, answer.lifetime - left).total_seconds()
    return scheduled(answer.value, answer.lifetime, policy=policy, u=u, began=now - age, fetched_at=now, wall=wall)


def scheduled(
    value: C, lifetime: timedelta | None, *, policy: RefreshPolicy, u: float, began: float, fetched_at: float, wall: datetime
) -> Held[C]:
    """*value* with the moments that *policy* gives to *lifetime*, which began at *began*."""
    schedule = policy.schedule(lifetime, u)

    def moment(span: timedelta | None) -> float:
        return inf if span is None else began + span.total_seconds()

    return Held(
        value=value,
        lifetime=lifetime,
        fetched_at=fetched_at,
        began=began,
        window=schedule.window,
        refresh_after=moment(schedule.refresh_after),
        urgent_after=moment(schedule.urgent_after),
        expires_after=moment(schedule.expires_after),
        dead_after=moment(schedule.dead_after),
        wall=wall,
        wall_mark=fetched_at,
    )


def rejittered(held: Held[C], policy: RefreshPolicy, u: float, now: float) -> Held[C]:
    """*held* with another draw for the moment of its refresh; every other moment and mark stays.

    Where that moment has come already, the refresh is delayed by a draw of the same width that counts from *now*.
    """
    if held.invalidated or held.phase(now) not in (Phase.FRESH, Phase.AGING):
        return held
    again = scheduled(held.value, held.lifetime, policy=policy, u=u, began=held.began, fetched_at=held.fetched_at, wall=held.wall)
    urgent_after = inf if held.is_endless else held.expires_after - (again.expires_after - again.urgent_after)
    refresh_after = again.refresh_after
    if refresh_after <= now:
        width = (policy.recheck if held.is_endless else held.window) or ZERO
        refresh_after = min(now + (width * policy.jitter).total_seconds() * u, urgent_after - held.ahead)
    return attrs.evolve(held, refresh_after=refresh_after, urgent_after=urgent_after)


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Snapshot(Generic[C]):
    """Everything that a decision depends on. Moments are seconds on the monotonic clock."""

    held: Held[C] | None = None
    generation: int = 0
    """Counts what makes the result of an earlier flight unwanted."""
    waited_for_until: float | None = None
    """A refresh is under way, and who holds a usable value waits for it until this moment; ``None``: none is under way."""
    attempted_at: float = -inf
    next_attempt_at: float = -inf
    failures: int = 0
    """Consecutive failed refreshes."""
    unchanged: int = 0
    """Consecutive refreshes that brought nothing newer than what was held."""
    shortfalls: int = 0
    """Consecutive refreshes that were begun for a longer span than what they brought lasts for."""
    long_span_retry_after: float = -inf
    """Before this moment no value is fetched for the sake of a span that a fresh one would not last for."""
    rejections: int = 0
    """Consecutive young values that were invalidated."""
    last_error: AlicredError | None = None
    failed_at: float = -inf
    """When the last refresh failed."""
    deferral: Deferred | None = None
    """What the source said last, if that was that there is nothing new yet."""
    denied: bool = False
    """The service has denied the refresh, and the policy is to tell the callers."""
    wall_due_at: float = inf
    """When to look at the wall clock again."""
    closed: bool = False
    refreshes: int = 0
    attempts: int = 0

    def started(self, now: float, max_wait: timedelta) -> Snapshot[C]:
        """A refresh begins."""
        return attrs.evolve(
            self,
            waited_for_until=now + max_wait.total_seconds(),
            attempted_at=now,
            attempts=self.attempts + 1,
        )

    def deferred(self, deferral: Deferred, now: float) -> Snapshot[C]:
        """The source has nothing new yet: as if it had not been asked, but for the moment before which it is not asked again."""
        pause = max(ZERO, deferral.until).total_seconds()
        return attrs.evolve(self, waited_for_until=None, next_attempt_at=now + pause, deferral=deferral, attempts=self.attempts - 1)

    def ended(self) -> Snapshot[C]:
        """A refresh is over and has left nothing behind."""
        return attrs.evolve(self, waited_for_until=None)

    def succeeded(self, held: Held[C], policy: RefreshPolicy, u: float, *, span: timedelta) -> Snapshot[C]:
        """A refresh that was begun for *span* has brought *held*; *u* is the draw.

        If that is what was held already, as with a source that keeps a value of its own, or does not last for *span*, the
        next refresh, or the next for such a span, waits as after a failure. What has no end is looked at again in order to find it the
        same: its next refresh is due by the policy alone.
        """
        before = self.held
        is_same = before is not None and before.value == held.value
        if before is not None and is_same and not before.invalidated:
            held = held.never_sooner_than(before)

        def pause(times: int) -> float:
            return held.fetched_at + pause_after(policy, times, u).span.total_seconds() if times else -inf

        unchanged = self.unchanged + 1 if before is not None and is_same and not before.is_endless else 0
        shortfalls = 0 if held.lasts(held.fetched_at, span) else self.shortfalls + 1
        return attrs.evolve(
            self,
            held=held,
            waited_for_until=None,
            next_attempt_at=pause(unchanged),
            failures=0,
            unchanged=unchanged,
            shortfalls=shortfalls,
            long_span_retry_after=pause(shortfalls),
            rejections=self.rejections if before is not None and before.invalidated else 0,
            last_error=None,
            deferral=None,
            denied=False,
            wall_due_at=held.fetched_at + WALL_CHECK_SECONDS,
            refreshes=self.refreshes + 1,
        )

    def failed(self, error: AlicredError, policy: RefreshPolicy, now: float, u: float) -> Snapshot[C]:
        """A refresh has failed; *u* is the draw. The held value stays.

        What never left the machine is not held back, unless what is held has no end: no caller waits for the refresh of that.
        """
        failures = self.failures + 1
        pause = -inf
        if not is_local(error) or (self.held is not None and self.held.is_endless):
            asked = pause_after(policy, failures, u)
            pause = asked.span.total_seconds()
            error = copy_for_caller(error, f". {asked.problem}") if asked.problem else error
        return attrs.evolve(
            self,
            waited_for_until=None,
            next_attempt_at=now + pause,
            failures=failures,
            last_error=error,
            failed_at=now,
            deferral=None,
            denied=policy.on_denied is OnDenied.RAISE and (self.denied or isinstance(error, DeniedError)),
        )

    def invalidated(self, policy: RefreshPolicy, now: float, u: float) -> Snapshot[C]:
        """The held value has been rejected: it counts as expired, and nothing that is under way may bring it back.

        Where young values are rejected one after the other, the source is left alone as after failures; *u* is the draw.
        """
        held = self.held
        if held is None or held.phase(now) in (Phase.GRACE, Phase.EXPIRED):
            return self
        is_young = now - held.fetched_at < policy.failure_backoff.maximum.total_seconds()
        rejections = self.rejections + 1 if is_young else 1
        pause = pause_after(policy, rejections - _FREE_REJECTIONS, u).span if rejections > _FREE_REJECTIONS else ZERO
        return attrs.evolve(
            self,
            held=held.invalidated_at(now, policy.grace),
            generation=self.generation + 1,
            rejections=rejections,
            next_attempt_at=max(self.next_attempt_at, now + pause.total_seconds()),
        )

    def with_wall_clock(self, wall: datetime, now: float) -> Snapshot[C]:
        """The wall clock has been looked at."""
        held = self.held and self.held.with_wall_clock(wall, now)
        return attrs.evolve(self, held=held, wall_due_at=now + WALL_CHECK_SECONDS)

    def resynced(self, fetched: Held[C]) -> Snapshot[C]:
        """*fetched* has ended on arrival: the wall clock may be wrong."""
        return attrs.evolve(self, held=self.held and self.held.resynced(fetched))

    def shut(self) -> Snapshot[C]:
        """The cache has been closed: nothing is held, and nothing that is under way is wanted."""
        return attrs.evolve(self, held=None, closed=True, generation=self.generation + 1)

    def usable(self, now: float, span: timedelta = ZERO) -> Held[C] | None:
        """What is held, if it may be served at *now* to a caller who needs it for *span* more."""
        held = self.held
        if held is None or self.denied or held.phase(now) is Phase.EXPIRED or not held.lasts(now, span):
            return None
        return held

    def after_fork(self) -> Snapshot[C]:
        """What is left of it in a forked child, where no refresh is under way."""
        return attrs.evolve(self, waited_for_until=None, generation=self.generation + 1)

    def rejittered(self, policy: RefreshPolicy, u: float, now: float) -> Snapshot[C]:
        """The moment of the next refresh drawn again, so that the children of one parent do not refresh in step."""
        return attrs.evolve(self, held=self.held and rejittered(self.held, policy, u, now))
