"""A wall clock that is wrong, is asked about, and is put right: in every order, and at random."""

from __future__ import annotations

import itertools
import math
import os
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alicred import AlicredError, Backoff, CachingProvider, Credential, RefreshMode, RefreshPolicy
from alicred.testing import FakeClock
from tests.field.harness import outcome
from tests.strategies import credential
from tests.support import HOUR, SECOND, examples

MINUTE = timedelta(minutes=1)
TOLERATED = 5 * SECOND  # what is less is no step of a clock
LOOK = 60 * SECOND  # so often the cache looks at the wall clock, and no longer is a back-off by default
EXAMPLES = int(os.environ.get("CLOCK_EXAMPLES", examples(100)))


class Machine:
    """One machine with a cache. The service's clock is right.

    Args:
        session: How long a value lasts when it is handed out.
        keeps: Whether the source hands out what it has until five minutes before its end, as a metadata service does.
    """

    name = "service"

    def __init__(self, session: timedelta, *, keeps: bool = False) -> None:
        self.clock = FakeClock()
        self.calls = 0
        self.right_since = self.clock.monotonic()
        self._session = session
        self._keeps = keeps
        self._kept: Credential | None = None
        policy = RefreshPolicy(mode=RefreshMode.INLINE, failure_backoff=Backoff(initial=SECOND, maximum=LOOK))
        self.cache: CachingProvider[Credential] = CachingProvider(self, refresh=policy, clock=self.clock)

    def get(self) -> Credential:
        """The source."""
        self.calls += 1
        now, kept = self.clock.true_time(), self._kept
        if kept is None or not self._keeps or kept.expires_at is None or kept.expires_at - now < 5 * MINUTE:
            self._kept = kept = credential(self.calls, self._session, now)
        return kept

    # What may happen to it

    def asks(self) -> None:
        """A service over TLS is asked, whatever for."""
        self.clock.observe(self.clock.true_time())
        self.look()

    def step(self, span: timedelta) -> None:
        self.clock.step_wall(span)
        self.right_since = math.inf
        self.look()

    def is_paused(self, span: timedelta) -> None:
        self.clock.pause(span)
        self.right_since = math.inf
        self.look()

    def is_put_right(self) -> None:
        self.clock.step_wall(self.clock.true_time() - self.clock.utcnow())
        self.right_since = math.inf
        self.look()
        self.clock.step_wall(self.clock.true_time() - self.clock.utcnow())  # what was learned is void by then, so once more
        self.look()

    def look(self) -> None:
        is_right = abs(self.clock.utcnow() - self.clock.true_time()) <= TOLERATED
        self.right_since = min(self.right_since, self.clock.monotonic()) if is_right else math.inf

    def gets(self) -> None:
        """A caller, who gets no error and nothing that has ended, once the clock has been right for a while."""
        self.look()
        has_been_right = self.clock.monotonic() - self.right_since > LOOK.total_seconds()
        answer = outcome(self.cache.get)
        if has_been_right:
            assert not isinstance(answer, AlicredError), "an outage"
            assert answer.expires_at is not None
            assert answer.expires_at > self.clock.true_time() - TOLERATED, "served past its end"

    def passes(self, span: timedelta) -> None:
        """Time, with a caller every 20 seconds, or every 20th part of it."""
        for _ in range(20):
            self.clock.advance(max(span / 20, 20 * SECOND))
            self.gets()


WRONG = [-8 * HOUR, 2 * HOUR, -400 * 24 * HOUR, 400 * 24 * HOUR, 20 * MINUTE, -30 * SECOND]
# A caller gets a value, a service is asked, the clock is put right: in every order, with and without each.
ORDERS = ["".join(order) for count in (0, 1, 2, 3) for order in itertools.permutations("gar", count)] + ["garag", "agrga", "grgar"]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("off", WRONG, ids=str)
def test_the_hours_after_a_boot_with_a_wrong_clock(off: timedelta, order: str) -> None:
    for session, keeps in itertools.product((HOUR, 6 * HOUR), (False, True)):
        machine = Machine(session, keeps=keeps)
        machine.step(off)
        for what in order:
            {"g": machine.gets, "a": machine.asks, "r": machine.is_put_right}[what]()
        if "r" not in order:
            machine.clock.advance(3 * MINUTE)
            machine.is_put_right()
        before = machine.calls
        for _ in range(4 * 60):
            machine.clock.advance(2 * MINUTE)
            machine.gets()
        assert abs(machine.clock.utcnow() - machine.clock.true_time()) < SECOND, "nothing that was learned is left"
        most = 8 * HOUR / session * (8 if keeps else 1.4) + 12
        assert machine.calls - before <= most, "and it was no storm"


SPANS = st.sampled_from([*WRONG, HOUR, -HOUR, 50 * MINUTE, 5 * HOUR, 12 * HOUR, -12 * HOUR, 4 * SECOND, 6 * SECOND])
PASSING = st.sampled_from([SECOND, 59 * SECOND, MINUTE, 10 * MINUTE, 44 * MINUTE, 55 * MINUTE, 2 * HOUR, 7 * HOUR])
PAUSES = st.sampled_from([3 * SECOND, MINUTE, 50 * MINUTE, 2 * HOUR, 12 * HOUR])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("gets")), st.tuples(st.just("asks")), st.tuples(st.just("is_put_right")), st.tuples(st.just("step"), SPANS),
        st.tuples(st.just("passes"), PASSING), st.tuples(st.just("passes"), PASSING), st.tuples(st.just("is_paused"), PAUSES),
    ),
    min_size=1, max_size=14,
)  # fmt: skip


@settings(max_examples=EXAMPLES)
@given(st.sampled_from([15 * MINUTE, HOUR, 6 * HOUR]), st.booleans(), STEPS)
def test_whatever_the_clock_did_before_it_is_believed_once_it_is_right(
    session: timedelta, keeps: bool, steps: list[tuple[object, ...]]
) -> None:
    machine = Machine(session, keeps=keeps)
    for name, *spans in steps:
        getattr(machine, str(name))(*spans)
    machine.is_put_right()
    machine.passes(10 * session)
