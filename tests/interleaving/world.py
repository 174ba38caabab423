"""One cache and all that happens to it in a run, and what the rules say of that afterwards."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable
from datetime import timedelta
from math import inf
from typing import Any

import attrs

from alicred import AlicredError, Backoff, CachingProvider, ClosedError, Credential, RefreshPolicy
from alicred.events import Event
from tests.interleaving.scheduler import MACHINERY, Run, Unwound
from tests.interleaving.watched import Time, run_task
from tests.support import HOUR, SECOND

MINUTE = timedelta(minutes=1)
MACHINERY.add(__file__)


@attrs.define
class Call:
    """One call of one strand, and what became of it."""

    what: str
    strand: str
    began: int
    began_at: float
    ended: int = -1
    waits: int = 0
    value: Any = None
    error: BaseException | None = None


class Source:
    """Numbers its values; notes what is under way at once. Each step is a lifetime, or an error to raise."""

    name = "source"

    def __init__(self, world: World) -> None:
        self.world = world
        self.steps: tuple[object, ...] = (HOUR,)
        self.calls: list[Call] = []
        self.ends: dict[Credential, float] = {}
        self.running = self.most = 0

    def get(self) -> Credential:
        world = self.world
        call = world.note("source")
        self.calls.append(call)
        number = len(self.calls)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            world.run.point(("source", True))
        finally:
            self.running -= 1
            call.ended = world.tick()
        step = self.steps[min(number, len(self.steps)) - 1]
        if isinstance(step, BaseException):
            call.error = step
            raise step
        assert isinstance(step, timedelta)
        call.value = value = Credential(f"id-{number}", "secret", None, world.clock.utcnow() + step)
        self.ends[value] = world.clock.monotonic() + step.total_seconds()
        return value


class World:
    """One cache, its source, its clock, and what happened to them."""

    def __init__(self, run: Run, **settings: Any) -> None:
        self.run, self.clock = run, run.clock
        self.moments = 0
        self.calls: list[Call] = []
        self.events: list[Event] = []
        self.cancels: list[Callable[[], None]] = []
        self.source = Source(self)
        self.most_calls, self.may_wait = 1, True
        steady = Backoff(initial=SECOND, maximum=MINUTE, jitter=0)
        settings = {"jitter": 0.0, "failure_backoff": steady, **settings}
        self.cache = CachingProvider(self.source, refresh=RefreshPolicy(**settings), clock=Time(run.clock), listener=self.listen)
        self.forked = False
        self.after: Callable[[], None] = lambda: None

    def listen(self, event: Event) -> None:
        self.events.append(event)

    def tick(self) -> int:
        self.moments += 1
        return self.moments

    def note(self, what: str) -> Call:
        """A call begins. That is a point, since the rules speak of what began before what."""
        strand = self.run.current
        if strand is not None:
            self.run.point(("history", True), interruptible=False)
        call = Call(what, strand.name if strand else "before", self.tick(), self.clock.monotonic())
        self.calls.append(call)
        return call

    def call(self, what: str, work: Callable[[], object]) -> None:
        """Do *work* and note what becomes of it."""
        call = self.note(what)
        strand = self.run.current
        waits = strand.waits if strand else 0
        try:
            call.value = work()
        except Unwound:
            raise
        except (AlicredError, KeyboardInterrupt, CancelledError) as error:
            call.error = error
        if strand is not None:
            call.waits = strand.waits - waits
            self.run.point(("history", True), interruptible=False)
        call.ended = self.tick()

    # What strands do

    def get(self) -> None:
        self.call("get", lambda: self.cache.get())

    def refresh(self) -> None:
        self.call("get", self.cache.refresh)

    def aget(self) -> None:
        self.call("get", lambda: run_task(self.run, self.cache.aget(), self.cancels.append))

    def cancel(self) -> None:
        self.run.point(("history", True), interruptible=False)
        for cancel in self.cancels:
            cancel()

    def get_valid_for(self, span: timedelta) -> Callable[[], None]:
        return lambda: self.call("get", lambda: self.cache.get_valid_for(span))

    def invalidate(self, value: Credential | None = None) -> Callable[[], None]:
        return lambda: self.call("invalidate", lambda: self.cache.invalidate(value))

    def close(self) -> None:
        self.call("close", self.cache.close)

    def advance(self, span: timedelta) -> Callable[[], None]:
        def work() -> None:
            self.run.point(("clock", True))
            self.clock.advance(span)

        return work

    def fork(self) -> None:
        """All that a forked child is left with: this one thread, in the middle of whatever the others did."""
        self.run.point(*((name, True) for name in ("history", "clock")), interruptible=False)
        self.run.freeze_others()
        self.forked, self.source.running = True, 0
        self.cache._reset_in_child()
        self.get()

    # What must be true afterwards

    def gets(self) -> list[Call]:
        return [call for call in self.calls if call.what == "get" and (call.ended >= 0 or not self.forked)]

    def of(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    def check(self) -> None:
        """The rules that hold for every program."""
        asked = [call for call in self.source.calls if call.strand != "before"]
        assert self.source.most <= 1, f"{self.source.most} calls to the source at once"
        assert len(asked) <= self.most_calls, f"{len(asked)} calls to the source, where {self.most_calls} do"
        self._check_answers()
        self._check_order()
        self._check_rest()

    def _check_answers(self) -> None:
        errors = [call.error for call in self.gets() if isinstance(call.error, AlicredError)]
        assert len({id(error) for error in errors}) == len(errors), "two callers got one error object"
        raised = [call.error for call in self.source.calls if call.error is not None]
        for error in errors:
            if isinstance(error, tuple({type(each) for each in raised})):
                assert error.__cause__ in raised, f"{error!r} is not caused by what the source raised"
        for call in self.gets():
            assert call.ended >= 0, f"{call.strand} never got an answer"
            assert self.may_wait or not call.waits, f"{call.strand} waited where nobody has to"
            if call.error is None and self.cache._refresh.grace == timedelta(0):
                assert self.source.ends[call.value] > call.began_at, f"{call.strand} got a value that had ended when it asked"

    def _check_order(self) -> None:
        fetched = {call.value: call for call in self.source.calls if call.value is not None}
        for event in (call for call in self.calls if call.ended >= 0 and call.what in {"invalidate", "close"} and call.value is not False):
            for call in (call for call in self.gets() if call.began > event.ended and call.error is None):
                assert event.what != "close", f"{call.strand} got {call.value} after the close"
                began = fetched[call.value].began
                assert began > event.began, f"{call.strand} got {call.value}, which was invalidated before it asked"

    def _check_rest(self) -> None:
        """What is left behind is in order, and serves."""
        state, latest = self.cache._state, self.cache._current()
        assert latest.flight is None or latest.flight.is_lost(), "a flight is left that nothing runs"
        assert (latest.snapshot.waited_for_until is None) == (latest.flight is None), "the snapshot says something else of the flight"
        assert state is latest or state.until == -inf, "the hot path serves from a state that is over"
        held = latest.snapshot.held
        assert latest.until == -inf or (held is not None and held.value is latest.value), "the hot path serves what is not held"
        self.source.steps = (HOUR,)
        self.clock.advance(2 * MINUTE)
        try:
            assert self.cache.get().expires_at > self.clock.utcnow()  # type: ignore[operator]
        except ClosedError:
            assert any(call.what == "close" for call in self.calls), "closed by nobody"
        else:
            assert not any(call.what == "close" and call.ended >= 0 for call in self.calls), "served after the close"
