"""The engine and its reference model side by side, and the steps that a history is made of.

One clock, a `FakeClock`, is behind everything, the patience of waiting callers included. Flights run on threads as ever, each held
at the gate of its source until the history says what it brings; a caller that would wait is set aside instead and taken up again when
its flight has ended or its patience is over. So no step depends on which thread is faster, and nothing sleeps.
"""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import TypeGuard
from unittest import mock

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from alicred import AlicredError, CachingProvider, Credential, ProviderError, RefreshPolicy
from alicred.events import ServedStale
from alicred.refresh import cache
from alicred.refresh.need import Answer, Deferred, Need
from alicred.testing import FakeClock
from tests.refresh.callers import LONGEST, Asked, Call, Suspended, suspend
from tests.refresh.histories import BYS, EDGES, TICK, UPSETS, When, answers, draws, spans, troubles, whens
from tests.refresh.model import LOOK, PAYS, WAITS, Caller, Flight, Model, Reply, end_of
from tests.strategies import EPOCH
from tests.support import Recorder


def _is_adopted(answer: object) -> TypeGuard[tuple[str, float, float, float]]:
    """Whether it is a value that was issued for another worker: its lifetime, its age, and how much more the wall clock says is left."""
    return isinstance(answer, tuple) and answer[0] == "adopted"


class CacheAgainstModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.patches = ExitStack()
        self.u = 0.0
        self.here = threading.current_thread()
        self.clock = FakeClock()
        self.heard = Recorder()
        self.calls: list[Call] = []
        self.under_way: list[tuple[Call, Flight]] = []
        self.news: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.waiting: list[Asked] = []
        self.paying: list[Asked] = []
        self.values: list[Credential] = []
        self.good_until: dict[str, float] = {}
        self.errors: list[AlicredError] = []
        self.deferrals = 0

    def begin(self, policy: RefreshPolicy, first: float, u: float) -> None:
        self.patches.enter_context(mock.patch.object(cache, "draw", self.draw))
        self.patches.enter_context(mock.patch.object(cache, "monotonic", self.clock.monotonic))
        self.patches.enter_context(mock.patch.object(cache, "LOOK_AGAIN_SECONDS", math.inf))
        self.patches.enter_context(mock.patch.object(cache, "wait_in_thread", suspend))
        self.model = Model(policy)
        source = SimpleNamespace(name="model", get=self.called, _get_for=self.called)
        self.cache: CachingProvider[Credential] = CachingProvider(source, refresh=policy, clock=self.clock, listener=self.heard)
        self.get(0.0, None, first, 1, u)

    def teardown(self) -> None:
        for call in self.calls:
            if call.is_held:
                call.release(SystemExit())
                call.thread.join(LONGEST)
        self.patches.close()

    def draw(self) -> float:
        return self.u

    @property
    def now(self) -> float:
        return self.clock.monotonic()

    @property
    def wall(self) -> float:
        return (self.clock.utcnow() - EPOCH).total_seconds()

    # The threads of the engine and of its callers

    def called(self, need: Need) -> Answer[Credential]:
        """The source."""
        if threading.current_thread() is self.here:
            raise AssertionError("rule 5: nobody was to ask the source")
        call = Call(need)
        self.calls.append(call)
        self.news.put(call)
        return call.wait()

    def run(self, asked: Asked, way: Callable[[], object]) -> None:
        """Send *asked* its way, until it has its answer, waits or pays, and compare how far it came."""

        def go() -> None:
            try:
                asked.stopped = way()
            except BaseException as error:
                asked.stopped = error
            self.news.put(asked)

        asked.stopped = None
        asked.thread = threading.current_thread()
        if asked.expected == PAYS:
            asked.thread = threading.Thread(target=go, name="caller")
            asked.thread.start()
        else:
            go()
        self.compare(asked)

    def compare(self, asked: Asked) -> None:
        """Once every thread has gone as far as it can."""
        while not (asked.stopped or self.pays(asked)) or len(self.calls) - self.deferrals < self.cache.state().attempts:
            self.news.get(timeout=LONGEST)
        flight = self.model.flight
        if flight and len(self.calls) - self.deferrals == self.model.attempts and all(flight is not one for _, one in self.under_way):
            self.under_way.append((self.calls[-1], flight))
            need = self.calls[-1].need
            left = math.inf if need.until_urgent == timedelta.max else need.until_urgent.total_seconds()
            assert (need.span.total_seconds(), need.usable, left) == pytest.approx(flight.need, abs=1e-3), "what it is needed for"
        stopped = asked.stopped
        if stopped is None:
            assert asked.expected == PAYS, f"pays, and was to get {asked.expected}"
            self.paying.append(asked)
        elif isinstance(stopped, Suspended):
            assert asked.expected == WAITS, f"waits, and was to get {asked.expected}"
            assert stopped.wait.seconds == asked.model.until - self.now, "rule 4: waits for too long, or gives up too early"
            self.waiting.append(asked)
        elif isinstance(stopped, BaseException):
            assert asked.expected is type(stopped), f"gets {stopped!r}, and was to get {asked.expected}"
            assert all(stopped is not error for error in self.errors), "rule 4: each its own error object"
            self.errors.append(stopped)
        else:
            assert asked.expected == stopped
            assert self.now < self.good_until[asked.expected.access_key_id], "rule 1: nothing past its end"

    def pays(self, asked: Asked) -> bool:
        return any(call.is_held and call.thread is asked.thread for call in self.calls[-1:])

    def go_on(self, asked: Asked, expected: Reply) -> None:
        """Wake a caller that waits."""
        self.waiting.remove(asked)
        asked.expected = expected
        stopped = asked.stopped
        assert isinstance(stopped, Suspended)
        self.run(asked, lambda: suspend(stopped.asking))

    def let_pass(self, span: float) -> None:
        """Time goes by, and callers run out of patience on the way."""
        end = self.now + span
        while soon := min((asked for asked in self.waiting if asked.model.until <= end), key=lambda asked: asked.model.until, default=None):
            self.clock.advance(timedelta(seconds=max(0.0, soon.model.until - self.now)))
            self.go_on(soon, self.model.given_up(soon.model, self.now))
        self.clock.advance(timedelta(seconds=end - self.now))

    def end(self, call: Call, flight: Flight, answer: object) -> None:
        self.under_way.remove((call, flight))
        payer = next((asked for asked in self.paying if asked.thread is call.thread), None)
        brought = self.brought(answer, is_orphan=flight is not self.model.flight)
        taken_as: Credential | type[AlicredError] | None
        if isinstance(brought, (Credential, AlicredError)):
            taken_as = brought if isinstance(brought, Credential) else type(brought)
        else:  # rule 10, where a caller is there to receive it; else rule 11
            taken_as = None if payer and isinstance(brought, KeyboardInterrupt) else ProviderError
        before = self.model.held
        life = (float(answer[1]), float(answer[2])) if _is_adopted(answer) and isinstance(brought, Credential) else None
        if isinstance(brought, Deferred):
            self.deferrals += flight is self.model.flight and not self.model.closed
            self.model.defer(flight, brought.until.total_seconds(), self.now)
        else:
            self.model.end(flight, taken_as, self.now, self.wall, self.u, life)
        if flight.kept and isinstance(brought, Credential):
            left = end_of(brought) - self.wall
            good_until = self.now + (left if life is None else min(left, life[0] - life[1])) + self.model.grace
            if before is not None and before.value == brought and not before.rejected:  # rule 14: measured again, it ends no sooner
                good_until = max(good_until, self.good_until[brought.access_key_id])
            self.good_until[brought.access_key_id] = good_until
        if payer is None:
            call.release(brought, life)
            call.thread.join(LONGEST)
        else:
            self.paying.remove(payer)
            payer.expected = KeyboardInterrupt if taken_as is None else self.model.answer_after(payer.model, self.now, self.wall)
            call.release(brought, life)
            self.compare(payer)
        for asked in [asked for asked in self.waiting if asked.model.flight is flight]:
            self.go_on(asked, self.model.answer_after(asked.model, self.now, self.wall))
        self.let_pass(0)

    def brought(self, answer: object, *, is_orphan: bool) -> Credential | BaseException:
        if isinstance(answer, type) and issubclass(answer, BaseException):
            return answer("as the history says")
        if answer in ("the same", "an old one") and self.values and not is_orphan:
            return self.values[-1] if answer == "the same" or len(self.values) == 1 else self.values[-2]
        if isinstance(answer, tuple) and answer[0] == "deferred":
            return Deferred("nothing new yet", until=timedelta(seconds=answer[1]))
        lifetime = answer if isinstance(answer, float) else 900.0
        if _is_adopted(answer):
            lifetime = answer[1] - answer[2] + answer[3]
        if answer == "by true time":  # as a service counts that nobody tells the time from
            lifetime = 3600 + (self.clock.true_time() - self.clock.utcnow()).total_seconds()
        if is_orphan:  # whose answer is never looked at in the child
            lifetime = abs(lifetime) + 1
        end = None if lifetime == math.inf else self.clock.utcnow() + timedelta(seconds=lifetime)
        value = Credential(f"id-{len(self.values) + 1}", "secret", expires_at=end)
        self.values.append(value)
        return value

    # Steps

    @rule(when=whens, span=spans, answer=answers, times=st.sampled_from([1, 1, 2, 3]), u=draws)
    def get(self, when: When, span: float | str | None, answer: object, times: int, u: float) -> None:
        """Callers, one after the other; a flight that one of them starts ends before anything else happens."""
        self.go_to(when, u)
        for _ in range(times):
            before = self.model.flight
            self.ask(span)
            if self.model.flight is not None and self.model.flight is not before:
                self.end(*self.under_way[-1], answer)

    @rule(visits=st.lists(st.tuples(whens, spans, troubles), min_size=2, max_size=8), u=draws)
    def get_by_and_by(self, visits: list[tuple[When, float | str | None, object]], u: float) -> None:
        """Callers that come at different times, and mostly in bad times."""
        for when, span, answer in visits:
            self.get(when, span, answer, 1, u)

    @rule(edge=st.sampled_from(EDGES), span=spans, answer=troubles, hangs=st.booleans(), u=draws)
    def get_on_either_side(self, edge: str, span: float | str | None, answer: object, hangs: bool, u: float) -> None:
        """Callers just before, at, and just after a moment at which something changes."""
        for off in (-TICK, 0.0, TICK):
            if hangs:
                self.get_and_hang([((edge, off), span)], u)
            else:
                self.get((edge, off), span, answer, 1, u)

    @rule(visits=st.lists(st.tuples(whens, spans), min_size=1, max_size=4), u=draws)
    def get_and_hang(self, visits: list[tuple[When, float | str | None]], u: float) -> None:
        """Callers, one after the other; a flight that one of them starts stays under way."""
        for when, span in visits:
            self.go_to(when, u)
            if len(self.waiting) < 4:
                self.ask(span)

    @precondition(lambda self: self.under_way)
    @rule(when=whens, answer=answers, which=st.integers(0, 9), u=draws)
    def end_late(self, when: When, answer: object, which: int, u: float) -> None:
        """A flight that hung comes back, be it wanted or not."""
        self.go_to(when, u)
        self.end(*self.under_way[which % len(self.under_way)], answer)

    @rule(when=whens, by=st.sampled_from(BYS), span=spans, answer=answers, u=draws)
    def overtake(self, when: When, by: str, span: float | str | None, answer: object, u: float) -> None:
        """A flight is overtaken while it is under way, or not, and another caller asks before it ends."""
        self.go_to(when, u)
        if not self.under_way:
            self.ask(None)
        if by == "close" and len(self.calls) < 8:
            return
        {"invalidate": self.invalidate_what_is_held, "fork": self.fork, "close": self.close, "nothing": lambda u: None}[by](u)
        if len(self.waiting) < 4:
            self.ask(span)
        if self.under_way:
            self.end(*self.under_way[0], answer)

    @precondition(lambda self: self.values)
    @rule(when=whens, which=st.sampled_from(["whatever is held", "the last", "the last", "an old one"]), u=draws)
    def invalidate(self, when: When, which: str, u: float) -> None:
        self.go_to(when, u)
        value = {"whatever is held": None, "the last": self.values[-1], "an old one": self.values[0]}[which]
        assert self.cache.invalidate(value) is self.model.invalidate(value, self.now, u)

    def invalidate_what_is_held(self, u: float) -> None:
        assert self.cache.invalidate() is self.model.invalidate(None, self.now, u)

    @rule(how=st.sampled_from(UPSETS), off=st.sampled_from([-TICK, 0.0, 0.0, TICK]), answer=troubles, u=draws)
    def upset(self, how: tuple[str, float], off: float, answer: object, u: float) -> None:
        """The machine is paused or its wall clock is put wrong; and somebody asks when it is time to look at the wall clock."""
        what, span = how
        held = self.model.held
        if what == "pause":
            self.clock.pause(timedelta(seconds=span))
        elif what == "step":
            self.clock.step_wall(timedelta(seconds=span))
        elif what == "set right":
            self.clock.step_wall(self.clock.true_time() - self.clock.utcnow())
        elif held is not None and self.now < held.ends < math.inf:  # as far ahead as the value will have left at the next look
            self.clock.step_wall(timedelta(seconds=held.ends - max(self.now, self.model.looked + LOOK + off) + span))
        self.get(("look", off), None, answer, 1, u)

    def step_the_wall_clock(self, span: float, u: float) -> None:
        self.u = u
        self.clock.step_wall(timedelta(seconds=span))

    def fork(self, u: float) -> None:
        """What is left in the child. Waiting callers were the parent's; a flight of the parent's may still end, and must not matter."""
        self.u = u
        self.waiting.clear()
        self.cache._reset_in_child()
        self.model.fork(self.now, u)

    def close(self, u: float) -> None:
        self.u = u
        waits = []
        try:
            self.cache.close()
        except Suspended as closing:
            waits.append(closing.wait.seconds)
        assert waits == ([] if self.model.flight is None else [self.model.max_wait])
        self.model.close()

    def go_to(self, when: When, u: float) -> None:
        self.u = u
        if isinstance(when, float):
            self.let_pass(when)
            return
        model, held, flight = self.model, self.model.held, self.model.flight
        moments = {
            "not before": model.not_before, "no longer before": model.no_longer_before, "look": model.looked + LOOK,
            "flight": flight.started + model.max_wait if flight else 0,
            "patience": min((asked.model.until for asked in self.waiting), default=0),
        }  # fmt: skip
        if held is not None:
            margin = min(model.policy.margin.total_seconds(), held.lifetime / 10, held.ahead)
            young = held.fetched + model.policy.failure_backoff.maximum.total_seconds()
            urgent = held.ends - margin - held.hurry
            moments |= {"due": model.due(), "urgent": urgent, "ends": held.ends, "dead": held.ends + model.grace, "young": young}
            moments |= {"aging": (held.due + urgent) / 2, "urging": (urgent + held.ends) / 2}
        edge, off = when
        moment = moments.get(edge, 0) + off
        if self.now < moment < math.inf:
            self.let_pass(math.ceil((moment - self.now) / TICK) * TICK)

    def ask(self, span: float | str | None) -> None:
        demanded = span == "a new one"
        if demanded:
            span = 0.0
        if isinstance(span, str):
            held = self.model.held
            whole = 60.0 if held is None or held.lifetime == math.inf else held.lifetime if "life" in span else max(held.ends - self.now, 0)
            span = whole + (TICK if "more" in span else 0)
        needed = timedelta(seconds=span or 0)
        asked = Asked(Caller(self.now, needed.total_seconds(), demanded), "")
        asked.expected = self.model.ask(asked.model, self.now, self.wall)
        self.run(asked, self.cache.refresh if demanded else self.cache.get if span is None else lambda: self.cache.get_valid_for(needed))
        self.let_pass(0)

    # What is seen from outside

    @invariant()
    def agrees(self) -> None:
        state, model, held = self.cache.state(), self.model, self.model.held
        assert state.phase.name == model.phase(self.now)
        assert (len(self.calls) - self.deferrals, state.attempts) == (model.attempts, model.attempts), "rules 2, 5 and 7"
        assert (state.refreshes, state.consecutive_failures) == (model.refreshes, model.failures)
        assert (state.last_error and type(state.last_error)) is model.error
        assert self.ahead(state.next_attempt_at) == (model.not_before - self.now if model.not_before > self.now else None)
        assert state.expires_at == (held and held.value.expires_at)
        assert state.window == (timedelta(seconds=held.window) if held and held.lifetime < math.inf else None)
        due = model.due() - self.now if model.due() < math.inf else None
        assert self.ahead(state.refresh_due_at) == (None if due is None else pytest.approx(due, abs=1e-3))
        stale = self.heard.of(ServedStale)
        assert len(stale) == model.announced, "rule 1: what is stale is announced"
        assert not model.announced_of_this or stale[-1].times == model.announced_of_this

    def ahead(self, moment: datetime | None) -> float | None:
        return None if moment is None else (moment - self.clock.utcnow()).total_seconds()
