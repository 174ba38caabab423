"""The policies' arithmetic, formula by formula, over all the values that they take."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred import (
    Backoff,
    ChainError,
    ChainPolicy,
    ConfigurationError,
    DeniedError,
    FixedWindow,
    FractionWindow,
    NotConfiguredError,
    OnDenied,
    OnError,
    ProviderError,
    RefreshMode,
    RefreshPolicy,
    RetryPolicy,
    SourceReport,
    TieredWindow,
    TransientError,
    is_transient,
)
from alicred.errors import SourceOutcome
from tests.strategies import ZERO, backoffs, draws, lifetimes, refresh_policies, spans

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


class TestBackoff:
    @given(backoffs(), st.integers(1, 10_000), draws)
    def test_every_pause_is_between_its_fixed_share_and_the_maximum(self, backoff: Backoff, failures: int, u: float) -> None:
        pause = backoff.delay(failures, u)
        assert ZERO <= pause <= backoff.maximum
        undrawn = Backoff(initial=backoff.initial, maximum=backoff.maximum, factor=backoff.factor, jitter=0)
        whole = undrawn.delay(failures, u)
        assert whole * (1 - backoff.jitter) - TICK <= pause <= whole + TICK

    @given(backoffs(jitter=st.just(0.0)), st.integers(1, 200), draws)
    def test_without_jitter_pauses_never_shrink(self, backoff: Backoff, failures: int, u: float) -> None:
        assert backoff.delay(failures, u) <= backoff.delay(failures + 1, u)

    @pytest.mark.parametrize(("failures", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8), (6, 32), (7, 60), (20, 60), (1_000_000, 60)])
    def test_it_doubles_up_to_the_maximum(self, failures: int, seconds: int) -> None:
        backoff = Backoff(initial=SECOND, maximum=MINUTE, jitter=0)
        assert backoff.delay(failures, 0.5) == timedelta(seconds=seconds)

    def test_full_jitter_spreads_over_the_whole_pause(self) -> None:
        backoff = Backoff(initial=SECOND, maximum=MINUTE, jitter=1)
        assert [backoff.delay(3, u) for u in (0, 0.25, 0.5)] == [ZERO, SECOND, 2 * SECOND]

    def test_half_jitter_keeps_half_of_the_pause(self) -> None:
        backoff = Backoff(initial=SECOND, maximum=MINUTE, jitter=0.5)
        assert [backoff.delay(3, u) for u in (0, 0.5)] == [2 * SECOND, 3 * SECOND]

    def test_no_initial_pause_means_none_ever(self) -> None:
        assert Backoff(initial=ZERO).delay(50, 0.9) == ZERO

    def test_the_longest_pause_that_there_is_can_be_reached(self) -> None:
        longest = Backoff(initial=TICK, maximum=timedelta.max, factor=timedelta.max / TICK, jitter=0)
        assert longest.delay(2, 0.0) == timedelta.max

    @pytest.mark.parametrize("failures", [0, -1])
    def test_it_is_asked_only_after_a_failure(self, failures: int) -> None:
        with pytest.raises(ConfigurationError, match="failures must be 1 or more"):
            Backoff().delay(failures, 0.5)

    @pytest.mark.parametrize("u", [-0.1, 1.0, 2.0, float("nan")])
    def test_the_draw_is_in_its_range(self, u: float) -> None:
        with pytest.raises(ConfigurationError, match="u must be at least 0 and below 1"):
            Backoff().delay(1, u)


class TestWindows:
    @given(spans(), lifetimes)
    def test_a_fixed_window_is_the_same_for_all(self, span: timedelta, lifetime: timedelta) -> None:
        assert FixedWindow(span)(lifetime) == span

    @pytest.mark.parametrize(("minutes", "window"), [(0, 0), (20, 5), (40, 10), (60, 15), (90, 15), (720, 15)])
    def test_the_default_is_a_quarter_up_to_fifteen_minutes(self, minutes: int, window: int) -> None:
        assert FractionWindow()(timedelta(minutes=minutes)) == timedelta(minutes=window)

    @pytest.mark.parametrize(
        ("lifetime", "minutes"),
        [
            (timedelta(minutes=15), 5),
            (timedelta(minutes=20), 5),
            (timedelta(minutes=20) + TICK, 15),
            (timedelta(minutes=60), 15),
            (timedelta(minutes=90) - TICK, 15),
            (timedelta(minutes=90), 60),
            (timedelta(hours=12), 60),
        ],
    )
    def test_tiers_have_the_edges_that_the_documentation_gives(self, lifetime: timedelta, minutes: int) -> None:
        assert TieredWindow()(lifetime) == timedelta(minutes=minutes)


class TestSchedule:
    @given(refresh_policies(), lifetimes, draws)
    def test_the_moments_are_in_their_order(self, policy: RefreshPolicy, lifetime: timedelta, u: float) -> None:
        schedule = policy.schedule(lifetime, u)
        assert schedule.refresh_after is not None
        assert schedule.urgent_after is not None
        assert schedule.dead_after is not None
        assert ZERO < schedule.refresh_after <= schedule.urgent_after <= lifetime <= schedule.dead_after
        assert schedule.expires_after == lifetime
        assert schedule.dead_after == lifetime + policy.grace

    @given(refresh_policies(), lifetimes, draws)
    def test_the_window_takes_ninety_percent_at_most(self, policy: RefreshPolicy, lifetime: timedelta, u: float) -> None:
        schedule = policy.schedule(lifetime, u)
        assert schedule.window == max(ZERO, min(policy.ahead(lifetime), lifetime * 0.9))

    @given(refresh_policies(), lifetimes, draws)
    def test_the_draw_delays_within_the_window(self, policy: RefreshPolicy, lifetime: timedelta, u: float) -> None:
        schedule = policy.schedule(lifetime, u)
        assert schedule.window is not None
        drawn = lifetime - schedule.window * (1 - policy.jitter * u)
        assert schedule.refresh_after == (drawn if policy.max_age is None else min(drawn, policy.max_age))
        assert drawn >= lifetime - schedule.window

    @given(refresh_policies(), lifetimes, draws)
    def test_the_margin_is_a_tenth_of_the_lifetime_at_most(self, policy: RefreshPolicy, lifetime: timedelta, u: float) -> None:
        schedule = policy.schedule(lifetime, u)
        assert schedule.urgent_after is not None
        assert schedule.window is not None
        margin = lifetime - schedule.urgent_after
        assert margin <= min(policy.margin, lifetime * 0.1, schedule.window)

    @pytest.mark.parametrize("seconds", [20, 900])
    def test_a_short_credential_stays_fresh_for_most_of_its_life(self, seconds: int) -> None:
        lifetime = timedelta(seconds=seconds)
        schedule = RefreshPolicy().schedule(lifetime, 0.0)
        assert schedule.refresh_after == lifetime * 0.75
        assert schedule.urgent_after == lifetime - min(MINUTE, lifetime * 0.1)

    def test_a_window_that_would_swallow_the_session_leaves_it_a_tenth(self) -> None:
        schedule = RefreshPolicy(ahead=timedelta(minutes=15), jitter=0).schedule(timedelta(minutes=15), 0.0)
        assert schedule.refresh_after == timedelta(minutes=1.5)

    def test_where_the_window_is_the_margin_the_draw_still_spreads_a_fleet(self) -> None:
        policy = RefreshPolicy(ahead=10 * SECOND, jitter=0.5)
        moments = [policy.schedule(HOUR, u) for u in (0.0, 0.5)]
        assert [m.refresh_after for m in moments] == [HOUR - 10 * SECOND, HOUR - 7.5 * SECOND]
        assert [m.urgent_after for m in moments] == [HOUR - 10 * SECOND, HOUR - 7.5 * SECOND]

    @given(refresh_policies(), draws)
    def test_what_never_expires_is_looked_at_again_and_that_is_all(self, policy: RefreshPolicy, u: float) -> None:
        schedule = policy.schedule(None, u)
        assert (schedule.window, schedule.urgent_after, schedule.expires_after, schedule.dead_after) == (None,) * 4
        drawn = None if policy.recheck is None else policy.recheck * (1 - policy.jitter * u)
        assert schedule.refresh_after == min((span for span in (drawn, policy.max_age) if span is not None), default=None)

    @pytest.mark.parametrize(("u", "minutes"), [(0.0, 5.0), (0.5, 4.5), (0.75, 4.25)])
    def test_a_value_without_an_end_is_looked_at_within_five_minutes_and_a_fleet_does_not_do_so_in_step(
        self, u: float, minutes: float
    ) -> None:
        assert RefreshPolicy().schedule(None, u).refresh_after == minutes * MINUTE
        assert RefreshPolicy(max_age=MINUTE).schedule(None, u).refresh_after == MINUTE
        assert RefreshPolicy(recheck=None).schedule(None, u).refresh_after is None

    @given(refresh_policies(), lifetimes, draws)
    def test_a_value_with_an_end_is_not_rechecked(self, policy: RefreshPolicy, lifetime: timedelta, u: float) -> None:
        assert policy.schedule(lifetime, u) == attrs.evolve(policy, recheck=None).schedule(lifetime, u)

    @given(refresh_policies(), st.timedeltas(max_value=ZERO), draws)
    def test_what_has_expired_already_has_no_life_left(self, policy: RefreshPolicy, lifetime: timedelta, u: float) -> None:
        schedule = policy.schedule(lifetime, u)
        assert schedule.refresh_after == schedule.urgent_after == schedule.expires_after == ZERO

    def test_a_window_of_the_users_own_that_is_negative_counts_as_none(self) -> None:
        schedule = RefreshPolicy(ahead=lambda lifetime: -lifetime).schedule(HOUR, 0.0)
        assert (schedule.window, schedule.refresh_after, schedule.urgent_after) == (ZERO, HOUR, HOUR)

    def test_a_window_of_the_users_own_is_tried_for_an_hour(self) -> None:
        asked: list[timedelta] = []
        RefreshPolicy(ahead=lambda lifetime: asked.append(lifetime) or ZERO)
        assert asked == [HOUR]

    def test_a_window_may_be_none_at_all(self) -> None:
        assert TieredWindow(tiers=((HOUR, ZERO),))(MINUTE) == ZERO
        assert TieredWindow(tiers=((ZERO, MINUTE),))(ZERO) == MINUTE

    def test_a_span_is_taken_for_a_fixed_window(self) -> None:
        assert RefreshPolicy(ahead=MINUTE).ahead == FixedWindow(MINUTE)
        assert RefreshPolicy(ahead=MINUTE) == RefreshPolicy(ahead=FixedWindow(MINUTE))


CHAIN_OF_THROTTLED = ChainError(
    "none", reports=(SourceReport(name="a", outcome=SourceOutcome.FAILED, detail="", error=TransientError("slow down")),)
)


class TestRetryPolicy:
    def delay(self, policy: RetryPolicy, *, failures: int = 1, elapsed: timedelta = ZERO, error: ProviderError) -> timedelta | None:
        return policy.next_delay(failures, elapsed, error, 0.5)

    @given(backoffs(), st.integers(1, 10), st.integers(1, 12), spans(most=MINUTE), draws)
    def test_it_ends_with_its_attempts_and_with_its_budget(
        self, backoff: Backoff, attempts: int, failures: int, elapsed: timedelta, u: float
    ) -> None:
        policy = RetryPolicy(attempts=attempts, backoff=backoff)
        delay = policy.next_delay(failures, elapsed, TransientError("no"), u)
        if failures >= attempts:
            assert delay is None
        elif elapsed + backoff.delay(failures, u) <= policy.budget:
            assert delay == backoff.delay(failures, u)
        else:
            assert delay is None

    def test_only_what_may_pass_is_tried_again(self) -> None:
        assert self.delay(RetryPolicy(), error=TransientError("no")) is not None
        assert self.delay(RetryPolicy(), error=DeniedError("no")) is None
        assert self.delay(RetryPolicy(retryable=lambda error: True), error=DeniedError("no")) is not None

    def test_the_pause_that_a_service_asks_for_is_kept(self) -> None:
        error = TransientError("slow down", retry_after=5 * SECOND)
        assert self.delay(RetryPolicy(), error=error) == 5 * SECOND
        assert self.delay(RetryPolicy(budget=SECOND), error=error) is None

    def test_the_whole_budget_may_be_used(self) -> None:
        policy = RetryPolicy(backoff=Backoff(initial=SECOND, jitter=0), budget=3 * SECOND)
        assert self.delay(policy, elapsed=2 * SECOND, error=TransientError("no")) == SECOND
        assert self.delay(policy, elapsed=2 * SECOND + TICK, error=TransientError("no")) is None

    @pytest.mark.parametrize(
        ("error", "transient"),
        [
            (TransientError("x"), True),
            (ProviderError("x"), False),
            (ProviderError("x", retryable=True), True),
            (TransientError("x", retryable=False), False),
            (NotConfiguredError("x"), False),
            (ConfigurationError("x"), False),
            (CHAIN_OF_THROTTLED, True),
            (ChainError("none"), False),
        ],
    )
    def test_what_is_transient(self, error: ProviderError, transient: bool) -> None:
        assert is_transient(error) is transient


NOT_A_SPAN = [1, 1.5, "1s", None, -SECOND]
REFUSED = [
    *[(Backoff, "initial", value) for value in NOT_A_SPAN],
    *[(Backoff, "maximum", value) for value in [*NOT_A_SPAN, TICK]],
    *[(Backoff, "factor", value) for value in (0.99, -1, float("nan"), float("inf"), "2", None, True)],
    *[(Backoff, "jitter", value) for value in (-0.01, 1.01, float("nan"), "0.5", None)],
    *[(FixedWindow, "span", value) for value in NOT_A_SPAN],
    *[(FractionWindow, "fraction", value) for value in (-0.1, 1.1, "half", None)],
    *[(FractionWindow, "at_most", value) for value in NOT_A_SPAN],
    *[(TieredWindow, "beyond", value) for value in NOT_A_SPAN],
    *[
        (TieredWindow, "tiers", value)
        for value in (None, [], "ab", ((HOUR,),), ((HOUR, -SECOND),), ((HOUR, SECOND), (MINUTE, SECOND)), ((HOUR, SECOND),) * 2)
        if value != []
    ],
    *[(RefreshPolicy, "ahead", value) for value in (60, "1m", None, -SECOND)],
    *[(RefreshPolicy, "jitter", value) for value in (-0.1, 1.1, "x")],
    *[(RefreshPolicy, name, value) for name in ("margin", "grace", "max_wait") for value in NOT_A_SPAN],
    *[(RefreshPolicy, name, value) for name in ("max_age", "recheck") for value in (0, ZERO, -SECOND, "1h")],
    *[(RefreshPolicy, name, value) for name in ("mode", "on_denied") for value in ("inline", None, 1)],
    *[(RefreshPolicy, "failure_backoff", value) for value in (None, SECOND)],
    *[(RetryPolicy, "attempts", value) for value in (0, -1, 1.5, "3", True, None)],
    *[(RetryPolicy, "budget", value) for value in NOT_A_SPAN],
    *[(RetryPolicy, "backoff", value) for value in (None, SECOND)],
    *[(RetryPolicy, "retryable", value) for value in (None, True)],
    *[(ChainPolicy, "sticky", value) for value in (None, 1, "yes")],
    *[(ChainPolicy, "on_error", value) for value in (None, "stop")],
]


@pytest.mark.parametrize(("policy", "name", "value"), REFUSED)
def test_a_parameter_outside_its_range_is_refused_by_name(policy: type, name: str, value: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        policy(**{name: value})
    assert name in str(caught.value) or "span" in str(caught.value)
    assert isinstance(caught.value, ValueError)


A_WINDOW = "RefreshPolicy.ahead must be a datetime.timedelta of zero or more, or a function from a lifetime to one"
TIERS = "TieredWindow.tiers must be pairs (lifetime, window) of timedeltas that are not negative, not "


@pytest.mark.parametrize(
    ("policy", "name", "value", "text"),
    [
        (Backoff, "maximum", TICK, "Backoff.maximum must be at least initial (0:00:00.100000), not datetime.timedelta(microseconds=1)"),
        (TieredWindow, "tiers", "ab", f"{TIERS}'ab'"),
        (TieredWindow, "tiers", ("ab",), f"{TIERS}('ab',)"),
        (
            TieredWindow,
            "tiers",
            ((HOUR, ZERO), (ZERO, ZERO)),
            "TieredWindow.tiers must be in the order of their lifetimes, each once, not "
            "((datetime.timedelta(seconds=3600), datetime.timedelta(0)), (datetime.timedelta(0), datetime.timedelta(0)))",
        ),
        (RefreshPolicy, "ahead", 60, f"{A_WINDOW}, not 60"),
        (RefreshPolicy, "ahead", -HOUR, f"{A_WINDOW}, not {-HOUR!r}"),
        (RefreshPolicy, "ahead", timedelta, f"{A_WINDOW}, not <class 'datetime.timedelta'>"),
        (RefreshPolicy, "ahead", lambda lifetime: lifetime / 0, f"{A_WINDOW}; for an hour it raised ZeroDivisionError"),
        (RefreshPolicy, "ahead", lambda lifetime: lifetime.total_seconds(), f"{A_WINDOW}; for an hour it answered 3600.0"),
    ],
)
def test_a_configuration_error_says_what_is_valid_and_what_was_given(policy: type, name: str, value: object, text: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        policy(**{name: value})
    assert str(caught.value) == text


def test_the_defaults_are_those_of_the_documentation() -> None:
    assert Backoff() == Backoff(initial=SECOND / 10, maximum=10 * SECOND, factor=2.0, jitter=1.0)
    assert FractionWindow() == FractionWindow(fraction=0.25, at_most=15 * MINUTE)
    assert TieredWindow() == TieredWindow(tiers=((20 * MINUTE, 5 * MINUTE), (90 * MINUTE, 15 * MINUTE)), beyond=HOUR)
    assert RetryPolicy() == RetryPolicy(attempts=3, backoff=Backoff(), budget=20 * SECOND, retryable=is_transient)
    assert ChainPolicy() == ChainPolicy(sticky=True, on_error=OnError.STOP)
    assert RefreshPolicy() == RefreshPolicy(
        ahead=FractionWindow(),
        jitter=0.2,
        margin=MINUTE,
        mode=RefreshMode.BACKGROUND,
        failure_backoff=Backoff(initial=SECOND, maximum=MINUTE),
        on_denied=OnDenied.SERVE,
        grace=ZERO,
        max_wait=30 * SECOND,
        max_age=None,
        recheck=5 * MINUTE,
    )


@pytest.mark.parametrize("policy", [Backoff, RefreshPolicy, RetryPolicy, ChainPolicy])
def test_policies_take_keywords_only(policy: type) -> None:
    with pytest.raises(TypeError):
        policy(SECOND)


@pytest.mark.parametrize("policy", [Backoff(), FractionWindow(), TieredWindow(), RefreshPolicy(), RetryPolicy(), ChainPolicy()])
def test_policies_are_values(policy: object) -> None:
    assert policy == type(policy)()
    assert hash(policy) == hash(type(policy)())
    with pytest.raises(AttributeError):
        policy.jitter = 1  # type: ignore[attr-defined]
