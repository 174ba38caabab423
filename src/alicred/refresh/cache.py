"""Keeps the value of a source fresh: what callers ask, and how they get their answer."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from functools import partial

import alicred._internal.checks as check
from alicred._internal.random import draw
from alicred._internal.real_time import monotonic
from alicred._internal.validators import ZERO
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import C
from alicred.errors import AlicredError, ConfigurationError, copy_for_caller
from alicred.events import Listener, ServedStale, emit
from alicred.policy.refresh import RefreshMode, RefreshPolicy
from alicred.provider import Provider
from alicred.refresh import failures
from alicred.refresh.decision import Action
from alicred.refresh.engine import Engine
from alicred.refresh.flight import Flight, Outcome
from alicred.refresh.snapshot import Held, Phase, Snapshot
from alicred.refresh.state import CacheState, describe
from alicred.refresh.waiting import Wait, wait_in_task, wait_in_thread

_UNUSABLE_VALUES = 3  # so often in a row may a fresh value have ended, or been rejected, before its caller came to use it

LOOK_AGAIN_SECONDS = 1.0
"""How often a caller who waits for long looks whether the refresh is still run. The first looks come sooner."""


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
                with the source's as the cause), `RefreshTimeoutError` after ``max_wait``, or `ClosedError`.
        """
        state = self._state
        if self._now() < state.until:
            return state.value
        return wait_in_thread(self._ask(ZERO, inline=self._refresh.mode is RefreshMode.INLINE))

    async def aget(self) -> C:
        """As `get`, for tasks. Never blocks the event loop: the refresh runs on a thread, shared with all other callers.

        Raises:
            AlicredError: As `get`.
        """
        state = self._state
        if self._now() < state.until:
            return state.value
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
        """What is held and planned, without asking anybody. Never blocks."""
        return describe(self._current().snapshot, self._now(), self._clock.utcnow())

    def close(self) -> None:
        """Forget the value and refuse every later call. Waits for a refresh that is under way, for at most ``max_wait``."""
        while True:
            state = self._current()
            if state.snapshot.closed or self._change(state, state.snapshot.shut(), state.flight, self._now()):
                break
        flight = state.flight
        if flight is not None and not flight.is_run_by_this_thread():
            for wait in self._wait(flight, self._refresh.max_wait.total_seconds()):
                flight.wait(wait.seconds)

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
        give_up_at = monotonic() + self._refresh.max_wait.total_seconds()
        unusable = 0
        while True:
            plan = self._plan(span, inline=inline)
            snapshot, action, flight = plan.snapshot, plan.decision.action, plan.flight
            if snapshot.held is not None and not plan.ran_here and action in (Action.SERVE, Action.SERVE_AND_REFRESH):
                return self._serve(snapshot.held, plan.decision.phase)
            if action is Action.FAIL or flight is None:
                raise self._refusal(snapshot, plan.now, span)
            if not flight.is_run_by_this_thread():
                yield from self._wait(flight, self._patience(snapshot, give_up_at, plan.now, span))
            outcome = flight.outcome  # before the look at what is held, which the outcome has changed
            has_time = plan.ran_here or monotonic() < give_up_at
            now, snapshot = self._now(), self._current().snapshot
            if outcome is Outcome.SUPERSEDED and (has_time or snapshot.closed):
                continue
            held = snapshot.usable(now, span)
            if held is not None:
                return self._serve(held, held.phase(now))
            if outcome is Outcome.FAILED and flight.error is not None:
                raise copy_for_caller(flight.error)
            if outcome is Outcome.COMMITTED:
                if snapshot.usable(now) is not None:
                    raise failures.too_short(self._name, span)
                unusable += 1
                if unusable >= _UNUSABLE_VALUES:
                    was_rejected = snapshot.held is not None and snapshot.held.invalidated
                    raise failures.rejected_meanwhile(self._name, unusable) if was_rejected else failures.ends_at_once(self._name)
            elif flight.is_run_by_this_thread():
                raise failures.asks_itself(self._name)
            elif not has_time:
                raise failures.waited_in_vain(self._name, self._refresh.max_wait)

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

    def _patience(self, snapshot: Snapshot[C], give_up_at: float, now: float, span: timedelta) -> float:
        """For how many seconds a caller may wait: who holds a usable value does not wait for an old flight again."""
        left = give_up_at - monotonic()
        until = snapshot.waited_for_until
        return left if until is None or snapshot.usable(now, span) is None else min(left, until - now)

    def _serve(self, held: Held[C], phase: Phase) -> C:
        if phase is Phase.GRACE:
            event = ServedStale(provider_name=self._name, expires_at=held.value.expires_at, times=next(held.servings_past_end))
            emit(self._listener, event)
        return held.value

    def _refusal(self, snapshot: Snapshot[C], now: float, span: timedelta) -> AlicredError:
        """Why a caller gets no value and need not wait for one."""
        if snapshot.closed:
            return failures.closed(self._name)
        if snapshot.last_error is not None:
            return copy_for_caller(snapshot.last_error)
        if snapshot.usable(now) is not None:
            return failures.too_short(self._name, span)
        return failures.rejected_again(self._name, snapshot.next_attempt_at - now)


def _checked_span(span: object) -> timedelta:
    if not isinstance(span, timedelta) or span < ZERO:
        raise ConfigurationError(f"span must be a datetime.timedelta of zero or more, not {span!r}")
    return span
