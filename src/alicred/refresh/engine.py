"""The state of one cache, changed without a lock, and the flights that change it."""

from __future__ import annotations

import os
import sys
from contextvars import copy_context
from datetime import timedelta
from math import inf
from types import FrameType
from typing import Generic, cast

import attrs

from alicred._internal.forks import watch
from alicred._internal.frames import this_frame
from alicred._internal.log import ERROR, log
from alicred._internal.random import draw
from alicred._internal.tasks import off_loop
from alicred._values import checked
from alicred.clock import Clock
from alicred.credential import C
from alicred.errors import AlicredError, as_alicred_error, forget_locals, frames_of, is_of_user_code
from alicred.events import Event, Listener, RefreshFailed, RefreshStarted, RefreshSucceeded, emit, is_of_listener
from alicred.policy.refresh import USUAL_BACKOFF, RefreshPolicy
from alicred.policy.window import WINDOWS
from alicred.provider import Provider
from alicred.refresh import failures
from alicred.refresh.decision import Action, Decision, decide
from alicred.refresh.flight import Flight, Outcome
from alicred.refresh.snapshot import Held, Snapshot, hold
from alicred.refresh.state import describe, wall_time
from alicred.refresh.threads import start_thread

_LONGEST_CHAIN = 20  # causes; a circle of them is no error of ours


class State(Generic[C]):
    """What a cache knows between two changes, and what came after it.

    A change is one atomic step: to put the next state into `successor`, which the first to try does. So there is no lock that an
    interrupt, a fork or the end of a thread could leave held. The hot path reads `until` and `value` of one state, which therefore
    always belong together. Before a state gets a successor its `until` becomes ``-inf``, so that no caller is served from it.

    Args:
        snapshot: What is known.
        flight: The refresh that is under way.
        pid: The process that this is about. Elsewhere, in a forked child, the flight has nobody to run it.
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


@attrs.frozen
class Plan(Generic[C]):
    """What one caller is to do.

    Args:
        decision: What the caller gets.
        snapshot: What that was decided on.
        now: When.
        flight: The refresh that is under way, or was begun for this caller.
        ran_here: Whether the calling thread has run it, to its end.
    """

    decision: Decision
    snapshot: Snapshot[C]
    now: float
    flight: Flight | None
    ran_here: bool = False


class Engine(Generic[C]):
    """What a cache knows, and how a flight changes that. No lock is held at any time.

    Every change replaces the state as a whole. A flight that has lost the thread that ran it, and one of another process, is
    replaced by the caller that meets it.
    """

    __slots__ = ("__weakref__", "_clock", "_listener", "_name", "_now", "_refresh", "_source", "_state")

    def __init__(self, source: Provider[C], refresh: RefreshPolicy, clock: Clock, listener: Listener | None) -> None:
        self._source = source
        self._name = source.name
        self._refresh = refresh
        self._clock = clock
        self._listener = listener
        self._now = clock.monotonic
        self._state: State[C] = State(Snapshot(), None, os.getpid())
        watch(self, Engine[C]._reset_in_child)

    # The state

    def _current(self) -> State[C]:
        """The newest state. In a forked child: what is left of the parent's."""
        while True:
            state = self._newest()
            if state.pid == os.getpid():
                return state
            self._take_over(state)

    def _newest(self) -> State[C]:
        state = self._state
        if state.successor:  # what made it was interrupted, or overtaken, before it could say so
            while state.successor:
                state = state.successor[None]
            self._state = state
        return state

    def _take_over(self, state: State[C]) -> None:
        """Make *state*, of the process that this one was forked from, this one's."""
        now = self._now()
        snapshot = state.snapshot.after_fork()
        try:
            snapshot = snapshot.rejittered(self._refresh, draw(), now)
        except BaseException as error:  # of a window of the user's own: then the moment stays as it was drawn
            if not is_of_user_code(error, at_once=True):
                raise
            log(ERROR, "RefreshPolicy.ahead raised in a forked child; it refreshes when its parent does", with_traceback=True)
        self._change(state, snapshot, None, now, pid=os.getpid())

    def _change(self, state: State[C], snapshot: Snapshot[C], flight: Flight | None, now: float, *, pid: int | None = None) -> bool:
        """Put *snapshot* and *flight* in the place of *state*; false if another change was made first."""
        changed = State(snapshot, flight, pid or state.pid, self._served_until(snapshot, now))
        state.until = -inf
        if state.successor.setdefault(None, changed) is not changed:
            return False
        self._state = changed
        return True

    def _served_until(self, snapshot: Snapshot[C], now: float) -> float:
        """Before which moment any caller may be served at once."""
        decision = decide(snapshot, now)
        held = snapshot.held
        if held is None or decision.action is not Action.SERVE:
            return -inf
        return decision.until if held.lifetime is None else min(decision.until, snapshot.wall_due_at)

    def _reset_in_child(self) -> None:
        # The number of a process is given again once it has ended, so that it alone would not do.
        self._state = State(self._newest().snapshot, None, -1)
        self._current()

    # What a caller is to do

    def _plan(self, span: timedelta, *, inline: bool) -> Plan[C]:
        """What a caller is to do who needs a value for *span*; the refresh is started that this takes."""
        mine = Flight(span)
        try:
            plan = self._decide(mine, this_frame())
            return attrs.evolve(plan, ran_here=self._start(mine, inline=inline)) if plan.flight is mine else plan
        except BaseException:
            self._discard(mine)
            raise

    def _decide(self, mine: Flight, beginner: FrameType) -> Plan[C]:
        """What to do, with *mine* as the refresh if one is to be begun, which *beginner* starts then."""
        while True:
            state = self._current()
            flight = state.flight
            if flight is not None and flight.is_lost():
                self._discard(flight)
                continue
            now = self._now()
            snapshot = self._with_wall_clock(state.snapshot, now)
            decision = decide(snapshot, now, mine.span)
            plan = Plan(decision, snapshot, now, flight)
            if flight is None and decision.action in (Action.SERVE_AND_REFRESH, Action.WAIT):
                mine.begin(snapshot.generation, beginner)
                if self._change(state, snapshot.started(now, self._refresh.max_wait), mine, now):
                    return attrs.evolve(plan, flight=mine)
                mine.begin(0, None)
            elif self._stands(state, snapshot, now) or self._change(state, snapshot, flight, now):
                return plan

    def _stands(self, state: State[C], snapshot: Snapshot[C], now: float) -> bool:
        """Whether *state* says what *snapshot* does, to the hot path too."""
        return snapshot is state.snapshot and (state.until > now or self._served_until(snapshot, now) <= now)

    def _with_wall_clock(self, snapshot: Snapshot[C], now: float) -> Snapshot[C]:
        """*snapshot*, after a look at the wall clock where that is due."""
        if snapshot.held is None or snapshot.held.lifetime is None or now < snapshot.wall_due_at:
            return snapshot
        return snapshot.judged_by(self._clock.utcnow(), now)

    # Flights

    def _start(self, flight: Flight, *, inline: bool) -> bool:
        """Have *flight* run; whether it has, on this thread."""
        if not inline:
            context = copy_context()

            def run() -> None:
                context.run(off_loop, lambda: self._run(flight))

            try:
                start_thread(run, f"alicred-refresh-{self._name}")
            except RuntimeError:  # no thread can be started here, or not any more
                pass
            else:
                flight.launched(run)
                return False
        self._run(flight, on_callers_thread=True)
        return True

    def _discard(self, flight: Flight) -> None:
        """End *flight* if nothing runs it, and nothing will."""
        if flight.claim() or flight.is_lost():
            self._end(flight)
            flight.finish(Outcome.SUPERSEDED)

    def _run(self, flight: Flight, *, on_callers_thread: bool = False) -> None:
        """Run *flight*, from the question to the source to the waking of every waiter."""
        callers = frames_of(sys.exc_info()[1])  # who asks in an except block wants to look at them afterwards
        if not flight.claim():
            return
        outcome: Outcome = Outcome.SUPERSEDED
        error: AlicredError | None = None
        event: RefreshSucceeded | RefreshFailed | None = None
        began = self._now()
        try:
            started = RefreshStarted(provider_name=self._name, attempt=self._state.snapshot.attempts)
            self._emit(started, on_callers_thread=on_callers_thread)
            try:
                outcome, event = self._commit(flight, self._fetch(), began)
            except Exception as raised:  # noqa: BLE001  (a foreign source may raise anything; it is kept as the cause)
                error = as_alicred_error(raised, provider=self._name)
            except BaseException as raised:
                if on_callers_thread:
                    if is_of_listener(raised):  # what the user's own code raised takes no pause away
                        self._fail(flight, failures.ended_with(self._name, raised), began)
                    raise
                error = failures.ended_with(self._name, raised)
                error.__cause__ = raised
            if error is not None:
                forget_locals(error, but_not_in=callers)
                if on_callers_thread and _is_out_of_stack(error):
                    raise error  # the caller's own trouble: the next one, with a stack that is not used up, finds nothing of it
                outcome, event = self._fail(flight, error, began)
                error = event.error if event is not None else error
            if event is not None:
                self._emit(event, on_callers_thread=on_callers_thread)
        finally:
            self._end(flight)
            flight.finish(outcome, error)

    def _emit(self, event: Event, *, on_callers_thread: bool) -> None:
        """Tell the listener. What ends a thread, such as `SystemExit`, goes on to the caller who runs the flight; else it ends here."""
        try:
            emit(self._listener, event)
        except BaseException as raised:
            if on_callers_thread:
                raise
            text = "%s: the listener ended with %s on %s; the refresh goes on"
            log(ERROR, text, self._name, type(raised).__name__, type(event).__name__, with_traceback=True)

    def _fetch(self) -> Held[C]:
        value = checked(self._source.get(), self._name)
        now, wall = self._now(), self._clock.utcnow()
        try:
            held = hold(value, policy=self._refresh, u=draw(), now=now, wall=wall)
        except BaseException as error:
            if not is_of_user_code(error, at_once=not isinstance(self._refresh.ahead, WINDOWS)):
                raise
            raise failures.policy_raised(self._name, error) from error
        if held.expires_after <= held.fetched_at:
            self._resync_wall_clock(held)
            raise failures.expired_on_arrival(self._name, held)
        return held

    def _resync_wall_clock(self, fetched: Held[C]) -> None:
        """A fresh value that has ended already, as the wall clock says: so it may be the wall clock that is wrong."""
        while True:
            state = self._current()
            if self._change(state, state.snapshot.corrected_by(fetched), state.flight, fetched.fetched_at):
                return

    def _commit(self, flight: Flight, held: Held[C], began: float) -> tuple[Outcome, RefreshSucceeded | None]:
        """Put *held* into service, if it is still wanted."""
        while True:
            state = self._current()
            if state.flight is not flight or flight.generation != state.snapshot.generation:
                return Outcome.SUPERSEDED, None
            snapshot = state.snapshot.succeeded(held, self._refresh, draw(), span=flight.span)
            if self._change(state, snapshot, None, self._now()):
                break
        return Outcome.COMMITTED, RefreshSucceeded(
            provider_name=self._name,
            refreshes=snapshot.refreshes,
            expires_at=held.value.expires_at,
            refresh_due_at=wall_time(held.refresh_after, held.fetched_at, held.wall),
            seconds=held.fetched_at - began,
        )

    def _fail(self, flight: Flight, error: AlicredError, began: float) -> tuple[Outcome, RefreshFailed | None]:
        """Have *error* be what the refresh came to."""
        error.provider = error.provider or self._name
        while True:
            state = self._current()
            if state.flight is not flight or state.snapshot.closed:
                return Outcome.SUPERSEDED, None
            if error is state.snapshot.last_error:
                error.__traceback__ = None  # one object, raised again and again: each time its traceback grows
            now, u = self._now(), draw()
            try:
                snapshot = state.snapshot.failed(error, self._refresh, now, u)
            except BaseException:  # an interrupt inside a user's own back-off
                usual = attrs.evolve(self._refresh, failure_backoff=USUAL_BACKOFF)
                self._change(state, state.snapshot.failed(error, usual, now, u), None, now)
                raise
            if self._change(state, snapshot, None, now):
                break
        return Outcome.FAILED, RefreshFailed(
            provider_name=self._name,
            error=snapshot.last_error or error,
            consecutive_failures=snapshot.failures,
            next_attempt_at=describe(snapshot, now, self._clock.utcnow()).next_attempt_at,
            usable=snapshot.usable(now) is not None,
            seconds=now - began,
        )

    def _end(self, flight: Flight) -> None:
        """Leave no trace of a flight that has neither brought a value nor failed."""
        while True:
            state = self._current()
            if state.flight is not flight or self._change(state, state.snapshot.ended(), None, self._now()):
                return


def _is_out_of_stack(error: BaseException | None) -> bool:
    """Whether *error*, or what caused it, is that no stack was left."""
    for _ in range(_LONGEST_CHAIN):
        if error is None or isinstance(error, RecursionError):
            break
        error = error.__cause__
    return isinstance(error, RecursionError)
