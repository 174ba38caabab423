"""The decision: what one caller gets, as properties over every state that a cache may be in."""

from __future__ import annotations

from datetime import timedelta
from math import inf

import attrs
from hypothesis import assume, given
from hypothesis import strategies as st

from alicred import Credential, Phase, RefreshPolicy
from alicred.refresh.decision import Action, decide
from alicred.refresh.snapshot import Snapshot
from tests.strategies import EPOCH, ZERO, credential, draws, helds, moments, refresh_policies, situations, spans

Situation = tuple[RefreshPolicy, Snapshot[Credential], float]
SERVING = (Action.SERVE, Action.SERVE_AND_REFRESH)
needed_spans = st.one_of(st.just(ZERO), spans())


def in_backoff(snapshot: Snapshot[Credential], now: float) -> Snapshot[Credential]:
    return attrs.evolve(snapshot, next_attempt_at=max(now + 1, snapshot.next_attempt_at), waited_for_until=None, closed=False)


@given(situations(), needed_spans)
def test_rule_1_nothing_past_its_end_is_served(situation: Situation, span: timedelta) -> None:
    policy, snapshot, now = situation
    if decide(snapshot, now, span).action in SERVING:
        assert snapshot.held is not None
        assert now < snapshot.held.dead_after
        if policy.grace == ZERO:
            assert now < snapshot.held.expires_after


@given(situations())
def test_rule_3_in_fresh_and_aging_no_caller_waits_or_fails(situation: Situation) -> None:
    _, snapshot, now = situation
    decision = decide(snapshot, now)
    assume(not snapshot.denied)
    if decision.phase in (Phase.FRESH, Phase.AGING):
        assert decision.action in SERVING


@given(situations())
def test_fresh_starts_nothing(situation: Situation) -> None:
    _, snapshot, now = situation
    decision = decide(snapshot, now)
    if decision.phase is Phase.FRESH and not snapshot.denied:
        assert decision.action is Action.SERVE


@given(situations(), needed_spans)
def test_rule_2_nothing_is_started_while_a_refresh_is_under_way(situation: Situation, span: timedelta) -> None:
    _, snapshot, now = situation
    snapshot = attrs.evolve(snapshot, waited_for_until=now)
    assert decide(snapshot, now, span).action is not Action.SERVE_AND_REFRESH


@given(situations(), needed_spans)
def test_rule_5_inside_the_backoff_the_source_is_left_alone(situation: Situation, span: timedelta) -> None:
    _, snapshot, now = situation
    snapshot = in_backoff(snapshot, now)
    action = decide(snapshot, now, span).action
    held = snapshot.held
    expired_since = held is not None and not held.invalidated and snapshot.attempted_at < held.expires_after <= now
    if expired_since:
        assert action is Action.WAIT
    else:
        assert action in (Action.SERVE, Action.FAIL)


@given(situations())
def test_rule_5_inside_the_backoff_a_usable_value_is_served_at_once(situation: Situation) -> None:
    _, snapshot, now = situation
    snapshot = in_backoff(snapshot, now)
    held = snapshot.held
    assume(held is not None and now < held.expires_after and not snapshot.denied)
    assert decide(snapshot, now).action is Action.SERVE


@given(situations())
def test_outside_the_backoff_what_is_due_is_refreshed(situation: Situation) -> None:
    _, snapshot, now = situation
    snapshot = attrs.evolve(snapshot, next_attempt_at=min(now, snapshot.next_attempt_at), waited_for_until=None, closed=False)
    decision = decide(snapshot, now)
    if decision.phase is Phase.AGING and not snapshot.denied:
        assert decision.action is Action.SERVE_AND_REFRESH
    elif decision.phase is not Phase.FRESH:
        assert decision.action is Action.WAIT


@given(situations())
def test_who_holds_a_usable_value_does_not_wait_for_an_old_flight(situation: Situation) -> None:
    _, snapshot, now = situation
    held = snapshot.held
    snapshot = attrs.evolve(snapshot, waited_for_until=now, denied=False, closed=False)
    assume(held is not None and now < held.dead_after)
    assert decide(snapshot, now).action is Action.SERVE


@given(situations(), st.floats(min_value=0, max_value=1, exclude_max=True))
def test_until_its_moment_the_same_answer_stands(situation: Situation, share: float) -> None:
    _, snapshot, now = situation
    decision = decide(snapshot, now)
    if decision.until > now:
        assert decision.action is Action.SERVE
        later = now + share * (min(decision.until, now + 1e6) - now)
        assume(later < decision.until)
        assert decide(snapshot, later).action is Action.SERVE
    if decision.action is not Action.SERVE:
        assert decision.until == -inf


@given(situations(), spans(least=timedelta(milliseconds=1)))
def test_who_needs_a_span_gets_a_value_that_lasts_for_it_or_none(situation: Situation, span: timedelta) -> None:
    _, snapshot, now = situation
    if decide(snapshot, now, span).action in SERVING:
        assert snapshot.held is not None
        assert snapshot.held.lasts(now, span)
        assert snapshot.held.expires_after - now >= span.total_seconds()


@given(situations(), needed_spans)
def test_a_closed_cache_fails_always(situation: Situation, span: timedelta) -> None:
    _, snapshot, now = situation
    assert decide(attrs.evolve(snapshot, closed=True), now, span).action is Action.FAIL
    assert decide(snapshot.shut(), now, span).action is Action.FAIL


@given(situations())
def test_a_denial_that_is_to_be_told_keeps_the_value_back(situation: Situation) -> None:
    _, snapshot, now = situation
    assert decide(attrs.evolve(snapshot, denied=True), now).action in (Action.WAIT, Action.FAIL)


@given(st.data(), refresh_policies(), moments)
def test_an_invalidated_value_is_where_it_would_be_at_its_end(data: st.DataObject, policy: RefreshPolicy, now: float) -> None:
    held = data.draw(helds(policy))
    before = held.phase(now)
    after = Snapshot(held=held).invalidated(policy, now, 0.5)
    assert after.held is not None
    if before in (Phase.GRACE, Phase.EXPIRED):
        assert after.held is held
    else:
        assert after.held.phase(now) is (Phase.GRACE if policy.grace else Phase.EXPIRED)
        assert after.generation == 1
        assert after.held.dead_after <= held.dead_after


@given(st.data(), refresh_policies(), draws, moments)
def test_a_forked_child_draws_again_and_changes_nothing_else(data: st.DataObject, policy: RefreshPolicy, u: float, now: float) -> None:
    held = data.draw(helds(policy))
    child = Snapshot(held=held, waited_for_until=now).after_fork().rejittered(policy, u, now)
    assert child.waited_for_until is None
    assert child.held is not None
    assert child.held.value is held.value
    assert (child.held.expires_after, child.held.dead_after) == (held.expires_after, held.dead_after)
    assert child.held.refresh_after <= child.held.urgent_after <= child.held.expires_after
    if not held.invalidated and held.phase(now) is Phase.AGING:
        assert child.held.refresh_after >= now


@given(st.data(), refresh_policies(), spans(), st.timedeltas(min_value=timedelta(days=-30), max_value=timedelta(days=30)))
def test_a_value_that_the_wall_clock_says_has_ended_is_waited_for_and_no_end_moves(
    data: st.DataObject, policy: RefreshPolicy, passed: timedelta, step: timedelta
) -> None:
    held = data.draw(helds(policy))
    assume(not held.invalidated and not held.ahead)
    now = held.fetched_at + passed.total_seconds()
    looked_at = held.with_wall_clock(EPOCH + passed + step, now)
    assert (looked_at.expires_after, looked_at.dead_after) == (held.expires_after, held.dead_after)
    left = held.expires_after - now
    if left - step.total_seconds() < -5.01:
        assert looked_at.phase(now) in (Phase.URGENT, Phase.GRACE, Phase.EXPIRED)
        assert not looked_at.lasts(now, timedelta(milliseconds=1))
    elif step.total_seconds() < 5:
        assert looked_at is held


@given(situations())
def test_the_decision_is_a_function_of_its_arguments(situation: Situation) -> None:
    _, snapshot, now = situation
    assert decide(snapshot, now) == decide(snapshot, now)
    assert credential() == credential()
