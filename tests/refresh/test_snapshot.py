"""The steps from one state of a cache to the next, each field of them: what a step does not name, it leaves alone."""

from __future__ import annotations

from datetime import timedelta
from math import inf

import attrs
import pytest

from alicred import Backoff, Credential, DeniedError, NotConfiguredError, OnDenied, Phase, RefreshPolicy, TransientError
from alicred.refresh.decision import Action, Decision, decide
from alicred.refresh.need import Answer
from alicred.refresh.snapshot import Held, Snapshot, hold, rejittered, scheduled
from tests.strategies import EPOCH, credential

SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
# Pauses of 1, 2, 4 and 8 s; a value is young for 8 s.
POLICY = RefreshPolicy(jitter=0, failure_backoff=Backoff(initial=SECOND, maximum=8 * SECOND, jitter=0), grace=10 * SECOND)
RAISING = attrs.evolve(POLICY, on_denied=OnDenied.RAISE)
DOWN, DENIED = TransientError("down"), DeniedError("no")
# Every field that a step might forget to reset, or to keep, has a value of its own.
BUSY: Snapshot[Credential] = Snapshot(
    generation=7,
    waited_for_until=50.0,
    attempted_at=20.0,
    next_attempt_at=30.0,
    failures=3,
    unchanged=4,
    shortfalls=5,
    long_span_retry_after=40.0,
    rejections=1,
    last_error=DOWN,
    denied=True,
    wall_due_at=60.0,
    refreshes=8,
    attempts=9,
)


def held(number: int = 1, *, at: float = 100.0, lifetime: timedelta | None = HOUR, policy: RefreshPolicy = POLICY) -> Held[Credential]:
    """A value fetched at *at*: of an hour's life, AGING after 45 minutes, URGENT after 59."""
    return scheduled(credential(number, lifetime), lifetime, policy=policy, u=0.5, began=at, fetched_at=at, wall=EPOCH)


def changes(before: object, after: object) -> dict[str, object]:
    """The fields in which *after* differs from *before*, with their new values."""
    was, now = ({field: getattr(each, field) for field in attrs.fields_dict(type(each))} for each in (before, after))
    return {name: value for name, value in now.items() if value is not was[name] and value != was[name]}


class TestHeld:
    def test_its_moments_are_those_of_the_policy_after_it_was_fetched(self) -> None:
        value = held()
        assert {name: getattr(value, name) for name in ("fetched_at", "refresh_after", "urgent_after", "expires_after", "dead_after")} == {
            "fetched_at": 100.0, "refresh_after": 2800.0, "urgent_after": 3640.0, "expires_after": 3700.0, "dead_after": 3710.0,
        }  # fmt: skip
        assert (value.value, value.lifetime, value.window) == (credential(), HOUR, timedelta(minutes=15))
        assert (value.wall, value.wall_mark, value.ahead, value.suspect, value.invalidated) == (EPOCH, 100.0, 0.0, None, False)

    def test_its_life_is_what_the_wall_clock_says_is_left_when_it_arrives(self) -> None:
        arrived = hold(Answer(value=credential(lifetime=HOUR)), policy=POLICY, u=0.5, now=100.0, wall=EPOCH + timedelta(minutes=20))
        assert (arrived.lifetime, arrived.expires_after) == (timedelta(minutes=40), 2500.0)
        assert (arrived.value, arrived.wall, arrived.wall_mark) == (credential(), EPOCH + timedelta(minutes=20), 100.0)
        endless = hold(Answer(value=credential(lifetime=None)), policy=POLICY, u=0.5, now=100.0, wall=EPOCH)
        assert (endless.lifetime, endless.window, endless.refresh_after, endless.dead_after) == (None, None, 400.0, inf)
        assert (endless.is_endless, arrived.is_endless) == (True, False)
        assert not endless.invalidated_at(200.0, timedelta(0)).is_endless

    @pytest.mark.parametrize(
        ("now", "phase"),
        [
            (100.0, Phase.FRESH), (2799.9, Phase.FRESH), (2800.0, Phase.AGING), (3639.9, Phase.AGING), (3640.0, Phase.URGENT),
            (3699.9, Phase.URGENT), (3700.0, Phase.GRACE), (3709.9, Phase.GRACE), (3710.0, Phase.EXPIRED),
        ],
    )  # fmt: skip
    def test_each_phase_begins_at_its_moment(self, now: float, phase: Phase) -> None:
        assert held().phase(now) is phase

    def test_it_lasts_for_what_is_left_of_it_and_no_more(self) -> None:
        assert held().lasts(3640.0, timedelta(seconds=60))
        assert not held().lasts(3640.1, timedelta(seconds=60))
        assert held().lasts(9999.0, timedelta(0))

    def test_a_rejection_brings_every_moment_forward(self) -> None:
        value = held()
        found = changes(value, value.invalidated_at(200.0, timedelta(seconds=10)))
        assert found == {
            "refresh_after": 200.0, "urgent_after": 200.0, "expires_after": 200.0, "dead_after": 210.0, "invalidated": True,
        }  # fmt: skip

    def test_a_rejection_puts_no_moment_off(self) -> None:
        value = held()
        assert changes(value, value.invalidated_at(3705.0, HOUR)) == {"invalidated": True}

    @pytest.mark.parametrize(("ahead", "phase"), [(3539, Phase.FRESH), (3540, Phase.URGENT), (3600, Phase.URGENT), (9999, Phase.URGENT)])
    def test_callers_wait_once_the_wall_clock_says_that_the_margin_has_begun(self, ahead: int, phase: Phase) -> None:
        assert held().with_wall_clock(EPOCH + timedelta(seconds=ahead), 100.0).phase(100.0) is phase
        # ten seconds later on both clocks: as much ahead, ten seconds less left
        assert held().with_wall_clock(EPOCH + timedelta(seconds=ahead), 110.0).phase(110.0) is phase

    def test_between_two_looks_the_moment_comes_by_itself(self) -> None:
        looked_at = held().with_wall_clock(EPOCH + timedelta(seconds=3500), 100.0)
        assert [looked_at.phase(now) for now in (139.9, 140.0)] == [Phase.FRESH, Phase.URGENT]
        assert (looked_at.due_after, looked_at.waits_after) == (140.0, 140.0)
        later = held().with_wall_clock(EPOCH + timedelta(seconds=30), 100.0)
        assert (later.due_after, later.waits_after) == (2800.0, 3610.0)

    def test_the_wall_clock_ends_nothing(self) -> None:
        looked_at = held().with_wall_clock(EPOCH + 3 * HOUR, 100.0)
        assert [looked_at.phase(now) for now in (3699.9, 3700.0, 3710.0)] == [Phase.URGENT, Phase.GRACE, Phase.EXPIRED]

    def test_what_is_left_is_what_both_clocks_say(self) -> None:
        looked_at = held().with_wall_clock(EPOCH + timedelta(minutes=20), 100.0)
        assert looked_at.lasts(100.0, timedelta(minutes=40))
        assert not looked_at.lasts(100.1, timedelta(minutes=40))
        back = held().with_wall_clock(EPOCH - HOUR, 100.0)
        assert not back.lasts(100.1, HOUR)

    @pytest.mark.parametrize("off", [0, 5, -5, -3600])
    def test_a_look_at_a_wall_clock_that_was_not_set_forward_leaves_the_same_object(self, off: int) -> None:
        value = held()
        assert value.with_wall_clock(EPOCH + timedelta(seconds=off), 100.0) is value

    def test_doubt_ends_when_the_wall_clock_comes_back(self) -> None:
        value = held()
        doubted = value.with_wall_clock(EPOCH + 2 * HOUR, 100.0)
        assert changes(value, doubted) == {"ahead": 7200.0}
        assert doubted.with_wall_clock(EPOCH + 2 * HOUR + timedelta(seconds=13), 110.0) is doubted
        assert changes(doubted, doubted.with_wall_clock(EPOCH, 100.0)) == {"ahead": 0.0}

    def test_a_newer_value_that_has_ended_on_arrival_proves_the_wall_clock_wrong_until_it_is_stepped_again(self) -> None:
        doubted = held().with_wall_clock(EPOCH + 2 * HOUR, 100.0)
        arrived = hold(Answer(value=credential(2, 2 * HOUR - SECOND)), policy=POLICY, u=0.5, now=150.0, wall=EPOCH + 2 * HOUR + 50 * SECOND)
        corrected = doubted.resynced(arrived)
        assert changes(doubted, corrected) == {"ahead": 0.0, "suspect": 7200.0}
        for off in (0, 5, -5):
            assert corrected.with_wall_clock(EPOCH + 2 * HOUR + timedelta(seconds=100 + off), 200.0) is corrected
        for off, ahead in ((6, 7206.0), (-6, 7194.0), (-3600, 3600.0)):
            stepped = corrected.with_wall_clock(EPOCH + 2 * HOUR + timedelta(seconds=100 + off), 200.0)
            assert changes(corrected, stepped) == {"ahead": ahead}

    @pytest.mark.parametrize("end", [HOUR, HOUR - SECOND, None])
    def test_a_value_that_is_no_newer_proves_nothing(self, end: timedelta | None) -> None:
        doubted = held().with_wall_clock(EPOCH + 2 * HOUR, 100.0)
        arrived = scheduled(credential(1, end), timedelta(0), policy=POLICY, u=0.5, began=150.0, fetched_at=150.0, wall=EPOCH + 2 * HOUR)
        assert doubted.resynced(arrived) is doubted
        assert held(lifetime=None).resynced(held()).suspect is None

    def test_the_same_value_that_looks_shorter_keeps_its_end_and_is_due_as_was_measured_last(self) -> None:
        before = held()
        again = hold(Answer(value=credential(1, HOUR)), policy=POLICY, u=0.5, now=200.0, wall=EPOCH + timedelta(minutes=50))
        assert (again.refresh_after, again.urgent_after, again.expires_after) == (650.0, 740.0, 800.0)
        kept = again.never_sooner_than(before)
        assert changes(again, kept) == {
            "urgent_after": 3640.0, "expires_after": 3700.0, "dead_after": 3710.0, "wall": EPOCH, "wall_mark": 100.0, "ahead": 2900.0,
        }  # fmt: skip
        assert (kept.due_after, kept.waits_after) == (650.0, 740.0)
        assert changes(kept, rejittered(kept, POLICY, 0.5, 300.0)) == {}
        assert kept.with_wall_clock(EPOCH + timedelta(minutes=50), 200.0) is kept
        assert kept.with_wall_clock(EPOCH + 100 * SECOND, 200.0).waits_after == before.waits_after

    def test_the_same_value_that_looks_no_shorter_is_taken_as_it_is_measured(self) -> None:
        again = held(at=100.0)
        assert again.never_sooner_than(held()) is again
        longer = hold(Answer(value=credential(1, HOUR)), policy=POLICY, u=0.5, now=200.0, wall=EPOCH)
        assert longer.never_sooner_than(held()) is longer
        endless = held(lifetime=None)
        assert endless.never_sooner_than(held(lifetime=None)) is endless

    def test_another_draw_moves_the_refresh_and_nothing_else(self) -> None:
        policy = attrs.evolve(POLICY, jitter=0.5)
        value = held(policy=policy)
        assert changes(value, rejittered(value, policy, 0.0, 200.0)) == {"refresh_after": 2800.0}
        assert changes(value, rejittered(value, attrs.evolve(policy, margin=SECOND), 0.5, 200.0)) == {"urgent_after": 3699.0}

    @pytest.mark.parametrize(("now", "u", "after"), [(3300.0, 0.5, 3525.0), (3300.0, 0.0, 3300.0), (3600.0, 0.9, 3640.0)])
    def test_a_moment_that_has_come_is_drawn_again_from_now_on_and_within_the_window(self, now: float, u: float, after: float) -> None:
        policy = attrs.evolve(POLICY, jitter=0.5)  # of a window of 900 s
        value = attrs.evolve(held(policy=policy), refresh_after=now)
        assert rejittered(value, policy, u, now).refresh_after == after

    @pytest.mark.parametrize(("now", "u", "after"), [(400.0, 0.5, 475.0), (400.0, 0.0, 400.0), (200.0, 0.0, 400.0), (200.0, 0.5, 325.0)])
    def test_the_next_look_at_what_has_no_end_is_drawn_again_too(self, now: float, u: float, after: float) -> None:
        policy = attrs.evolve(POLICY, jitter=0.5)  # of 300 s
        assert rejittered(held(lifetime=None), policy, u, now).refresh_after == after

    @pytest.mark.parametrize("value", [held().invalidated_at(200.0, timedelta(0)), attrs.evolve(held(), ahead=4000.0)])
    def test_what_is_due_in_any_case_is_not_delayed(self, value: Held[Credential]) -> None:
        assert rejittered(value, POLICY, 0.5, 200.0) is value


class TestSnapshot:
    def test_a_refresh_begins(self) -> None:
        found = changes(BUSY, BUSY.started(100.0, timedelta(seconds=30)))
        assert found == {"waited_for_until": 130.0, "attempted_at": 100.0, "attempts": 10}

    def test_a_refresh_ends_with_nothing(self) -> None:
        assert changes(BUSY, BUSY.ended()) == {"waited_for_until": None}

    def test_a_refresh_succeeds(self) -> None:
        value = held()
        assert changes(BUSY, BUSY.succeeded(value, POLICY, 0.5, span=timedelta(0))) == {
            "held": value, "waited_for_until": None, "next_attempt_at": -inf, "failures": 0, "unchanged": 0, "shortfalls": 0,
            "long_span_retry_after": -inf, "rejections": 0, "last_error": None, "denied": False, "wall_due_at": 160.0, "refreshes": 9,
        }  # fmt: skip

    def test_the_same_value_again_is_paced_as_a_failure_is(self) -> None:
        snapshot = Snapshot(held=held())
        for times, pause in enumerate((1.0, 2.0, 4.0, 8.0, 8.0), 1):
            snapshot = snapshot.succeeded(held(at=200.0), POLICY, 0.5, span=timedelta(0))
            assert (snapshot.unchanged, snapshot.next_attempt_at) == (times, 200.0 + pause)
        snapshot = snapshot.succeeded(held(2, at=200.0), POLICY, 0.5, span=timedelta(0))
        assert (snapshot.unchanged, snapshot.next_attempt_at) == (0, -inf)

    def test_a_value_that_has_no_end_is_the_same_again_without_a_pause(self) -> None:
        snapshot = Snapshot(held=held(lifetime=None))
        for at in (400.0, 700.0):
            snapshot = snapshot.succeeded(held(at=at, lifetime=None), POLICY, 0.5, span=timedelta(0))
            assert (snapshot.unchanged, snapshot.next_attempt_at) == (0, -inf)
            assert snapshot.held is not None
            assert snapshot.held.refresh_after == at + 300
        rejected = attrs.evolve(snapshot, held=held(lifetime=None).invalidated_at(701.0, timedelta(0)))
        assert rejected.succeeded(held(at=702.0, lifetime=None), POLICY, 0.5, span=timedelta(0)).next_attempt_at == 703.0

    def test_the_same_value_never_ends_sooner_unless_it_was_rejected(self) -> None:
        again = hold(Answer(value=credential(1, HOUR)), policy=POLICY, u=0.5, now=200.0, wall=EPOCH + timedelta(minutes=50))
        other = attrs.evolve(again, value=credential(2, HOUR))
        for before, fetched, end in ((held(), again, 3700.0), (held(), other, 800.0), (held().invalidated_at(150.0, HOUR), again, 800.0)):
            found = Snapshot(held=before).succeeded(fetched, POLICY, 0.5, span=timedelta(0)).held
            assert found is not None
            assert found.expires_after == end

    def test_a_value_that_is_too_short_holds_back_who_needs_a_longer_one(self) -> None:
        snapshot: Snapshot[Credential] = Snapshot()
        for times, pause in enumerate((1.0, 2.0, 4.0), 1):
            snapshot = snapshot.succeeded(held(times, at=200.0), POLICY, 0.5, span=HOUR + SECOND)
            assert (snapshot.shortfalls, snapshot.long_span_retry_after, snapshot.next_attempt_at) == (times, 200.0 + pause, -inf)
        snapshot = snapshot.succeeded(held(9, at=200.0), POLICY, 0.5, span=HOUR)
        assert (snapshot.shortfalls, snapshot.long_span_retry_after) == (0, -inf)

    def test_rejections_are_counted_over_values_that_replace_rejected_ones(self) -> None:
        rejected = attrs.evolve(BUSY, held=held().invalidated_at(101.0, timedelta(0)))
        assert rejected.succeeded(held(2), POLICY, 0.5, span=timedelta(0)).rejections == 1
        assert attrs.evolve(BUSY, held=held()).succeeded(held(2), POLICY, 0.5, span=timedelta(0)).rejections == 0

    def test_a_refresh_fails(self) -> None:
        error = TransientError("down again")
        found = changes(BUSY, BUSY.failed(error, POLICY, 100.0, 0.5))
        assert found == {
            "waited_for_until": None,
            "next_attempt_at": 108.0,
            "failures": 4,
            "last_error": error,
            "failed_at": 100.0,
            "denied": False,
        }

    def test_the_draw_shortens_the_pause(self) -> None:
        policy = attrs.evolve(POLICY, failure_backoff=Backoff(initial=SECOND, maximum=8 * SECOND, jitter=1))
        assert Snapshot[Credential]().failed(DOWN, policy, 100.0, 0.25).next_attempt_at == 100.25
        assert Snapshot(held=held()).succeeded(held(), policy, 0.25, span=timedelta(0)).next_attempt_at == 100.25

    def test_what_never_left_the_machine_is_not_held_back(self) -> None:
        assert BUSY.failed(NotConfiguredError("not here"), POLICY, 100.0, 0.5).next_attempt_at == -inf
        assert attrs.evolve(BUSY, held=held()).failed(NotConfiguredError("not here"), POLICY, 100.0, 0.5).next_attempt_at == -inf

    def test_what_never_left_the_machine_is_held_back_where_the_value_has_no_end_and_so_no_caller_waits(self) -> None:
        endless = held(lifetime=None)
        assert attrs.evolve(BUSY, held=endless).failed(NotConfiguredError("gone"), POLICY, 100.0, 0.5).next_attempt_at == 108.0
        rejected = endless.invalidated_at(99.0, timedelta(0))
        assert attrs.evolve(BUSY, held=rejected).failed(NotConfiguredError("gone"), POLICY, 100.0, 0.5).next_attempt_at == -inf

    def test_a_denial_is_remembered_under_the_policy_that_tells_it_until_a_refresh_succeeds(self) -> None:
        calm = attrs.evolve(BUSY, denied=False)
        assert calm.failed(DENIED, RAISING, 100.0, 0.5).denied is True
        assert calm.failed(DENIED, POLICY, 100.0, 0.5).denied is False
        assert calm.failed(DOWN, RAISING, 100.0, 0.5).denied is False
        assert BUSY.failed(DOWN, RAISING, 100.0, 0.5).denied is True

    def test_young_values_that_are_rejected_one_after_the_other_are_paced_from_the_third_on(self) -> None:
        snapshot = Snapshot(held=held())
        for times, pause in enumerate((0.0, 0.0, 1.0, 2.0, 4.0), 1):
            before = snapshot
            snapshot = snapshot.invalidated(POLICY, 101.0, 0.5)
            found = changes(before, snapshot)
            assert isinstance(found.pop("held"), Held)
            due = {} if times == 2 else {"next_attempt_at": 101.0 + pause}
            assert found == {"generation": times, "rejections": times, **due}
            snapshot = attrs.evolve(snapshot, held=held(times + 1))

    def test_the_draw_shortens_that_pause_too(self) -> None:
        policy = attrs.evolve(POLICY, failure_backoff=Backoff(initial=SECOND, maximum=8 * SECOND, jitter=1))
        assert Snapshot(held=held(), rejections=2).invalidated(policy, 101.0, 0.25).next_attempt_at == 101.25

    def test_a_longer_pause_is_not_cut_short(self) -> None:
        assert Snapshot(held=held(), rejections=2, next_attempt_at=500.0).invalidated(POLICY, 101.0, 0.5).next_attempt_at == 500.0

    @pytest.mark.parametrize(("now", "rejections"), [(107.9, 3), (108.0, 1), (200.0, 1)])
    def test_a_value_is_young_for_as_long_as_the_longest_pause(self, now: float, rejections: int) -> None:
        assert Snapshot(held=held(), rejections=2).invalidated(POLICY, now, 0.5).rejections == rejections

    def test_what_has_ended_or_is_not_held_cannot_be_rejected(self) -> None:
        for snapshot in (BUSY, attrs.evolve(BUSY, held=held())):
            assert snapshot.invalidated(POLICY, 3705.0, 0.5) is snapshot
            assert snapshot.invalidated(POLICY, 4000.0, 0.5) is snapshot

    def test_the_wall_clock_is_looked_at_once_a_minute(self) -> None:
        snapshot = attrs.evolve(BUSY, held=held())
        looked_at = snapshot.with_wall_clock(EPOCH + 2 * HOUR, 100.0)
        assert changes(snapshot, looked_at).keys() == {"held", "wall_due_at"}
        assert looked_at.wall_due_at == 160.0
        assert changes(snapshot.held, looked_at.held) == {"ahead": 7200.0}
        assert BUSY.with_wall_clock(EPOCH, 100.0).held is None

    def test_a_wrong_wall_clock_changes_the_held_value_alone(self) -> None:
        snapshot = attrs.evolve(BUSY, held=held())
        arrived = hold(Answer(value=credential(2, 2 * HOUR)), policy=POLICY, u=0.5, now=200.0, wall=EPOCH + 2 * HOUR)
        corrected = snapshot.resynced(arrived)
        assert changes(snapshot, corrected).keys() == {"held"}
        assert changes(snapshot.held, corrected.held) == {"suspect": 7100.0}
        assert BUSY.resynced(arrived).held is None

    def test_what_is_closed_holds_nothing_and_wants_nothing(self) -> None:
        snapshot = attrs.evolve(BUSY, held=held())
        assert changes(snapshot, snapshot.shut()) == {"held": None, "closed": True, "generation": 8}

    def test_a_forked_child_wants_nothing_of_what_was_under_way(self) -> None:
        assert changes(BUSY, BUSY.after_fork()) == {"waited_for_until": None, "generation": 8}

    def test_a_forked_child_draws_its_refresh_again(self) -> None:
        policy = attrs.evolve(POLICY, jitter=0.5)
        snapshot = attrs.evolve(BUSY, held=held(policy=policy))
        drawn = snapshot.rejittered(policy, 0.0, 200.0)
        assert changes(snapshot, drawn).keys() == {"held"}
        assert drawn.held is not None
        assert drawn.held.refresh_after == 2800.0
        assert BUSY.rejittered(policy, 0.0, 200.0).held is None

    def test_what_is_held_is_usable_until_its_end_and_for_what_is_left_of_it(self) -> None:
        value = held()
        snapshot = Snapshot(held=value)
        assert snapshot.usable(3709.9) is value
        assert snapshot.usable(3710.0) is None
        assert snapshot.usable(3640.0, timedelta(seconds=60)) is value
        assert snapshot.usable(3640.0, timedelta(seconds=61)) is None
        assert attrs.evolve(snapshot, denied=True).usable(100.0) is None
        assert BUSY.usable(100.0) is None


SERVE, REFRESH, WAIT, FAIL = Action.SERVE, Action.SERVE_AND_REFRESH, Action.WAIT, Action.FAIL


@pytest.mark.parametrize(
    ("now", "facts", "decision"),
    [
        (200.0, {}, Decision(SERVE, Phase.FRESH, 2800.0)),
        (200.0, {"next_attempt_at": 300.0, "waited_for_until": 250.0}, Decision(SERVE, Phase.FRESH, 2800.0)),
        (200.0, {"closed": True}, Decision(FAIL, Phase.CLOSED)),
        (200.0, {"denied": True}, Decision(WAIT, Phase.FRESH)),
        (200.0, {"denied": True, "next_attempt_at": 300.0}, Decision(FAIL, Phase.FRESH)),
        (2800.0, {}, Decision(REFRESH, Phase.AGING)),
        (2800.0, {"next_attempt_at": 2800.0}, Decision(REFRESH, Phase.AGING)),
        (2800.0, {"next_attempt_at": 2900.0}, Decision(SERVE, Phase.AGING, 2900.0)),
        (2800.0, {"next_attempt_at": 9999.0}, Decision(SERVE, Phase.AGING, 3640.0)),
        (2800.0, {"waited_for_until": 2700.0}, Decision(SERVE, Phase.AGING, 3640.0)),
        (2800.0, {"waited_for_until": 2900.0}, Decision(SERVE, Phase.AGING, 3640.0)),
        (3650.0, {}, Decision(WAIT, Phase.URGENT)),
        (3650.0, {"next_attempt_at": 3660.0}, Decision(SERVE, Phase.URGENT, 3660.0)),
        (3650.0, {"next_attempt_at": 9999.0}, Decision(SERVE, Phase.URGENT, 3700.0)),
        (3650.0, {"waited_for_until": 3651.0}, Decision(WAIT, Phase.URGENT)),
        (3650.0, {"waited_for_until": 3650.0}, Decision(SERVE, Phase.URGENT, 3700.0)),
        (3705.0, {}, Decision(WAIT, Phase.GRACE)),
        (3705.0, {"attempted_at": 3700.0, "next_attempt_at": 3720.0}, Decision(SERVE, Phase.GRACE)),
        (3705.0, {"attempted_at": 3699.0, "next_attempt_at": 3720.0}, Decision(WAIT, Phase.GRACE)),
        (3700.0, {"attempted_at": 3699.0, "next_attempt_at": 3720.0}, Decision(WAIT, Phase.GRACE)),
        (3705.0, {"waited_for_until": 3700.0}, Decision(SERVE, Phase.GRACE)),
        (3720.0, {}, Decision(WAIT, Phase.EXPIRED)),
        (3720.0, {"waited_for_until": 3700.0}, Decision(WAIT, Phase.EXPIRED)),
        (3720.0, {"attempted_at": 3710.0, "next_attempt_at": 3730.0}, Decision(FAIL, Phase.EXPIRED)),
        (3720.0, {"attempted_at": 3710.0, "next_attempt_at": 3720.0}, Decision(WAIT, Phase.EXPIRED)),
        (200.0, {"held": None}, Decision(WAIT, Phase.EMPTY)),
        (200.0, {"held": None, "next_attempt_at": 200.1}, Decision(FAIL, Phase.EMPTY)),
        (200.0, {"held": None, "next_attempt_at": 200.1, "waited_for_until": 100.0}, Decision(WAIT, Phase.EMPTY)),
        (200.0, {"held": held().invalidated_at(200.0, timedelta(0)), "next_attempt_at": 201.0}, Decision(FAIL, Phase.EXPIRED)),
    ],
)
def test_what_one_caller_gets(now: float, facts: dict[str, object], decision: Decision) -> None:
    assert decide(attrs.evolve(Snapshot(held=held()), **facts), now) == decision


@pytest.mark.parametrize(
    ("now", "minutes", "facts", "decision"),
    [
        (100.0, 60, {}, Decision(SERVE, Phase.FRESH, 2800.0)),
        (101.0, 60, {}, Decision(WAIT, Phase.FRESH)),
        (101.0, 60, {"long_span_retry_after": 200.0}, Decision(WAIT, Phase.FRESH)),  # a fresh one would last
        (101.0, 61, {"long_span_retry_after": 200.0}, Decision(FAIL, Phase.FRESH)),
        (200.0, 61, {"long_span_retry_after": 200.0}, Decision(WAIT, Phase.FRESH)),
        (101.0, 61, {"long_span_retry_after": 200.0, "waited_for_until": 150.0}, Decision(WAIT, Phase.FRESH)),
        (101.0, 61, {"next_attempt_at": 200.0}, Decision(FAIL, Phase.FRESH)),
        (3720.0, 61, {"long_span_retry_after": 9999.0}, Decision(WAIT, Phase.EXPIRED)),
    ],
)
def test_what_one_caller_gets_who_needs_a_value_for_long(now: float, minutes: int, facts: dict[str, object], decision: Decision) -> None:
    assert decide(attrs.evolve(Snapshot(held=held()), **facts), now, timedelta(minutes=minutes)) == decision
