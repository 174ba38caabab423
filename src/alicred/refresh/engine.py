"""The state of one cache, changed under its lock, and the flights that change it."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from contextvars import copy_context
from math import inf
from typing import Generic, cast

from alicred._random import draw
from alicred._values import checked
from alicred.clock import Clock
from alicred.credential import C
from alicred.errors import AlicredError, ProviderError, as_alicred_error, forget_locals, frames_of
from alicred.events import Listener, RefreshFailed, RefreshStarted, RefreshSucceeded, tell
from alicred.policy.refresh import RefreshPolicy
from alicred.provider import Provider
from alicred.refresh import refusals
from alicred.refresh.decision import Action, decide
from alicred.refresh.flight import Flight, Landing
from alicred.refresh.forks import watch
from alicred.refresh.snapshot import Held, Snapshot, hold
from alicred.refresh.state import describe, wall_time
from alicred.refresh.threads import start_thread


class Engine(Generic[C]):
    """What a cache knows, and how a flight changes that. The lock is held for moments only, never while a source or a listener runs.

    Every change replaces the snapshot as a whole. An interrupt between any two steps leaves no flight behind that nobody runs.
    """

    __slots__ = (
        "__weakref__", "_clock", "_entry", "_flight", "_listener", "_lock", "_name", "_now", "_refresh", "_snapshot", "_source",
        "_stale_servings",
    )  # fmt: skip

    def __init__(self, source: Provider[C], refresh: RefreshPolicy, clock: Clock, listener: Listener | None) -> None:
        self._source = source
        self._name = source.name
        self._refresh = refresh
        self._clock = clock
        self._listener = listener
        self._now = clock.monotonic
        self._lock = threading.RLock()
        self._snapshot: Snapshot[C] = Snapshot()
        self._flight: Flight | None = None
        self._stale_servings = 0
        # What the hot path reads: before this moment, this value. One tuple, so that both are always of one piece.
        # The value that is none is never returned: no moment is before -inf.
        self._entry: tuple[float, C] = (-inf, cast("C", None))
        watch(self, Engine[C]._reset_in_child)

    # Steps under the lock

    def _look(self, now: float) -> Snapshot[C]:
        """The snapshot, after a look at the wall clock where that is due. Opens the hot path where that can be."""
        snapshot = self._snapshot
        held = snapshot.held
        if held is not None and held.lifetime is not None and now >= snapshot.wall_due_at:
            snapshot = snapshot.judged_by(self._clock.utcnow(), now)
        self._publish(snapshot, now)
        return snapshot

    def _publish(self, snapshot: Snapshot[C], now: float) -> None:
        """Put *snapshot* into force."""
        decision = decide(snapshot, now)
        held = snapshot.held
        if held is None or decision.action is not Action.SERVE:
            entry = (-inf, cast("C", None))  # never returned, see __init__
        elif held.lifetime is None:
            entry = (decision.until, held.value)
        else:
            entry = (min(decision.until, snapshot.wall_due_at), held.value)
        self._snapshot = snapshot
        self._entry = entry

    def _take_off(self, flight: Flight, now: float) -> None:
        """Make *flight* the one that is under way."""
        flight.generation = self._snapshot.generation
        self._flight = flight
        self._publish(self._snapshot.started(now, self._refresh.max_wait), now)

    def _is_wanted(self, flight: Flight) -> bool:
        return self._flight is flight and flight.generation == self._snapshot.generation

    # Steps of a flight

    def _start(self, flight: Flight, *, inline: bool) -> bool:
        """Have *flight* run; whether it has, on this thread."""
        if not inline:
            try:
                context = copy_context()
                start_thread(lambda: context.run(self._fly, flight), f"alicred-refresh-{self._name}")
            except RuntimeError:  # no thread can be started here, or not any more
                pass
            else:
                return False
        self._fly(flight, on_callers_thread=True)
        return True

    def _abandon(self, flight: Flight) -> None:
        """The caller who began *flight* was interrupted: if nobody else runs it, nobody ever will."""
        if flight.claim():
            self._end(flight)
            flight.finish(Landing.UNWANTED)

    def _fly(self, flight: Flight, *, on_callers_thread: bool = False) -> None:
        """Run *flight*, from the question to the source to the waking of everybody who waits."""
        callers = frames_of(sys.exc_info()[1])  # who asks in an except block wants to look at them afterwards
        if not flight.claim():
            return
        landing: Landing = Landing.UNWANTED
        error: AlicredError | None = None
        began = self._now()
        try:
            try:
                landing = self._fetch_and_land(flight, began)
            except Exception as raised:  # noqa: BLE001  (a foreign source may raise anything; it is kept as the cause)
                error = as_alicred_error(raised, provider=self._name)
            except BaseException as raised:
                if on_callers_thread:
                    raise
                error = ProviderError(f"the source ended with {type(raised).__name__}", provider=self._name)
                error.__cause__ = raised
            if error is not None:
                forget_locals(error, but_not_in=callers)
                landing = self._crash(flight, error, began)
        finally:
            self._end(flight)
            flight.finish(landing, error)

    def _fetch_and_land(self, flight: Flight, began: float) -> Landing:
        tell(self._listener, RefreshStarted(provider_name=self._name, attempt=self._snapshot.attempts))
        value = checked(self._source.get(), self._name)
        now, wall = self._now(), self._clock.utcnow()
        try:
            held = hold(value, policy=self._refresh, u=draw(), now=now, wall=wall)
        except Exception as error:
            raise refusals.policy_raised(self._name, error) from error
        if held.expires_after <= held.fetched_at:
            self._doubt_the_wall_clock(held)
            raise refusals.expired_on_arrival(self._name, held)
        return self._land(flight, held, began)

    def _doubt_the_wall_clock(self, fetched: Held[C]) -> None:
        with self._lock:
            before = self._snapshot.held
            if before is not None and before.doubtful:
                # A fresh value that has ended already, as the wall clock says: so it is the wall clock that is wrong.
                self._publish(self._snapshot.trusted(fetched.wall, fetched.fetched_at), fetched.fetched_at)

    def _land(self, flight: Flight, held: Held[C], began: float) -> Landing:
        with self._lock:
            if not self._is_wanted(flight):
                return Landing.UNWANTED
            snapshot = self._snapshot.succeeded(held, self._refresh, draw(), span=flight.span)
            self._publish(snapshot, self._now())
            self._flight = None
            self._stale_servings = 0
        event = RefreshSucceeded(
            provider_name=self._name,
            refreshes=snapshot.refreshes,
            expires_at=held.value.expires_at,
            refresh_due_at=wall_time(held.refresh_after, held.fetched_at, held.wall),
            seconds=held.fetched_at - began,
        )
        tell(self._listener, event)
        return Landing.COMMITTED

    def _crash(self, flight: Flight, error: AlicredError, began: float) -> Landing:
        error.provider = error.provider or self._name
        with self._lock:
            if self._flight is not flight or self._snapshot.closed:
                return Landing.UNWANTED
            if error is self._snapshot.last_error:
                error.__traceback__ = None  # one object, raised again and again: each time its traceback grows
            now = self._now()
            snapshot = self._snapshot.failed(error, self._refresh, now, draw())
            self._publish(snapshot, now)
            self._flight = None
        event = RefreshFailed(
            provider_name=self._name,
            error=error,
            consecutive_failures=snapshot.failures,
            next_attempt_at=describe(snapshot, now, self._clock.utcnow()).next_attempt_at,
            usable=snapshot.usable(now) is not None,
            seconds=now - began,
        )
        tell(self._listener, event)
        return Landing.FAILED

    def _end(self, flight: Flight) -> None:
        """Leave no trace of a flight that has neither landed nor crashed."""
        with self._lock:
            if self._flight is flight:
                self._publish(self._snapshot.ended(), self._now())
                self._flight = None

    def _reset_in_child(self) -> None:
        # Whatever the parent's threads were doing, none of them is here: neither their lock nor their flight counts.
        self._lock = threading.RLock()
        self._flight = None
        self._entry = (-inf, cast("C", None))
        self._snapshot = self._snapshot.after_fork()
        with suppress(Exception):  # a window of the user's own may raise; then the moment stays as it was drawn
            self._publish(self._snapshot.drawn_anew(self._refresh, draw()), self._now())
