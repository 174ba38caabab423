"""A source that waits for its turn before it is asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic

import attrs

import alicred._internal.checks as check
from alicred._internal.frames import this_frame
from alicred._internal.public import public
from alicred._internal.real_time import monotonic
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import C, prefixed
from alicred.errors import SourceReport
from alicred.events import Listener, TurnAwaited, emit
from alicred.limiting.line import NotYet, Place, line_of
from alicred.policy.limit import Limit
from alicred.provider import Provider, asks_each_time, explain, identity_of
from alicred.refresh.need import Answer, Deferred, Need, ask_for

_NOTICEABLE = 0.01  # seconds of waiting of which the listener is told


@public("alicred.limiting")
class LimitingProvider(Generic[C]):
    """Asks a source when its turn under a limit has come. Providers that share a `Limit` get their turns in the order of arrival.

    It stands between a `CachingProvider` and the source (with its retries). Directly below the cache, a refresh that waits for its turn
    uses no thread, and a usable value is served without waiting for it. Elsewhere the calling thread waits for at most 30 s, or, if a
    usable value is held, defers the refresh and keeps its place. A turn ends when the source has been asked, also after an error or an
    interrupt.

    A source that asks again on the same thread keeps its turn, and counts against ``per_second`` again. So retries count if they have the
    same limit inside them too.

    Thread-, task- and fork-safe; it can be pickled. It holds no value.

    Args:
        source: What is asked.
        limit: How often, and by how many at once.
        name: What it is called; ``None`` means the source's name.
        clock: Where the time comes from: the same one for all that share *limit*.
        listener: Gets every `alicred.events.TurnAwaited`, beside the logger ``alicred``.

    Raises:
        ConfigurationError: An argument is of the wrong type.
    """

    __slots__ = ("_clock", "_kept", "_limit", "_listener", "_name", "_source")

    def __init__(
        self,
        source: Provider[C],
        limit: Limit,
        *,
        name: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
        listener: Listener | None = None,
    ) -> None:
        check.provider("LimitingProvider.source", source)
        check.required("LimitingProvider.limit", limit, Limit)
        check.optional_text("LimitingProvider.name", name)
        check.clock("LimitingProvider.clock", clock)
        check.listener("LimitingProvider.listener", listener)
        self._source = source
        self._limit = limit
        self._name = name
        self._clock = clock
        self._listener = listener
        self._kept: Place | None = None

    @property
    def name(self) -> str:
        """As given, else the source's name."""
        return self._name or self._source.name

    @property
    def _asks_each_time(self) -> bool:
        return asks_each_time(self._source)

    def get(self) -> C:
        """One value of the source, after its turn has come. Blocks for as long as both take.

        Raises:
            ProviderError: The turn has not come within 30 s.
            AlicredError: What the source raised.
        """
        return self._get_for(Need()).value

    def _get_for(self, need: Need) -> Answer[C]:
        """The same for a cache, which says what it needs the value for."""
        line, began, kept = line_of(self._limit), monotonic(), self._kept
        turn: Place | None = None
        try:
            turn = line.take(this_frame(), kept, self._clock, patient=not need.usable)
            waited = monotonic() - began
            if waited > _NOTICEABLE:
                emit(self._listener, TurnAwaited(provider_name=self.name, seconds=waited, waiting=line.counts()[1]))
            answer = ask_for(self._source, need)
        except NotYet as not_yet:
            self._kept = not_yet.place
            raise self._deferral(not_yet) from None
        finally:
            line.leave(turn, self._clock)
        return attrs.evolve(answer, value=prefixed(answer.value, self._name))

    def _deferral(self, not_yet: NotYet) -> Deferred:
        problem = f"its turn under the Limit has not come yet ({not_yet.waiting} in line)"
        text = f"{problem}. Ask again later, or allow more per_second or concurrent"
        return Deferred(text, until=not_yet.until, provider=self.name, reason="LIMITED")

    def _start_in_turn(self, run: Callable[[], None], name: str, is_over: Callable[[], bool]) -> Callable[[], None] | None:
        """Have a refresh of the cache above run on a thread when its turn has come, which is its turn then."""
        return line_of(self._limit).submit(run, name, is_over, self._clock)

    def identity(self) -> object:
        """What the source says of itself, for the name of a shared entry; ``None`` if it says nothing."""
        return identity_of(self._source)

    def explain(self) -> tuple[SourceReport, ...]:
        """What the source answers when it is asked now, whosever turn it is. Raises nothing."""
        return explain(self._source)

    def __repr__(self) -> str:
        return f"<LimitingProvider of {self.name}: {self._limit!r}>"

    def __reduce__(self) -> tuple[object, ...]:
        return partial(type(self), name=self._name, clock=self._clock, listener=self._listener), (self._source, self._limit)
