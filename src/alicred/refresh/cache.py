"""Keeps the value of a source and refreshes it: what callers ask, how they get their answer, and the flights that change what is held."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextvars import copy_context
from datetime import timedelta
from functools import partial
from math import inf
from types import FrameType
from typing import Generic, cast

import attrs

import alicred._internal.checks as check
from alicred._internal.forks import watch
from alicred._internal.frames import this_frame
from alicred._internal.log import ERROR, log
from alicred._internal.public import public
from alicred._internal.random import draw
from alicred._internal.real_time import monotonic
from alicred._internal.tasks import off_loop
from alicred._internal.validators import ZERO
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import C, prefixed
from alicred.errors import AlicredError, ConfigurationError, SourceReport, copy_for_caller, is_of_user_code, without_traceback
from alicred.events import (
    Event,
    Listener,
    RefreshDeferred,
    RefreshFailed,
    RefreshStarted,
    RefreshSucceeded,
    ServedStale,
    emit,
    is_of_listener,
)
from alicred.policy.refresh import USUAL_BACKOFF, RefreshMode, RefreshPolicy
from alicred.policy.window import WINDOWS
from alicred.provider import Provider, as_alicred_error, explain, validate_value
from alicred.refresh import failures
from alicred.refresh.decision import Action, Decision, decide
from alicred.refresh.flight import Flight, Outcome
from alicred.refresh.need import Deferred, Need, ask_for
from alicred.refresh.snapshot import Held, Phase, Snapshot, hold
from alicred.refresh.state import CacheState, State, describe, report, wall_time
from alicred.refresh.threads import StartInTurn, start_thread
from alicred.refresh.waiting import Wait, wait_in_task, wait_in_thread

_UNUSABLE_VALUES = 3  # so often in a row may a fresh value have ended, or been rejected, before its caller could use it
_LONGEST_CHAIN = 20  # causes; a circle of them is no error of ours

LOOK_AGAIN_SECONDS = 1.0
"""How often a caller who waits for long looks whether the refresh is still run. The first looks come sooner."""


class Plan(Generic[C]):
    """What one caller is to do.

    Args:
        decision: What the caller gets.
        snapshot: What that was decided on.
        now: When.
        flight: The refresh that is under way, or was begun for this caller.

    Attributes:
        ran_here: Whether the calling thread has run it, to its end.
    """

    __slots__ = ("decision", "flight", "now", "ran_here", "snapshot")

    def __init__(self, decision: Decision, snapshot: Snapshot[C], now: float, flight: Flight | None) -> None:
        self.decision = decision
        self.snapshot = snapshot
        self.now = now
        self.flight = flight
        self.ran_here = False


@public("alicred")
class CachingProvider(Generic[C]):
    """Keeps the value of a source and refreshes it under a policy. Share one between all threads, tasks and forked workers.

    Thread-, task- and fork-safe. `get` and `aget` answer at once while the held value is good; they wait for a refresh only
    when there is nothing (or nothing for long) to serve, and then for at most ``refresh.max_wait``. No lock is held at any time.
    However many callers there are, one refresh at most is under way. A refresh that fails leaves the held value in service until
    its end. After ``fork`` the child goes on with the value that was held. Pickling takes the configuration along and no value.

    The end of a value is measured once, when it arrives, on *clock*'s wall clock, and from then on counted on the monotonic
    one: a time zone, a DST change or a step of the wall clock moves nothing.

    Args:
        source: Where values come from: any object with ``name`` and ``get()``.
        name: What it is called in logs, events, errors and the names of threads; ``None`` means the source's name. A name that is given
            goes before the ``provider_name`` of the values.
        refresh: When to refresh, and which callers wait.
        clock: Where the time comes from.
        listener: Gets the events of every refresh, on the thread that ran it, beside the logger ``alicred``.

    Raises:
        ConfigurationError: An argument is of the wrong type.
    """

    __slots__ = ("__weakref__", "_clock", "_given_name", "_listener", "_name", "_now", "_refresh", "_source", "_state")

    def __init__(
        self,
        source: Provider[C],
        *,
        name: str | None = None,
        refresh: RefreshPolicy = RefreshPolicy(),  # noqa: B008  (an immutable value)
        clock: Clock = SYSTEM_CLOCK,
        listener: Listener | None = None,
    ) -> None:
        check.provider("CachingProvider.source", source)
        check.optional_text("CachingProvider.name", name)
        check.required("CachingProvider.refresh", refresh, RefreshPolicy)
        check.clock("CachingProvider.clock", clock)
        check.listener("CachingProvider.listener", listener)
        self._source = source
        self._given_name = name
        self._name = name or source.name
        self._refresh = refresh
        self._clock = clock
        self._listener = listener
        self._now = clock.monotonic
        self._state: State[C] = State(Snapshot(), None, os.getpid())
        watch(self, CachingProvider[C]._reset_in_child)

    @property
    def name(self) -> str:
        """As given, else the source's name."""
        return self._name

    # Not keyword-only: CPython has a fast path for calls of functions without such parameters, and the hot path is a sixth slower off it.
    def get(self, max_wait: timedelta | None = None) -> C:
        """The value. At once while a good one is held; else after the refresh.

        In `RefreshMode.INLINE` the caller that starts a refresh is bounded by the source's own time-outs, every other caller by
        *max_wait*.

        Args:
            max_wait: How long this call may wait, not negative; ``None`` means the policy's ``max_wait``.

        Raises:
            AlicredError: There is no value to serve: what the source raised (each caller has an error object of its own,
                with the source's as the cause), `RefreshTimeoutError` after *max_wait*, or `ClosedError`.
            ConfigurationError: *max_wait* is no timedelta, or negative.
        """
        state = self._state
        if max_wait is None and self._now() < state.until:
            return state.value
        return wait_in_thread(self._ask(inline=self._is_inline, max_wait=max_wait))

    async def aget(self, max_wait: timedelta | None = None) -> C:
        """As `get`, for tasks. Never blocks the event loop: the refresh runs on a thread, shared with all other callers.

        Raises:
            AlicredError: As `get`.
        """
        state = self._state
        if max_wait is None and self._now() < state.until:
            return state.value
        return await wait_in_task(self._ask(inline=False, max_wait=max_wait))

    def refresh(self) -> C:
        """A new value now, whatever the phase: for an operator. Joins a refresh that is under way; a back-off does not hold it.

        The held value stays in service meanwhile, and afterwards if this fails.

        Raises:
            AlicredError: As `get`; also where the held value can still be served.
        """
        return wait_in_thread(self._ask(inline=self._is_inline, demanded=True))

    async def arefresh(self) -> C:
        """As `refresh`, for tasks.

        Raises:
            AlicredError: As `refresh`.
        """
        return await wait_in_task(self._ask(inline=False, demanded=True))

    def get_valid_for(self, span: timedelta) -> C:
        """A value that lasts for at least *span*, for a pre-signed URL or a long upload; refreshed now if the held one does not.

        Args:
            span: How long the value must last, counted from now; not negative.

        Raises:
            ProviderError: A fresh value does not last for *span* either.
            ConfigurationError: *span* is no timedelta, or negative.
            AlicredError: As `get`.
        """
        return wait_in_thread(self._ask(_not_negative("span", span), inline=self._is_inline))

    async def aget_valid_for(self, span: timedelta) -> C:
        """As `get_valid_for`, for tasks.

        Raises:
            AlicredError: As `get_valid_for`.
        """
        return await wait_in_task(self._ask(_not_negative("span", span), inline=False))

    def invalidate(self, value: C | None = None) -> bool:
        """Report that the service has rejected *value*: from now on it counts as expired.

        Does nothing if *value* is not the one that is held any more, so that many workers may report the same rejection.
        A back-off after failed refreshes stays as it is. Where fresh values are rejected one after the other, or the source
        hands out the rejected one again, it is asked no faster than the policy's ``failure_backoff`` says.

        Args:
            value: What was rejected; ``None`` means whatever is held.

        Returns:
            Whether that changed something.
        """
        while True:
            state = self._current()
            snapshot = state.snapshot
            if snapshot.held is None or (value is not None and value != snapshot.held.value):
                return False
            now = self._now()
            changed = snapshot.invalidated(self._refresh, now, draw())
            if changed is snapshot:
                return False
            if self._change(state, changed, state.flight, now):
                return True

    def state(self) -> CacheState:
        """What is held and planned, without a request. Never blocks."""
        return describe(self._current().snapshot, self._now(), self._clock.utcnow(), self._name)

    def explain(self) -> tuple[SourceReport, ...]:
        """What the sources in it answer when they are asked now. Raises nothing and changes nothing; blocks for as long as they do."""
        return explain(self._source)

    def close(self) -> None:
        """Forget the value; later calls raise `ClosedError`. Waits for a refresh that is under way, for at most ``refresh.max_wait``."""
        wait_in_thread(self._close())

    async def aclose(self) -> None:
        """As `close`, for tasks: never blocks the event loop."""
        await wait_in_task(self._close())

    def __enter__(self) -> CachingProvider[C]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def __aenter__(self) -> CachingProvider[C]:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        return f"<CachingProvider of {self._name}: {self.state().phase.value}>"

    def __reduce__(self) -> tuple[object, ...]:
        make = partial(type(self), name=self._given_name, refresh=self._refresh, clock=self._clock, listener=self._listener)
        return make, (self._source,)

    @property
    def _is_inline(self) -> bool:
        return self._refresh.mode is RefreshMode.INLINE

    # One caller's way to a value

    def _ask(
        self, span: timedelta = ZERO, *, inline: bool, max_wait: timedelta | None = None, demanded: bool = False
    ) -> Generator[Wait, None, C]:
        """A value for *span*; with *demanded*, a new one. Yields where the caller has to wait: threads and tasks differ only in how."""
        max_wait = self._refresh.max_wait if max_wait is None else _not_negative("max_wait", max_wait)
        give_up_at = monotonic() + max_wait.total_seconds()
        unusable = 0
        while True:
            plan = self._plan(span, inline=inline, demanded=demanded)
            snapshot, action, flight = plan.snapshot, plan.decision.action, plan.flight
            if snapshot.held is not None and not plan.ran_here and action in (Action.SERVE, Action.SERVE_AND_REFRESH):
                return self._serve(snapshot.held, plan.decision.phase)
            if action is Action.FAIL or flight is None:
                raise self._denial(plan, span)
            if not flight.is_run_by_this_thread():
                left = give_up_at - monotonic()
                yield from self._wait(flight, left if demanded else self._patience(snapshot, left, plan.now, span))
            outcome = flight.outcome  # before the look at what is held, which the outcome has changed
            has_time = plan.ran_here or monotonic() < give_up_at
            now, snapshot = self._now(), self._current().snapshot
            if outcome is Outcome.SUPERSEDED and (has_time or snapshot.closed):
                continue
            held = None if demanded and outcome is not Outcome.COMMITTED else snapshot.usable(now, span)
            if held is not None:
                return self._serve(held, held.phase(now))
            if outcome is Outcome.FAILED and flight.error is not None:
                raise copy_for_caller(flight.error)
            if outcome is Outcome.COMMITTED:
                if snapshot.usable(now) is not None:
                    raise failures.shortfall(self._name, span)
                unusable += 1
                if unusable >= _UNUSABLE_VALUES:
                    was_rejected = snapshot.held is not None and snapshot.held.invalidated
                    raise failures.rejected_meanwhile(self._name, unusable) if was_rejected else failures.ends_at_once(self._name)
            elif flight.is_run_by_this_thread():
                raise failures.asks_itself(self._name)
            elif not has_time:
                raise failures.waited_in_vain(self._name, max_wait)

    def _wait(self, flight: Flight, seconds: float) -> Generator[Wait, None, None]:
        """Wait until *flight* has ended, for at most *seconds*. Looks from time to time whether it is still run."""
        end = monotonic() + seconds
        pause = LOOK_AGAIN_SECONDS / 4
        while flight.outcome is None:
            left = end - monotonic()
            yield Wait(flight, min(left, pause))
            if left <= pause:
                return
            if flight.is_lost():
                self._discard(flight)
            pause = min(2 * pause, LOOK_AGAIN_SECONDS)

    def _patience(self, snapshot: Snapshot[C], left: float, now: float, span: timedelta) -> float:
        """For how many of the seconds *left* a caller waits: with a usable value at hand, not for an old flight again."""
        until = snapshot.waited_for_until
        return left if until is None or snapshot.usable(now, span) is None else min(left, until - now)

    def _serve(self, held: Held[C], phase: Phase) -> C:
        if phase is Phase.GRACE:
            event = ServedStale(provider_name=self._name, expires_at=held.value.expires_at, times=next(held.servings_past_end))
            emit(self._listener, event)
        return held.value

    def _denial(self, plan: Plan[C], span: timedelta) -> AlicredError:
        """Why a caller gets no value and need not wait for one."""
        snapshot, now = plan.snapshot, plan.now
        if snapshot.closed:
            return failures.closed(self._name)
        if snapshot.deferral is not None:
            return failures.deferred(snapshot.deferral, snapshot.next_attempt_at - now)
        if snapshot.last_error is not None:
            return failures.replayed(snapshot.last_error, now - snapshot.failed_at, snapshot.next_attempt_at - now)
        if snapshot.usable(now) is not None:
            return failures.shortfall(self._name, span)
        return failures.rejected_again(self._name, snapshot.next_attempt_at - now)

    def _close(self) -> Generator[Wait, None, None]:
        while True:
            state = self._current()
            if state.snapshot.closed or self._change(state, state.snapshot.shut(), state.flight, self._now()):
                break
        flight = state.flight
        if flight is not None and flight.is_in_line():
            self._discard(flight)
        if flight is not None and not flight.is_run_by_this_thread():
            yield from self._wait(flight, self._refresh.max_wait.total_seconds())

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
        changed = State(snapshot, flight, pid or state.pid, _served_until(snapshot, decide(snapshot, now)))
        state.until = -inf
        if state.successor.setdefault(None, changed) is not changed:
            return False
        self._state = changed
        return True

    def _reset_in_child(self) -> None:
        # The number of a process is given again once it has ended, so that it alone would not do.
        self._state = State(self._newest().snapshot, None, -1)
        self._current()

    # What a caller is to do

    def _plan(self, span: timedelta, *, inline: bool, demanded: bool) -> Plan[C]:
        """What a caller is to do who needs a value for *span*, or has *demanded* a new one; the refresh is started that this takes."""
        mine = Flight(span, demanded=demanded)
        try:
            plan = self._decide(mine, this_frame(), demanded=demanded)
            plan.ran_here = plan.flight is mine and self._start(mine, inline=inline)
            return self._without_waiting(plan, mine) if mine.is_in_line() else plan
        except BaseException:
            self._discard(mine)
            raise

    def _decide(self, mine: Flight, beginner: FrameType, *, demanded: bool) -> Plan[C]:
        """What to do, with *mine* as the refresh if one is to be begun, which *beginner* starts then."""
        while True:
            state = self._current()
            flight = state.flight
            if flight is not None and flight.is_lost():
                self._discard(flight)
                continue
            now = self._now()
            snapshot = self._with_wall_clock(state.snapshot, now)
            decision = decide(snapshot, now, mine.span, demanded=demanded)
            begins = flight is None and decision.action in (Action.SERVE_AND_REFRESH, Action.WAIT)
            plan = Plan(decision, snapshot, now, mine if begins else flight)
            if begins:
                mine.begin(snapshot.generation, beginner)
                if self._change(state, snapshot.started(now, self._refresh.max_wait), mine, now):
                    return plan
                mine.begin(0, None)
            elif _stands(state, plan, mine.span) or self._change(state, snapshot, flight, now):
                return plan

    def _without_waiting(self, plan: Plan[C], mine: Flight) -> Plan[C]:
        """*plan*, now that *mine* waits for its turn without a thread: meanwhile, a usable value is served without waiting."""
        while True:
            state, now = self._current(), self._now()
            snapshot = attrs.evolve(state.snapshot, waited_for_until=now)
            if state.flight is not mine:
                return plan
            if self._change(state, snapshot, mine, now):
                break
        decision = decide(snapshot, now, mine.span, demanded=mine.demanded)
        return Plan(decision, snapshot, now, mine) if decision.action is Action.SERVE else plan

    def _with_wall_clock(self, snapshot: Snapshot[C], now: float) -> Snapshot[C]:
        """*snapshot*, after a look at the wall clock where that is due."""
        if snapshot.held is None or snapshot.held.lifetime is None or now < snapshot.wall_due_at:
            return snapshot
        return snapshot.with_wall_clock(self._clock.utcnow(), now)

    # Flights

    def _start(self, flight: Flight, *, inline: bool) -> bool:
        """Have *flight* run; whether it has, on this thread."""
        if not inline:
            context = copy_context()

            def run() -> None:
                context.run(off_loop, lambda: self._run(flight))

            try:
                look = self._launch(flight, run, f"alicred-refresh-{self._name}")
            except RuntimeError:  # no thread can be started here, or not any more
                pass
            else:
                flight.launched(run, look)
                return False
        self._run(flight, on_callers_thread=True)
        return True

    def _launch(self, flight: Flight, run: Callable[[], None], name: str) -> Callable[[], None] | None:
        """Have *run* called on a thread: now, or when the turn of the source has come; see `Flight.launched` for what is returned then."""
        start_in_turn: object = getattr(self._source, "_start_in_turn", None)
        if not callable(start_in_turn):
            start_thread(run, name)
            return None
        return cast("StartInTurn", start_in_turn)(run, name, lambda: flight.outcome is not None)

    def _discard(self, flight: Flight) -> None:
        """End *flight* if nothing runs it, and nothing will."""
        if flight.claim() or flight.is_lost():
            self._end(flight)
            flight.finish(Outcome.SUPERSEDED)

    def _run(self, flight: Flight, *, on_callers_thread: bool = False) -> None:
        """Run *flight*, from the question to the source to the waking of every waiter."""
        if not flight.claim():
            return
        outcome: Outcome = Outcome.SUPERSEDED
        error: AlicredError | None = None
        event: RefreshSucceeded | RefreshFailed | RefreshDeferred | None = None
        began = self._now()
        try:
            started = RefreshStarted(provider_name=self._name, attempt=self._state.snapshot.attempts)
            self._emit(started, on_callers_thread=on_callers_thread)
            try:
                outcome, event = self._commit(flight, self._fetch(self._need(flight, began)), began)
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
                without_traceback(error)
                if on_callers_thread and _is_out_of_stack(error):
                    raise error  # the caller's own trouble: the next one, with a stack that is not used up, finds nothing of it
                if isinstance(error, Deferred):
                    outcome, event = self._defer(flight, error)
                else:
                    outcome, failed = self._fail(flight, error, began)
                    event, error = failed, error if failed is None else failed.error
            if event is not None:
                self._emit(event, on_callers_thread=on_callers_thread)
        finally:
            self._end(flight)
            flight.finish(outcome, error)

    def _emit(self, event: Event, *, on_callers_thread: bool) -> None:
        """Notify the listener. What ends a thread, such as `SystemExit`, goes on to the caller who runs the flight; else it ends here."""
        try:
            emit(self._listener, event)
        except BaseException as raised:
            if on_callers_thread:
                raise
            text = "%s: the listener ended with %s on %s; the refresh goes on"
            log(ERROR, text, self._name, type(raised).__name__, type(event).__name__, with_traceback=True)

    def _need(self, flight: Flight, now: float) -> Need:
        """What the source is to bring something for."""
        snapshot = self._current().snapshot
        held = snapshot.usable(now, flight.span)
        if held is None or flight.demanded:
            return Need(span=flight.span)
        left = held.waits_after - now
        return Need(span=flight.span, usable=True, until_urgent=timedelta.max if left == inf else timedelta(seconds=max(0.0, left)))

    def _fetch(self, need: Need) -> Held[C]:
        answer = ask_for(self._source, need)
        answer = attrs.evolve(answer, value=prefixed(validate_value(answer.value, self._name), self._given_name))
        now, wall = self._now(), self._clock.utcnow()
        try:
            held = hold(answer, policy=self._refresh, u=draw(), now=now, wall=wall)
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
            if self._change(state, state.snapshot.resynced(fetched), state.flight, fetched.fetched_at):
                return

    def _commit(self, flight: Flight, held: Held[C], began: float) -> tuple[Outcome, RefreshSucceeded | None]:
        """Put *held* into service, if it is still wanted."""
        while True:
            state = self._current()
            before, found = report(state.snapshot.held, self._name), report(held, self._name)
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
            found=found,
            changed=before is None or _identity(before) != _identity(found),
        )

    def _fail(self, flight: Flight, error: AlicredError, began: float) -> tuple[Outcome, RefreshFailed | None]:
        """Have *error* be what the refresh came to."""
        error.provider = error.provider or self._name
        while True:
            state = self._current()
            if state.flight is not flight or state.snapshot.closed:
                return Outcome.SUPERSEDED, None
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
            next_attempt_at=describe(snapshot, now, self._clock.utcnow(), self._name).next_attempt_at,
            usable=snapshot.usable(now) is not None,
            seconds=now - began,
            held=report(snapshot.usable(now), self._name),
        )

    def _defer(self, flight: Flight, deferral: Deferred) -> tuple[Outcome, RefreshDeferred | None]:
        """Leave the source alone for as long as it says, and everything else as it was."""
        deferral.provider = deferral.provider or self._name
        while True:
            state = self._current()
            if state.flight is not flight or state.snapshot.closed:
                return Outcome.SUPERSEDED, None
            now = self._now()
            snapshot = state.snapshot.deferred(deferral, now)
            if self._change(state, snapshot, None, now):
                break
        next_attempt_at = describe(snapshot, now, self._clock.utcnow(), self._name).next_attempt_at
        return Outcome.FAILED, RefreshDeferred(provider_name=self._name, reason=deferral.reason, next_attempt_at=next_attempt_at)

    def _end(self, flight: Flight) -> None:
        """Leave no trace of a flight that has neither brought a value nor failed."""
        while True:
            state = self._current()
            if state.flight is not flight or self._change(state, state.snapshot.ended(), None, self._now()):
                return


def _identity(found: SourceReport) -> tuple[object, ...]:
    """What stays the same from one session of an identity to the next."""
    key_id = found.access_key_id if found.expires_at is None else None
    return found.name, found.origin, key_id, found.obtained_with and _identity(found.obtained_with)


def _served_until(snapshot: Snapshot[C], decision: Decision) -> float:
    """Before which moment any caller may be served at once, if *decision* is what a caller gets who needs a value for no span."""
    held = snapshot.held
    if held is None or decision.action is not Action.SERVE:
        return -inf
    return decision.until if held.lifetime is None else min(decision.until, snapshot.wall_due_at)


def _stands(state: State[C], plan: Plan[C], span: timedelta) -> bool:
    """Whether *state* says what *plan* was made on, to the hot path too."""
    if plan.snapshot is not state.snapshot:
        return False
    return state.until > plan.now or _served_until(plan.snapshot, decide(plan.snapshot, plan.now) if span else plan.decision) <= plan.now


def _is_out_of_stack(error: BaseException | None) -> bool:
    """Whether *error*, or what caused it, is that no stack was left."""
    for _ in range(_LONGEST_CHAIN):
        if error is None or isinstance(error, RecursionError):
            break
        error = error.__cause__
    return isinstance(error, RecursionError)


def _not_negative(name: str, span: object) -> timedelta:
    if not isinstance(span, timedelta) or span < ZERO:
        raise ConfigurationError(f"{name} must be a datetime.timedelta of zero or more, not {span!r}")
    return span
