"""What a worker does next, for every need, everything that a store can say, and every draw."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred import Backoff, ConfigurationError
from alicred.refresh.need import Need
from alicred.sharing import Busy, Fallback, SharingPolicy
from alicred.sharing.decision import Away, Found, Move, Reason, next_step

SECOND = timedelta(seconds=1)
ZERO = timedelta(0)
spans = st.timedeltas(ZERO, timedelta(hours=1))
draws = st.floats(0, 1, exclude_max=True)
needs = st.builds(Need, span=spans, usable=st.booleans(), until_urgent=spans)
policies = st.builds(SharingPolicy, fallback=st.sampled_from(Fallback), lead=st.booleans())
said = st.one_of(
    st.sampled_from(Found),
    st.builds(Busy, spans, st.sampled_from([None, "NoPermission", ""])),
    st.builds(Away, spans, spans | st.just(ZERO)),
)
NOTHING, HELD = Need(), Need(usable=True, until_urgent=600 * SECOND)
POLICY = SharingPolicy()


@given(policies, needs, said, spans, spans, st.integers(1, 1000), draws)
def test_every_step_keeps_the_promises(
    policy: SharingPolicy, need: Need, said: Found | Busy | Away, waited: timedelta, patience: timedelta, looks: int, u: float
) -> None:
    step = next_step(policy, need, said, waited=waited, patience=patience, looks=looks, u=u)
    assert step.pause >= ZERO
    assert (step.move is Move.ADOPT) is (said is Found.NEWER)
    assert (step.move is Move.LEAD) is (said is Found.FREE)
    assert (step.reason is None) is (step.move is not Move.DEFER)
    if need.usable:  # rule 2: nobody waits for another worker who can be served meanwhile
        assert step.move is not Move.WAIT
    if not policy.lead:
        assert step.move is not Move.ASK_ITSELF
    if step.move is Move.WAIT:
        assert waited + step.pause <= patience
        assert step.pause > ZERO
    if isinstance(said, Busy) and said.pausing is not None:
        assert (step.move, step.reason) == (Move.DEFER, Reason.PAUSING)
        assert said.left <= step.pause <= said.left + policy.poll.maximum
    if isinstance(said, Away) and not need.usable and policy.lead:
        assert step.move is Move.ASK_ITSELF  # rule 13: with nothing usable, always at once


@pytest.mark.parametrize(
    ("need", "said", "waited", "expected"),
    [
        (HELD, Busy(9 * SECOND), ZERO, (Move.DEFER, 0.75 * SECOND)),
        (attrs.evolve(HELD, until_urgent=0.1 * SECOND), Busy(9 * SECOND), ZERO, (Move.DEFER, 0.1 * SECOND)),
        (attrs.evolve(HELD, until_urgent=ZERO), Busy(9 * SECOND), ZERO, (Move.DEFER, 0.75 * SECOND)),
        (NOTHING, Busy(9 * SECOND), ZERO, (Move.WAIT, 0.0375 * SECOND)),
        (NOTHING, Busy(9 * SECOND), 24.99 * SECOND, (Move.WAIT, 0.01 * SECOND)),
        (NOTHING, Busy(9 * SECOND), 25 * SECOND, (Move.ASK_ITSELF, ZERO)),
        (HELD, Away(5 * SECOND, 3 * SECOND), ZERO, (Move.DEFER, 3 * SECOND)),
        (HELD, Away(2 * SECOND, 3 * SECOND), ZERO, (Move.DEFER, 2 * SECOND)),
        (HELD, Away(5 * SECOND, ZERO), ZERO, (Move.ASK_ITSELF, ZERO)),
    ],
)
def test_what_follows_from_what(need: Need, said: Busy | Away, waited: timedelta, expected: tuple[Move, timedelta]) -> None:
    step = next_step(POLICY, need, said, waited=waited, patience=POLICY.patience, looks=1, u=0.5)
    assert (step.move, step.pause) == expected


def test_who_never_leads_leaves_a_store_alone_that_is_away() -> None:
    policy = SharingPolicy(lead=False)
    step = next_step(policy, NOTHING, Away(5 * SECOND, ZERO), waited=ZERO, patience=25 * SECOND, looks=1, u=0.5)
    assert (step.move, step.pause, step.reason) == (Move.DEFER, 5 * SECOND, Reason.STORE_AWAY)
    step = next_step(policy, NOTHING, Busy(5 * SECOND), waited=25 * SECOND, patience=25 * SECOND, looks=1, u=0.5)
    assert (step.move, step.pause, step.reason) == (Move.DEFER, SECOND, Reason.LED_ELSEWHERE)


# --- the policy ---------------------------------------------------------------------------------------------------------------------


@given(spans, draws)
def test_an_own_call_falls_into_what_is_left(left: timedelta, u: float) -> None:
    assert ZERO <= SharingPolicy().fallback_after(left, u) <= left
    assert SharingPolicy(fallback=Fallback.AT_ONCE).fallback_after(left, u) == ZERO
    assert SharingPolicy(fallback=Fallback.NEVER).fallback_after(left, u) == left


def test_the_pause_of_all_grows() -> None:
    assert [SharingPolicy().cool_down(failures, 0.999).total_seconds() for failures in (1, 2, 3, 20)] == pytest.approx(
        [1, 2, 4, 60], rel=1e-2
    )
    assert SharingPolicy().cool_down(1, 0) == SECOND / 2


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"lease": ZERO}, "lease"),
        ({"lease": 25 * SECOND}, "patience"),
        ({"patience": 10 * SECOND}, "patience"),
        ({"patience": 30}, "patience"),
        ({"poll": None}, "poll"),
        ({"fallback": "late"}, "fallback"),
        ({"lead": 1}, "lead"),
    ],
)
def test_a_parameter_outside_its_range_is_named(given: dict[str, object], name: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"SharingPolicy\.{name} must"):
        SharingPolicy(**given)  # type: ignore[arg-type]


def test_the_defaults_are_what_the_page_says() -> None:
    assert SharingPolicy() == SharingPolicy(
        lease=10 * SECOND,
        patience=25 * SECOND,
        poll=Backoff(initial=SECOND / 20, maximum=SECOND, factor=1.5, jitter=0.5),
        failure_backoff=Backoff(initial=SECOND, maximum=60 * SECOND, jitter=0.5),
        store_backoff=Backoff(initial=SECOND, maximum=30 * SECOND),
        fallback=Fallback.LATE,
        lead=True,
    )
