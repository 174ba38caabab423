"""Keeps the value of a source fresh: the thin shell around the decision, with the lock, the flights and the threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextvars import copy_context
from datetime import datetime, timedelta
from functools import partial
from math import inf
from typing import Generic, cast

import alicred._arguments as check
from alicred._random import draw
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import C
from alicred.errors import (
    AlicredError,
    ClosedError,
    ConfigurationError,
    MalformedResponseError,
    ProviderError,
    RefreshTimeout,
    another,
    as_alicred_error,
)
from alicred.events import Listener, RefreshFailed, RefreshStarted, RefreshSucceeded, ServedStale, tell
from alicred.policy.refresh import RefreshMode, RefreshPolicy
from alicred.provider import Provider
from alicred.refresh.decision import Action, decide, lasts
from alicred.refresh.flight import Flight, Landing
from alicred.refresh.forks import watch
from alicred.refresh.snapshot import Held, Phase, Snapshot, hold
from alicred.refresh.state import CacheState, describe, wall_time
from alicred.refresh.threads import start_thread
from alicred.refresh.waiting import Wait, wait_in_task, wait_in_thread


class CachingProvider(Generic[C]):
    """Keeps the value of a source and refreshes it under a policy. Share one between all threads, tasks and forked workers.

    Thread-, task- and fork-safe. `get` and `aget` answer at once while the held value is good; they wait for a refresh only
    when there is nothing (or nothing for long) to serve, and then for at most ``refresh.max_wait``. However many callers
    there are, one refresh at most is under way. A refresh that fails leaves the held value in service until its end. After
    ``fork`` the child goes on with the value that was held. Pickling takes the configuration along and no value.

    The end of a value is measured once, when it arrives, on *clock*'s wall clock, and from then on counted on the monotonic
    one: a time zone, a DST change or a step of the wall clock moves nothing.

    Args:
        source: Where values come from: any object with ``name`` and ``get()``.
        refresh: When to refresh and whom to let wait.
        clock: Where the time comes from.
        listener: Told of every refresh, on the thread that ran it; ``None`` writes to the logger ``alicred``.

    Raises:
        ConfigurationError: An argument is of the wrong type.
    """

    __slots__ = (
        "__weakref__", "_clock", "_entry", "_flight", "_listener", "_lock", "_now", "_refresh", "_snapshot", "_source",
        "_stale_servings",
    )  # fmt: skip

    def __init__(
        self,
        source: Provider[C],
        *,
        refresh: RefreshPolicy = RefreshPolicy(),  # noqa: B008  (an immutable value)
        clock: Clock = SYSTEM_CLOCK,
        listener: Listener | None = None,
    ) -> None:
        check.provider("CachingProvider.source", source)
        check.required("CachingProvider.refresh", refresh, RefreshPolicy)
        self._source = source
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
        watch(self, CachingProvider[C]._reset_in_child)

    @property
    def name(self) -> str:
        """The source's name."""
        return self._source.name

    def get(self) -> C:
        """The value. At once while a good one is held; else after the refresh.

        In `RefreshMode.INLINE` the caller that starts a refresh is bounded by the source's own time-outs, everybody else by
        ``max_wait``.

        Raises:
            AlicredError: There is no value to serve: what the source raised (each caller has an error object of its own,
                with the source's as the cause), `RefreshTimeout` after ``max_wait``, or `ClosedError`.
        """
        until, value = self._entry
        if self._now() < until:
            return value
        return wait_in_thread(self._ask(0.0, inline=self._refresh.mode is RefreshMode.INLINE))

    async def aget(self) -> C:
        """As `get`, for tasks. Never blocks the event loop: the refresh runs on a thread, shared with all other callers.

        Raises:
            AlicredError: As `get`.
        """
        until, value = self._entry
        if self._now() < until:
            return value
        return await wait_in_task(self._ask(0.0, inline=False))

    def get_valid_for(self, span: timedelta) -> C:
        """A value that lasts for at least *span*, for a pre-signed URL or a long upload; refreshed now if the held one does not.

        Args:
            span: How long the value must last, counted from now; not negative.

        Raises:
            ProviderError: A fresh value does not last for *span* either.
            ConfigurationError: *span* is no timedelta, or negative.
            AlicredError: As `get`.
        """
        return wait_in_thread(self._ask(_seconds(span), inline=self._refresh.mode is RefreshMode.INLINE))

    async def aget_valid_for(self, span: timedelta) -> C:
        """As `get_valid_for`, for tasks.

        Raises:
            AlicredError: As `get_valid_for`.
        """
        return await wait_in_task(self._ask(_seconds(span), inline=False))

    def invalidate(self, value: C | None = None) -> bool:
        """Say that the service has rejected *value*: from now on it counts as expired.

        Does nothing if *value* is not the one that is held any more, so that many workers may report the same rejection.
        A back-off after failed refreshes stays as it is.

        Args:
            value: What was rejected; ``None`` means whatever is held.

        Returns:
            Whether that changed something.
        """
        with self._lock:
            snapshot = self._snapshot
            if snapshot.held is None or (value is not None and value != snapshot.held.value):
                return False
            now = self._now()
            self._publish(snapshot.invalidated(now, self._refresh.grace), now)
            return self._snapshot is not snapshot

    def state(self) -> CacheState:
        """What is held and planned, without asking anybody. Never blocks."""
        return describe(self._snapshot, self._now(), self._clock.utcnow())

    def close(self) -> None:
        """Forget the value and refuse every later call. Waits for a refresh that is under way, for at most ``max_wait``."""
        with self._lock:
            if not self._snapshot.closed:
                self._publish(self._snapshot.shut(), self._now())
            flight = self._flight
        if flight is not None and not flight.is_run_by_this_thread():
            flight.wait(self._refresh.max_wait.total_seconds())

    def __enter__(self) -> CachingProvider[C]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<CachingProvider of {self.name}: {self.state().phase.value}>"

    def __reduce__(self) -> tuple[object, ...]:
        make = partial(type(self), refresh=self._refresh, clock=self._clock, listener=self._listener)
        return make, (self._source,)

    # What follows runs when the hot path has no answer.

    def _ask(self, span: float, *, inline: bool) -> Generator[Wait, None, C]:
        """One caller's way to a value. Yields where the caller has to wait; threads and tasks differ only in how they do that."""
        give_up_at = time.monotonic() + self._refresh.max_wait.total_seconds()
        while True:
            with self._lock:
                now = self._now()
                snapshot = self._look(now)
                decision = decide(snapshot, now, span)
                flight = self._flight
                launches = flight is None and decision.action in (Action.SERVE_AND_REFRESH, Action.WAIT)
                if launches:
                    flight = self._take_off(now)
                patience = self._patience(give_up_at, now, span)
            if launches and flight is not None:
                self._start(flight, inline=inline)
            if decision.action is Action.FAIL:
                raise self._refusal(snapshot, now, span)
            at_once = decision.action is Action.SERVE or (decision.action is Action.SERVE_AND_REFRESH and not inline)
            if at_once and snapshot.held is not None:
                return self._serve(snapshot.held, decision.phase)
            if flight is None:
                continue  # nothing to wait for: it can only be that a fork came in between
            if flight.landing is None and not flight.is_run_by_this_thread():
                yield Wait(flight, patience)
            landing = flight.landing  # before the look at what is held, which the landing has changed
            now = self._now()
            held = self._servable(now, span)
            if held is not None and landing is not Landing.UNWANTED:
                return self._serve(held, held.phase(now))
            if landing is Landing.FAILED and flight.error is not None:
                raise another(flight.error)
            if landing is Landing.COMMITTED and span > 0:
                raise self._too_short(span)
            if landing is None or time.monotonic() >= give_up_at:
                raise self._given_up(flight)

    def _patience(self, give_up_at: float, now: float, span: float) -> float:
        """For how many seconds a caller may wait: who holds a usable value does not wait for an old flight again."""
        left = give_up_at - time.monotonic()
        until = self._snapshot.waited_for_until
        return left if until is None or self._servable(now, span) is None else min(left, until - now)

    def _servable(self, now: float, span: float) -> Held[C] | None:
        snapshot = self._snapshot
        held = snapshot.held
        if held is None or snapshot.refused or held.phase(now) is Phase.EXPIRED or not lasts(held, now, span):
            return None
        return held

    def _serve(self, held: Held[C], phase: Phase) -> C:
        if phase is Phase.GRACE:
            with self._lock:
                self._stale_servings += 1
                times = self._stale_servings
            expires_at = held.value.expires_at
            tell(self._listener, ServedStale(provider_name=self.name, expires_at=expires_at, times=times))
        return held.value

    def _look(self, now: float) -> Snapshot[C]:
        """The snapshot, after a look at the wall clock where that is due. Opens the hot path where that can be."""
        snapshot = self._snapshot
        held = snapshot.held
        if held is not None and held.lifetime is not None and now >= snapshot.wall_due_at:
            snapshot = snapshot.judged_by(self._clock.utcnow(), now)
        self._publish(snapshot, now)
        return snapshot

    def _publish(self, snapshot: Snapshot[C], now: float) -> None:
        """Put *snapshot* into force. The lock is held."""
        decision = decide(snapshot, now)
        held = snapshot.held
        self._snapshot = snapshot
        if held is None or decision.action is not Action.SERVE:
            self._entry = (-inf, cast("C", None))  # never returned, see __init__
        elif held.lifetime is None:
            self._entry = (decision.until, held.value)
        else:
            self._entry = (min(decision.until, snapshot.wall_due_at), held.value)

    def _take_off(self, now: float) -> Flight:
        """Begin a flight, which is yet to be started. The lock is held."""
        self._flight = flight = Flight(self._snapshot.generation)
        self._publish(self._snapshot.started(now, self._refresh.max_wait), now)
        return flight

    def _start(self, flight: Flight, *, inline: bool) -> None:
        if inline:
            self._fly(flight, on_callers_thread=True)
            return
        try:
            context = copy_context()
            start_thread(lambda: context.run(self._fly, flight), f"alicred-refresh-{self.name}")
        except RuntimeError:  # no thread can be started here, or not any more
            self._fly(flight, on_callers_thread=True)
        except BaseException:
            # The caller was interrupted. If the thread has not got hold of the flight, it never will.
            if flight.claim():
                self._end(flight)
                flight.finish(Landing.UNWANTED)
            raise

    def _fly(self, flight: Flight, *, on_callers_thread: bool = False) -> None:
        """Run the flight, from the question to the source to the waking of everybody who waits."""
        if not flight.claim():
            return
        landing, error = Landing.UNWANTED, None
        began = self._now()
        try:
            tell(self._listener, RefreshStarted(provider_name=self.name, attempt=self._snapshot.attempts))
            try:
                held = self._fetch()
            except Exception as raised:  # noqa: BLE001  (a foreign source may raise anything; it is kept as the cause)
                error = as_alicred_error(raised, provider=self.name)
            except BaseException as raised:
                if on_callers_thread:
                    raise
                error = ProviderError(f"the source ended with {type(raised).__name__}", provider=self.name)
                error.__cause__ = raised
            else:
                error = self._expired_on_arrival(held)
                landing = landing if error else self._land(flight, held, began)
            if error is not None:
                landing = self._crash(flight, error, began)
        finally:
            self._end(flight)
            flight.finish(landing, error)

    def _fetch(self) -> Held[C]:
        value = self._source.get()
        expires_at: object = getattr(value, "expires_at", "")
        if expires_at is not None and (not isinstance(expires_at, datetime) or expires_at.utcoffset() is None):
            raise MalformedResponseError(
                f"the source returned a {type(value).__name__} whose expires_at is neither None nor a datetime with a time zone",
                provider=self.name,
            )
        return hold(value, policy=self._refresh, u=draw(), now=self._now(), wall=self._clock.utcnow())

    def _expired_on_arrival(self, held: Held[C]) -> AlicredError | None:
        if held.expires_after > held.fetched_at:
            return None
        with self._lock:
            before = self._snapshot.held
            if before is not None and before.doubtful:
                # A fresh value that has ended already, as the wall clock says: so it is the wall clock that is wrong.
                self._publish(self._snapshot.trusted(held.wall, held.fetched_at), held.fetched_at)
        return MalformedResponseError(
            f"the source returned a value that had ended at {held.value.expires_at:%Y-%m-%dT%H:%M:%SZ}, which is past by this"
            f" machine's clock ({held.wall:%Y-%m-%dT%H:%M:%SZ}): check the clock, or what keeps old values at the source",
            provider=self.name,
        )

    def _land(self, flight: Flight, held: Held[C], began: float) -> Landing:
        with self._lock:
            if self._flight is not flight or flight.generation != self._snapshot.generation:
                return Landing.UNWANTED
            self._flight = None
            self._stale_servings = 0
            now = self._now()
            snapshot = self._snapshot.succeeded(held, self._refresh, draw())
            self._publish(snapshot, now)
        event = RefreshSucceeded(
            provider_name=self.name,
            refreshes=snapshot.refreshes,
            expires_at=held.value.expires_at,
            refresh_due_at=wall_time(held.refresh_after, held.fetched_at, held.wall),
            seconds=held.fetched_at - began,
        )
        tell(self._listener, event)
        return Landing.COMMITTED

    def _crash(self, flight: Flight, error: AlicredError, began: float) -> Landing:
        with self._lock:
            if self._flight is not flight or self._snapshot.closed:
                return Landing.UNWANTED
            self._flight = None
            now = self._now()
            snapshot = self._snapshot.failed(error, self._refresh, now, draw())
            self._publish(snapshot, now)
            usable = self._servable(now, 0.0) is not None
        event = RefreshFailed(
            provider_name=self.name,
            error=error,
            consecutive_failures=snapshot.failures,
            next_attempt_at=describe(snapshot, now, self._clock.utcnow()).next_attempt_at,
            usable=usable,
            seconds=now - began,
        )
        tell(self._listener, event)
        return Landing.FAILED

    def _end(self, flight: Flight) -> None:
        """Leave no trace of a flight that has neither landed nor crashed."""
        with self._lock:
            if self._flight is flight:
                self._flight = None
                self._publish(self._snapshot.ended(), self._now())

    def _refusal(self, snapshot: Snapshot[C], now: float, span: float) -> AlicredError:
        if snapshot.closed:
            return ClosedError("this provider has been closed: make a new one", provider=self.name)
        if snapshot.last_error is not None:
            return another(snapshot.last_error)
        if span > 0 and self._servable(now, 0.0) is not None:
            return self._too_short(span)
        return ProviderError(
            "the held value was rejected, and the source has handed out the same one again; it is asked anew in"
            f" {snapshot.next_attempt_at - now:.1f} s",
            provider=self.name,
            retryable=True,
        )

    def _too_short(self, span: float) -> AlicredError:
        return ProviderError(
            f"a value that lasts for {timedelta(seconds=span)} was asked for, and a fresh one does not last that long either:"
            " ask for less, or have the source hand out longer sessions",
            provider=self.name,
        )

    def _given_up(self, flight: Flight) -> AlicredError:
        if flight.is_run_by_this_thread():
            return ConfigurationError(
                "the source asks the very provider that caches it: give it another one", provider=self.name
            )
        return RefreshTimeout(
            f"waited {self._refresh.max_wait} for a refresh that is still under way: it goes on, ask again",
            provider=self.name,
        )

    def _reset_in_child(self) -> None:
        # Whatever the parent's threads were doing, none of them is here: neither their lock nor their flight counts.
        self._lock = threading.RLock()
        self._flight = None
        self._publish(self._snapshot.after_fork(self._refresh, draw()), self._now())


def _seconds(span: object) -> float:
    if not isinstance(span, timedelta) or span < timedelta(0):
        raise ConfigurationError(f"span must be a datetime.timedelta of zero or more, not {span!r}")
    return span.total_seconds()
