"""What the engine promises, in plain arithmetic: the reference that `test_model` holds the `CachingProvider` against.

It is written from the rules, not from the engine, and knows one thing that no caller can see: that nothing happens between two
steps. Moments and spans are seconds; *now* is on the monotonic clock, *wall* on the other; *u* is the random draw.

A caller gets a value, the type of an error, or one of two words: it *waits* for a flight of somebody else's, until a moment at which
it gives up, or it *pays*, that is, it runs the flight itself.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from math import inf

import attrs

from alicred import (
    AlicredError,
    ClosedError,
    ConfigurationError,
    Credential,
    DeniedError,
    MalformedResponseError,
    NotConfiguredError,
    OnDenied,
    ProviderError,
    RefreshMode,
    RefreshPolicy,
    RefreshTimeoutError,
)
from alicred.refresh.need import Deferred

WAITS, PAYS = "waits", "pays"
Reply = Credential | type[BaseException] | str
START = datetime(2026, 1, 1, tzinfo=timezone.utc)
LOOK = 60.0  # so often the wall clock is looked at
STEP = 5.0  # what is less is none
FREE_REJECTIONS = 2


@attrs.define(eq=False)
class Flight:
    started: float
    span: float
    need: tuple[float, bool, float]
    overtaken: bool = False
    error: type[AlicredError] | None = None
    kept: bool = False


@attrs.define(eq=False)
class Caller:
    asked: float
    span: float
    demanded: bool = False  # an operator's refresh()
    flight: Flight = attrs.field(init=False)
    until: float = inf


@attrs.define(eq=False)
class Held:
    value: Credential
    fetched: float
    began: float  # its life: before it was fetched, if it was issued for another worker
    lifetime: float
    ends: float
    lead: float  # of the wall clock over the monotonic one
    window: float = 0.0
    ahead: float = 0.0  # the window, less what was drawn
    due: float = inf
    rejected: bool = False
    hurry: float = 0.0  # what the wall clock has gained on the monotonic one since, when it was last looked at
    wrong: float | None = None  # what it had gained when it was found wrong
    tried_since_the_end: bool = False


def end_of(value: Credential) -> float:
    """The end of *value* as the wall clock counts."""
    return inf if value.expires_at is None else (value.expires_at - START).total_seconds()


class Model:
    def __init__(self, policy: RefreshPolicy) -> None:
        self.policy = policy
        self.inline = policy.mode is RefreshMode.INLINE
        self.max_wait, self.grace = policy.max_wait.total_seconds(), policy.grace.total_seconds()
        self.held: Held | None = None
        self.flight: Flight | None = None
        self.closed = False
        self.deferred = False
        self.attempts = self.refreshes = self.failures = self.repeats = self.shortfalls = self.rejections = self.announced = 0
        self.announced_of_this = 0
        self.error: type[AlicredError] | None = None
        self.denied = False
        self.not_before = self.no_longer_before = -inf
        self.looked = 0.0

    # What is held

    def phase(self, now: float) -> str:
        held = self.held
        if self.closed or held is None:
            return "CLOSED" if self.closed else "EMPTY"
        left = held.ends - now
        if left <= 0:
            return "GRACE" if left > -self.grace else "EXPIRED"
        if left - held.hurry <= self.margin(held):
            return "URGENT"
        return "AGING" if now >= held.due else "FRESH"

    def margin(self, held: Held) -> float:
        """How long before its end callers wait for the refresh."""
        return min(self.policy.margin.total_seconds(), held.lifetime / 10, held.ahead)

    def usable(self, now: float, span: float = 0.0) -> bool:
        """Whether who needs a value for *span* more may have the one that is held."""
        if self.held is None or self.denied or self.phase(now) == "EXPIRED":
            return False
        return not span or self.held.ends - self.held.hurry - now >= span

    def due(self) -> float:
        """When what is held is to be refreshed."""
        held = self.held
        if held is None or held.rejected:
            return inf if held is None else held.due
        return min(held.due, held.ends - held.hurry - self.margin(held))

    def give(self, now: float) -> Reply:
        assert self.held is not None
        is_stale = self.phase(now) == "GRACE"
        self.announced, self.announced_of_this = self.announced + is_stale, self.announced_of_this + is_stale
        return self.held.value

    def draw(self, held: Held, u: float) -> None:
        """When *held* is to be refreshed."""
        if held.lifetime < inf:
            wish = self.policy.ahead(timedelta(seconds=held.lifetime)).total_seconds()
            held.window = max(0.0, min(wish, held.lifetime * 9 / 10))
            held.ahead = held.window * (1 - self.policy.jitter * u)
        look = self.policy.recheck if held.lifetime == inf else None
        after = held.lifetime - held.ahead if look is None else look.total_seconds() * (1 - self.policy.jitter * u)
        age = self.policy.max_age
        held.due = held.began + min(after, inf if age is None else age.total_seconds())

    def pause(self, times: int, u: float) -> float:
        """The back-off after so many times."""
        backoff = self.policy.failure_backoff
        longest = backoff.initial.total_seconds() * backoff.factor ** (times - 1)
        return min(longest, backoff.maximum.total_seconds()) * (1 - backoff.jitter + backoff.jitter * u)

    # What callers get

    def ask(self, caller: Caller, now: float, wall: float) -> Reply:
        if self.closed:
            return ClosedError
        self.look(now, wall)
        usable, phase, flight = self.usable(now, caller.span), self.phase(now), self.flight
        if usable and phase == "FRESH" and not caller.demanded:
            return self.give(now)  # rule 3
        if flight is None:
            if not caller.demanded and not self.may_begin(caller, now):
                return (
                    self.give(now) if usable else Deferred if self.deferred else self.error or ProviderError
                )  # rule 5: nobody waits for a back-off
            flight = self.begin(caller, now)
            if self.inline:
                caller.flight = flight
                return PAYS
            if usable and phase == "AGING" and not caller.demanded:
                return self.give(now)  # rule 3
        elif usable and not caller.demanded and (phase == "AGING" or now >= flight.started + self.max_wait):
            return self.give(now)  # nobody waits for a flight that has hung for so long
        caller.flight = flight
        caller.until = caller.asked + self.max_wait
        if usable and not caller.demanded:  # who could be served does not wait longer than the flight may take
            caller.until = min(caller.until, flight.started + self.max_wait)
        return WAITS

    def need_of(self, caller: Caller, now: float) -> tuple[float, bool, float]:
        """What the source is told that *caller* needs: a span, whether a value is usable meanwhile, and how long until callers wait."""
        held = self.held
        if held is None or caller.demanded or not self.usable(now, caller.span):
            return caller.span, False, 0.0
        return caller.span, True, max(0.0, held.ends - held.hurry - self.margin(held) - now)

    def may_begin(self, caller: Caller, now: float) -> bool:
        """Rule 5: whether the source may be asked for *caller*."""
        held = self.held
        is_too_short = held is not None and caller.span > max(0.0, held.ends - held.hurry - held.fetched)
        if is_too_short and self.usable(now) and now < self.no_longer_before:
            return False  # a fresh one would be too short as well, as was seen a moment ago
        ended = held is not None and held.ends <= now and not held.rejected
        return now >= self.not_before or (ended and held is not None and not held.tried_since_the_end)

    def begin(self, caller: Caller, now: float) -> Flight:
        self.attempts += 1
        self.flight = Flight(now, caller.span, self.need_of(caller, now))
        if self.held is not None and self.held.ends <= now:
            self.held.tried_since_the_end = True
        return self.flight

    def answer_after(self, caller: Caller, now: float, wall: float) -> Reply:
        """What *caller* gets when the flight has ended that it waited or paid for."""
        flight = caller.flight
        if not flight.kept and flight.error is None:
            return self.ask(caller, now, wall)  # rule 6: nothing came of it
        if self.usable(now, caller.span) and (flight.kept or not caller.demanded):
            return self.give(now)
        return flight.error or ProviderError  # rule 4; or even the fresh one is too short

    def given_up(self, caller: Caller, now: float) -> Reply:
        """What *caller* gets when it has waited as long as it will for a flight that is still under way."""
        if self.usable(now, caller.span) and not caller.demanded:
            return self.give(now)
        if now >= caller.asked + self.max_wait:
            return RefreshTimeoutError
        caller.until = caller.asked + self.max_wait
        return WAITS

    # What happens

    def look(self, now: float, wall: float) -> None:
        """Once a minute: what has the wall clock gained?"""
        held = self.held
        if held is not None and held.lifetime < inf and now >= self.looked + LOOK:
            self.looked = now
            gain = max(0.0, wall - now - held.lead)
            gain = 0.0 if held.wrong is not None and abs(gain - held.wrong) <= STEP else gain
            if abs(gain - held.hurry) > STEP and now < held.ends:
                held.hurry = gain

    def defer(self, flight: Flight, until: float, now: float) -> None:
        """*flight* ends without anything new, and the source is to be left alone for so long."""
        if flight is not self.flight:
            return
        self.flight = None
        if not self.closed:
            self.attempts -= 1
            self.not_before, self.deferred, flight.error = now + until, True, Deferred

    def end(
        self,
        flight: Flight,
        answer: Credential | type[AlicredError] | None,
        now: float,
        wall: float,
        u: float,
        life: tuple[float, float] | None,
    ) -> None:
        """*flight* ends with *answer*; ``None``: its caller was interrupted. *life*: its lifetime and its age, if it comes with them."""
        if flight is not self.flight:
            return  # it belongs to the parent of this process
        self.flight = None
        if self.closed or answer is None:
            return
        if isinstance(answer, Credential):
            left = end_of(answer) - wall
            lifetime, age = life or (left, 0.0)
            left = min(left, lifetime - age)
            if left > 0:
                if not flight.overtaken:
                    self.keep(flight, Held(answer, now, now + left - lifetime if life else now, lifetime, now + left, wall - now), u)
                return
            if self.held is not None and end_of(self.held.value) < end_of(answer) < inf:  # then it is the wall clock that is wrong
                self.held.hurry, self.held.wrong = 0.0, wall - now - self.held.lead
            answer = MalformedResponseError  # rule 12
        self.failures, self.deferred = self.failures + 1, False
        self.error = flight.error = answer
        self.denied = self.policy.on_denied is OnDenied.RAISE and (self.denied or answer is DeniedError)
        is_free = answer in (NotConfiguredError, ConfigurationError) and not (self.held and self.held.ends == inf)
        self.not_before = -inf if is_free else now + self.pause(self.failures, u)

    def keep(self, flight: Flight, held: Held, u: float) -> None:
        before, now = self.held, held.fetched
        is_same = before is not None and before.value == held.value
        self.repeats = self.repeats + 1 if is_same and before and before.ends < inf else 0
        self.shortfalls = self.shortfalls + 1 if held.ends - held.fetched < flight.span else 0
        self.not_before = now + self.pause(self.repeats, u) if self.repeats else -inf
        self.no_longer_before = now + self.pause(self.shortfalls, u) if self.shortfalls else -inf
        self.rejections = self.rejections if before is not None and before.rejected else 0
        self.failures, self.error, self.denied, self.deferred, self.looked = 0, None, False, False, now
        self.refreshes, self.announced_of_this = self.refreshes + 1, 0
        self.draw(held, u)
        if before and is_same and not before.rejected and held.ends < before.ends:  # rule 14
            held.hurry = before.ends - held.ends
            held.ends, held.lead, held.wrong = before.ends, before.lead, before.wrong
        self.held, flight.kept = held, True

    def invalidate(self, value: Credential | None, now: float, u: float) -> bool:
        held = self.held
        if held is None or value not in (None, held.value) or held.ends <= now:
            return False
        is_young = now - held.fetched < self.policy.failure_backoff.maximum.total_seconds()
        self.rejections = self.rejections + 1 if is_young else 1
        if self.rejections > FREE_REJECTIONS:
            self.not_before = max(self.not_before, now + self.pause(self.rejections - FREE_REJECTIONS, u))
        held.ends, held.due, held.rejected, held.hurry = now, min(held.due, now), True, 0.0
        if self.flight is not None:
            self.flight.overtaken = True
        return True

    def close(self) -> None:
        self.held, self.closed = None, True

    def fork(self, now: float, u: float) -> None:
        """From here on this is the child."""
        self.flight = None
        held = self.held
        if held is not None and self.phase(now) in ("FRESH", "AGING"):
            self.draw(held, u)
            if held.due <= now:  # put off by a draw of the same width
                look = (self.policy.recheck if held.ends == inf else timedelta(seconds=held.window)) or timedelta(0)
                held.due = min(now + look.total_seconds() * self.policy.jitter * u, held.ends - held.hurry - self.margin(held))
