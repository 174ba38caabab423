"""Keeps the value of a source fresh: what callers ask, and how they get their answer."""

from __future__ import annotations

import time
from collections.abc import Generator
from datetime import timedelta
from functools import partial

import alicred._arguments as check
from alicred._random import draw
from alicred._validators import ZERO
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import C
from alicred.errors import AlicredError, ConfigurationError, another
from alicred.events import Listener, ServedStale, tell
from alicred.policy.refresh import RefreshMode, RefreshPolicy
from alicred.provider import Provider
from alicred.refresh import refusals
from alicred.refresh.decision import Action, decide
from alicred.refresh.engine import Engine
from alicred.refresh.flight import Flight, Landing
from alicred.refresh.snapshot import Held, Phase, Snapshot
from alicred.refresh.state import CacheState, describe
from alicred.refresh.waiting import Wait, wait_in_task, wait_in_thread

_DEAD_LANDINGS = 3  # so often in a row may a fresh value have ended before its caller came to use it


class CachingProvider(Engine[C]):
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

    __slots__ = ()

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
        check.clock("CachingProvider.clock", clock)
        check.listener("CachingProvider.listener", listener)
        super().__init__(source, refresh, clock, listener)

    @property
    def name(self) -> str:
        """The source's name."""
        return self._name

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
        return wait_in_thread(self._ask(ZERO, inline=self._refresh.mode is RefreshMode.INLINE))

    async def aget(self) -> C:
        """As `get`, for tasks. Never blocks the event loop: the refresh runs on a thread, shared with all other callers.

        Raises:
            AlicredError: As `get`.
        """
        until, value = self._entry
        if self._now() < until:
            return value
        return await wait_in_task(self._ask(ZERO, inline=False))

    def get_valid_for(self, span: timedelta) -> C:
        """A value that lasts for at least *span*, for a pre-signed URL or a long upload; refreshed now if the held one does not.

        Args:
            span: How long the value must last, counted from now; not negative.

        Raises:
            ProviderError: A fresh value does not last for *span* either.
            ConfigurationError: *span* is no timedelta, or negative.
            AlicredError: As `get`.
        """
        return wait_in_thread(self._ask(_checked_span(span), inline=self._refresh.mode is RefreshMode.INLINE))

    async def aget_valid_for(self, span: timedelta) -> C:
        """As `get_valid_for`, for tasks.

        Raises:
            AlicredError: As `get_valid_for`.
        """
        return await wait_in_task(self._ask(_checked_span(span), inline=False))

    def invalidate(self, value: C | None = None) -> bool:
        """Say that the service has rejected *value*: from now on it counts as expired.

        Does nothing if *value* is not the one that is held any more, so that many workers may report the same rejection.
        A back-off after failed refreshes stays as it is. Where fresh values are rejected one after the other, or the source
        hands out the rejected one again, it is asked no faster than the policy's ``failure_backoff`` says.

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
            self._publish(snapshot.invalidated(self._refresh, now, draw()), now)
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
        return f"<CachingProvider of {self._name}: {self.state().phase.value}>"

    def __reduce__(self) -> tuple[object, ...]:
        make = partial(type(self), refresh=self._refresh, clock=self._clock, listener=self._listener)
        return make, (self._source,)

    def _ask(self, span: timedelta, *, inline: bool) -> Generator[Wait, None, C]:
        """One caller's way to a value. Yields where the caller has to wait; threads and tasks differ only in how they do that."""
        give_up_at = time.monotonic() + self._refresh.max_wait.total_seconds()
        dead_landings = 0
        while True:
            mine = Flight(span)
            ran_here = False
            try:
                with self._lock:
                    now = self._now()
                    snapshot = self._look(now)
                    decision = decide(snapshot, now, span)
                    patience = self._patience(snapshot, give_up_at, now, span)
                    flight = self._flight
                    if flight is None and decision.action in (Action.SERVE_AND_REFRESH, Action.WAIT):
                        flight = mine
                        self._take_off(mine, now)
                if flight is mine:
                    ran_here = self._start(mine, inline=inline)
            except BaseException:
                self._abandon(mine)
                raise
            if snapshot.held is not None and not ran_here and decision.action in (Action.SERVE, Action.SERVE_AND_REFRESH):
                return self._serve(snapshot.held, decision.phase)
            if decision.action is Action.FAIL or flight is None:
                raise self._refusal(snapshot, now, span)
            if flight.landing is None and not flight.is_run_by_this_thread():
                yield Wait(flight, patience)
            landing = flight.landing  # before the look at what is held, which the landing has changed
            if landing is Landing.UNWANTED:
                continue
            now, snapshot = self._now(), self._snapshot
            held = snapshot.usable(now, span)
            if held is not None:
                return self._serve(held, held.phase(now))
            if landing is Landing.FAILED and flight.error is not None:
                raise another(flight.error)
            if landing is Landing.COMMITTED:
                if snapshot.usable(now) is not None:
                    raise refusals.too_short(self._name, span)
                dead_landings += 1
                if dead_landings >= _DEAD_LANDINGS:
                    raise refusals.ends_at_once(self._name)
            elif flight.is_run_by_this_thread():
                raise refusals.asks_itself(self._name)
            elif time.monotonic() >= give_up_at:
                raise refusals.waited_in_vain(self._name, self._refresh.max_wait)

    def _patience(self, snapshot: Snapshot[C], give_up_at: float, now: float, span: timedelta) -> float:
        """For how many seconds a caller may wait: who holds a usable value does not wait for an old flight again."""
        left = give_up_at - time.monotonic()
        until = snapshot.waited_for_until
        return left if until is None or snapshot.usable(now, span) is None else min(left, until - now)

    def _serve(self, held: Held[C], phase: Phase) -> C:
        if phase is Phase.GRACE:
            with self._lock:
                self._stale_servings += 1
                times = self._stale_servings
            expires_at = held.value.expires_at
            tell(self._listener, ServedStale(provider_name=self._name, expires_at=expires_at, times=times))
        return held.value

    def _refusal(self, snapshot: Snapshot[C], now: float, span: timedelta) -> AlicredError:
        """Why a caller gets no value and need not wait for one."""
        if snapshot.closed:
            return refusals.closed(self._name)
        if snapshot.last_error is not None:
            return another(snapshot.last_error)
        if snapshot.usable(now) is not None:
            return refusals.too_short(self._name, span)
        return refusals.rejected_again(self._name, snapshot.next_attempt_at - now)


def _checked_span(span: object) -> timedelta:
    if not isinstance(span, timedelta) or span < ZERO:
        raise ConfigurationError(f"span must be a datetime.timedelta of zero or more, not {span!r}")
    return span
