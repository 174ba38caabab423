"""Many identities in one process: a provider for each key, made when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import timedelta
from functools import partial
from heapq import heapify, heappop, heappush, heapreplace
from itertools import count
from typing import Generic, TypeVar

import attrs

import alicred._internal.checks as check
from alicred._internal.owned_lock import NotAcquired, OwnedLock
from alicred._internal.public import public
from alicred._internal.real_time import monotonic
from alicred._internal.text import reads_like_code
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import C
from alicred.errors import ClosedError, ConfigurationError
from alicred.events import Listener
from alicred.limiting.line import line_of
from alicred.limiting.provider import LimitingProvider
from alicred.policy.limit import Limit
from alicred.policy.refresh import RefreshPolicy
from alicred.provider import Provider, as_alicred_error
from alicred.refresh.cache import CachingProvider
from alicred.refresh.flight import Flight

K = TypeVar("K", bound=Hashable)

_BUSY_ONES = 8  # that are passed over, at most, in the search for one that can go
_LOOKS_PER_IDLE = 8  # how often within `idle` those are looked for that have been idle for so long


@public("alicred.pool")
@attrs.frozen(kw_only=True, field_transformer=reads_like_code)
class PoolState:
    """What a `ProviderPool` holds at one moment. A value; it holds no secret.

    Args:
        providers: How many are in the pool.
        holding: How many of them hold a value.
        refreshing: How many of them have a refresh under way, or waiting for its turn.
        failing: How many of them have failed at their last refresh.
        turns: How many turns of the limit are taken at the moment, by everything that shares it.
        waiting: How many wait for one.
        made: How many providers were made so far.
        let_go: How many of these were let go because they were idle, or the pool was full.
    """

    providers: int
    holding: int
    refreshing: int
    failing: int
    turns: int
    waiting: int
    made: int
    let_go: int


class _Pooled(CachingProvider[C]):
    """One provider of a pool, which knows when it was asked for."""

    __slots__ = ("used_at",)

    used_at: float

    def is_busy(self) -> bool:
        """Whether a refresh is under way, or waits for its turn."""
        flight = self._current().flight
        return flight is not None and not flight.is_lost()

    def close_and_go_on(self) -> Flight | None:
        """Close it without waiting: the refresh that is to be waited for."""
        wait = next(self._close(), None)
        return None if wait is None else wait.flight

    def __reduce__(self) -> tuple[object, ...]:
        make = partial(CachingProvider, refresh=self._refresh, clock=self._clock, listener=self._listener)
        return make, (self._source,)


@public("alicred.pool")
class ProviderPool(Generic[K, C]):
    """A provider for each key, such as a role for each customer. Each is made on first use, and removed when it is no longer used.

    Thread-, task- and fork-safe, without a thread of its own; it can be pickled if *make* can, without its providers. However many callers
    ask for a new key, *make* is called once. It should only construct an object and not block: tasks call it on their event loop.

    A provider that has not been asked for *idle* is removed, and beyond *capacity* the least recently used one; never one with a refresh
    under way, so that the pool is larger while more refreshes are under way than fit. A removed provider still works for code that holds
    it. Both are checked when a provider is made, or cannot answer at once.

    With a *limit*, the providers take turns at refreshing: refreshes that wait for their turn have no thread.

    Args:
        make: The source for a key, with its retries. It is not to be a `CachingProvider`: the pool puts one around it.
        capacity: How many providers are kept; 1 or more.
        idle: How long an unused provider is kept; above zero, at most 365 days.
        refresh: The policy of each.
        limit: How often their sources may be asked, and how many at once. Pools and other providers may share one.
        clock: Where the time comes from.
        listener: Gets the events of all of them.

    Raises:
        ConfigurationError: An argument is of the wrong type, or outside its range.
    """

    def __init__(
        self,
        make: Callable[[K], Provider[C]],
        *,
        capacity: int = 1000,
        idle: timedelta = timedelta(hours=1),
        refresh: RefreshPolicy = RefreshPolicy(),  # noqa: B008  (an immutable value)
        limit: Limit | None = None,
        clock: Clock = SYSTEM_CLOCK,
        listener: Listener | None = None,
    ) -> None:
        check.function("ProviderPool.make", make)
        check.count("ProviderPool.capacity", capacity)
        check.span("ProviderPool.idle", idle, longest=timedelta(days=365))
        check.required("ProviderPool.refresh", refresh, RefreshPolicy)
        check.optional("ProviderPool.limit", limit, Limit)
        check.clock("ProviderPool.clock", clock)
        check.listener("ProviderPool.listener", listener)
        self._make = make
        self._capacity = capacity
        self._idle = idle
        self._refresh = refresh
        self._limit = limit
        self._clock = clock
        self._listener = listener
        self._now = clock.monotonic
        self._lock = OwnedLock()
        self._held: dict[K, _Pooled[C]] = {}
        self._making: dict[K, OwnedLock] = {}
        # Each provider once, with its number and when it was used, as far as is known here: it may have been used since, never before.
        self._by_use: list[tuple[float, int, K, _Pooled[C]]] = []
        self._numbers = count(1)
        self._made = self._let_go = 0
        self._look_at = clock.monotonic()
        self._closed = False

    # Not keyword-only, as in CachingProvider.get: this is the hot path.
    def get(self, key: K, max_wait: timedelta | None = None) -> C:
        """The value for *key*. At once while a good one is held; else after the refresh, as `CachingProvider.get`.

        Args:
            key: Whose.
            max_wait: How long this call may wait, not negative; ``None`` means the policy's ``max_wait``.

        Raises:
            AlicredError: As `CachingProvider.get`, and what *make* raised; `ClosedError` after `close`.
        """
        provider = self._held.get(key)
        if provider is not None and max_wait is None:
            state, now = provider._state, self._now()  # pyright: ignore[reportPrivateUsage]  (what its own get() does, with the time kept)
            if now < state.until:
                provider.used_at = now
                return state.value
        return self.provider(key).get(max_wait)

    async def aget(self, key: K, max_wait: timedelta | None = None) -> C:
        """As `get`, for tasks. Never blocks the event loop, if *make* does not.

        Raises:
            AlicredError: As `get`.
        """
        provider = self._held.get(key)
        if provider is not None and max_wait is None:
            state, now = provider._state, self._now()  # pyright: ignore[reportPrivateUsage]
            if now < state.until:
                provider.used_at = now
                return state.value
        return await self.provider(key).aget(max_wait)

    def provider(self, key: K) -> CachingProvider[C]:
        """The provider for *key*, made if there is none: for a client that takes a provider, or for its other methods.

        Only what is asked through the pool counts as use. One that has been let go meanwhile serves on, and the pool makes another one.

        Raises:
            AlicredError: What *make* raised; `ClosedError` after `close`.
            ConfigurationError: *make* returned no provider, or asked the pool for the same key.
        """
        now = self._now()
        provider = self._held.get(key)
        if provider is None:
            provider = self._made_once(key)
        provider.used_at = now
        if now >= self._look_at or len(self._held) > self._capacity:
            self._lock.run(lambda: self._let_some_go(now))
        return provider

    def invalidate(self, key: K, value: C | None = None) -> bool:
        """Report that the service has rejected *value*, which was got for *key*: see `CachingProvider.invalidate`.

        Returns:
            Whether that changed something; false too if there is no provider for *key*.
        """
        provider = self._held.get(key)
        return provider is not None and provider.invalidate(value)

    def drop(self, key: K) -> bool:
        """Forget the provider for *key*, and with it the value: the next who asks has a new one made, with what *make* says then.

        Returns:
            Whether there was one.
        """
        return self._lock.run(lambda: self._dropped(key))

    def state(self) -> PoolState:
        """What is held, without a request. It looks at each provider."""
        providers = list(self._held.values())
        states = [provider._current() for provider in providers]  # pyright: ignore[reportPrivateUsage]
        turns, waiting = (0, 0) if self._limit is None else line_of(self._limit).counts()
        return PoolState(
            providers=len(providers),
            holding=sum(state.snapshot.held is not None for state in states),
            refreshing=sum(state.flight is not None for state in states),
            failing=sum(state.snapshot.failures > 0 for state in states),
            turns=turns,
            waiting=waiting,
            made=self._made,
            let_go=self._let_go,
        )

    def close(self) -> None:
        """Forget all values; later calls raise `ClosedError`. Waits for the refreshes under way, for ``refresh.max_wait`` in all."""
        flights = [provider.close_and_go_on() for provider in self._lock.run(self._shut)]
        if self._limit is not None:
            line_of(self._limit).forget_the_gone()
        end = monotonic() + self._refresh.max_wait.total_seconds()
        for flight in flights:
            if flight is not None:
                flight.wait(end - monotonic())

    def __enter__(self) -> ProviderPool[K, C]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<ProviderPool of {len(self._held)} providers>"

    def __reduce__(self) -> tuple[object, ...]:
        make = partial(
            type(self),
            capacity=self._capacity,
            idle=self._idle,
            refresh=self._refresh,
            limit=self._limit,
            clock=self._clock,
            listener=self._listener,
        )
        return make, (self._make,)

    def _made_once(self, key: K) -> _Pooled[C]:
        """The provider for *key*, made by the first caller that comes here."""
        making = self._making.setdefault(key, OwnedLock())
        try:
            return making.run(lambda: self._held.get(key) or self._new(key))
        except NotAcquired:
            raise ConfigurationError("ProviderPool.make asks the pool for the key that it is called for. Have it ask for another") from None
        finally:
            if self._making.get(key) is making:
                self._making.pop(key, None)

    def _new(self, key: K) -> _Pooled[C]:
        if self._closed:
            raise _closed()
        try:
            source = self._make(key)
        except Exception as raised:  # noqa: BLE001  (a user's own function may raise anything; it is kept as the cause)
            error = as_alicred_error(raised, provider="ProviderPool.make")
            raise error from error.__cause__
        check.provider("what ProviderPool.make returns", source)
        if self._limit is not None:
            source = LimitingProvider(source, self._limit, clock=self._clock, listener=self._listener)
        provider: _Pooled[C] = _Pooled(source, refresh=self._refresh, clock=self._clock, listener=self._listener)
        return self._lock.run(lambda: self._taken_in(key, provider))

    # What follows runs with the lock held, in steps between which an interrupt does no harm

    def _taken_in(self, key: K, provider: _Pooled[C]) -> _Pooled[C]:
        if self._closed:
            raise _closed()
        now = provider.used_at = self._now()
        heappush(self._by_use, (now, next(self._numbers), key, provider))
        self._held[key] = provider
        self._made += 1
        self._let_some_go(now)
        return provider

    def _let_some_go(self, now: float) -> None:
        """Those that have been idle for too long, and those that are too many."""
        idle_since = now - self._idle.total_seconds()
        self._look_at = now + self._idle.total_seconds() / _LOOKS_PER_IDLE
        busy = 0
        while self._by_use and busy < _BUSY_ONES:
            known, number, key, provider = self._by_use[0]
            if known > idle_since and len(self._held) <= self._capacity:
                break
            if provider.used_at > known:
                heapreplace(self._by_use, (provider.used_at, number, key, provider))
            elif provider.is_busy():
                busy += 1
                provider.used_at = now
                heapreplace(self._by_use, (now, number, key, provider))
            else:
                if self._held.get(key) is provider:  # if not, what had begun to let it go was interrupted
                    del self._held[key]
                    self._let_go += 1
                heappop(self._by_use)

    def _dropped(self, key: K) -> bool:
        provider = self._held.pop(key, None)
        self._by_use = [entry for entry in self._by_use if entry[3] is not provider]
        heapify(self._by_use)
        return provider is not None

    def _shut(self) -> list[_Pooled[C]]:
        self._closed = True
        providers = list(self._held.values())
        self._held.clear()
        self._by_use.clear()
        return providers


def _closed() -> ClosedError:
    return ClosedError("this pool has been closed. Make a new one", provider="ProviderPool")


__all__ = ["PoolState", "ProviderPool"]
