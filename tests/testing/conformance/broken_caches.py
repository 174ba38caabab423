"""Caches that each break a rule, and some of the checks that must find it."""

from __future__ import annotations

from datetime import timedelta

import attrs

from alicred import Backoff, CachingProvider, Clock, Credential, OnDenied, Phase, Provider, ProviderError, RefreshPolicy, TransientError
from alicred.events import Listener
from alicred.testing.conformance import FEATURES
from tests.testing.conformance.support import Bare, Breaks, FirstForEver


class PerCall(Bare):
    """Fetches for every caller."""

    def get(self) -> Credential:
        return self.source.get()


class ByTheWallClock(Bare):
    """Compares with the wall clock whenever it is asked."""

    def get(self) -> Credential:
        if self.held is None or (self.held.expires_at and self.clock.utcnow() >= self.held.expires_at):
            self.fetch()
        assert self.held is not None
        return self.held


class ByLocalTime(Bare):
    """Takes the end for local time."""

    def get(self) -> Credential:
        if self.held is None or (self.held.expires_at and self.held.expires_at.replace(tzinfo=None).timestamp() <= self.now()):
            self.fetch()
        assert self.held is not None
        return self.held

    def now(self) -> float:
        return self.clock.utcnow().timestamp()


class FiveMinutesAhead(Bare):
    """Withholds what it holds when the refresh fails, and asks at every call."""

    def get(self) -> Credential:
        if self.held is None or self.clock.monotonic() >= self.until - 300:
            self.fetch()
        assert self.held is not None
        return self.held


def with_policy(**changes: object) -> Breaks:
    """The real cache, which does not take the policy to heart."""

    def make(source: Provider[Credential], *, refresh: RefreshPolicy, clock: Clock, listener: Listener) -> Provider[Credential]:
        return CachingProvider(source, refresh=attrs.evolve(refresh, **changes), clock=clock, listener=listener)  # type: ignore[arg-type]

    return make


class Deaf(CachingProvider[Credential]):
    def invalidate(self, value: Credential | None = None) -> bool:
        return False


class Eager(CachingProvider[Credential]):
    """Takes every rejection for one of what it holds."""

    def invalidate(self, value: Credential | None = None) -> bool:
        return super().invalidate() or True


class NeverClosed(CachingProvider[Credential]):
    def close(self) -> None:
        return None


class NoLonger(CachingProvider[Credential]):
    """Takes any value to last for any span."""

    def get_valid_for(self, span: timedelta) -> Credential:
        return self.get()


class TooStrict(CachingProvider[Credential]):
    """Takes a value without an end to last for no span."""

    def get_valid_for(self, span: timedelta) -> Credential:
        value = super().get_valid_for(span)
        if value.expires_at is None:
            raise ProviderError("it does not say how long it lasts")
        return value


class StaleFirst(CachingProvider[Credential]):
    """In GRACE, serves before it asks."""

    __slots__ = ("last",)

    def get(self) -> Credential:
        if self.state().phase is not Phase.GRACE:
            self.last = super().get()
        return self.last


class Hushed(CachingProvider[Credential]):
    """Tells nobody."""

    def __init__(self, source: Provider[Credential], *, refresh: RefreshPolicy, clock: Clock, listener: Listener) -> None:
        super().__init__(source, refresh=refresh, clock=clock, listener=lambda event: None)


def blaming(source: Provider[Credential], *, refresh: RefreshPolicy, clock: Clock, listener: Listener) -> Provider[Credential]:
    """The real cache, with everything that goes wrong put down to the network."""

    class Blaming:
        name = source.name

        def get(self) -> Credential:
            try:
                return source.get()
            except BaseException:
                raise TransientError("the network is to blame") from None

    return CachingProvider(Blaming(), refresh=refresh, clock=clock, listener=listener)


# Each broken cache, what it has, and some of the checks that must find it out.
BARE, WHOLE = frozenset[str](), FEATURES
BROKEN_CACHES: dict[str, tuple[Breaks, frozenset[str], tuple[str, ...]]] = {
    "bare": (Bare, BARE, ("failure_keeps_the_value", "aging_refreshes_ahead", "cold_failure_is_held_back", "foreign_errors_are_wrapped")),
    "per call": (PerCall, BARE, ("fresh_asks_nobody", "short_sessions_are_used", "a_valid_credential_is_never_withheld")),
    "first for ever": (FirstForEver, BARE, ("nothing_past_its_end", "an_expired_credential_is_never_served")),
    "by the wall clock": (ByTheWallClock, BARE, ("a_backward_step_moves_nothing", "a_paused_machine_refreshes")),
    "by local time": (ByLocalTime, BARE, ("the_time_zone_moves_nothing", "clocks_going_back_in_autumn_move_nothing")),
    "ahead per call": (
        FiveMinutesAhead,
        BARE,
        ("a_source_that_keeps_its_value_is_not_asked_per_call", "a_valid_credential_is_never_withheld", "no_convoy_while_a_value_is_held"),
    ),
    "deaf": (Deaf, WHOLE, ("invalidate_refreshes_once", "a_late_flight_revives_nothing", "the_third_rejection_is_paced")),
    "eager": (Eager, WHOLE, ("invalidate_refreshes_once", "invalidate_of_nothing_changes_nothing")),
    "never closed": (NeverClosed, WHOLE, ("closed_is_closed", "a_late_flight_opens_nothing")),
    "no longer": (NoLonger, WHOLE, ("valid_for_refreshes", "valid_for_too_long_is_paced", "valid_for_fails_alone")),
    "too strict": (TooStrict, WHOLE, ("no_expiry_lasts_for_every_span",)),
    "stale first": (StaleFirst, WHOLE, ("grace_asks_first",)),
    "hushed": (Hushed, WHOLE, ("grace_is_announced",)),
    "blaming": (blaming, WHOLE, ("local_errors_are_not_held_back", "an_interrupt_leaves_no_trace")),
    "no window": (with_policy(ahead=timedelta(0)), WHOLE, ("aging_refreshes_ahead", "urgent_takes_the_new_value")),
    "late": (with_policy(ahead=timedelta(seconds=1)), WHOLE, ("aging_serves_while_the_refresh_fails",)),
    "early": (with_policy(ahead=timedelta(days=1)), WHOLE, ("fresh_asks_nobody", "a_window_of_zero_refreshes_at_the_end")),
    "no margin": (with_policy(margin=timedelta(0)), WHOLE, ("the_margin_takes_a_tenth_at_most", "urgent_serves_what_is_held")),
    "told of a denial": (with_policy(on_denied=OnDenied.RAISE), WHOLE, ("denied_is_served_by_default",)),
    "never told": (with_policy(on_denied=OnDenied.SERVE), WHOLE, ("denied_is_told_on_request",)),
    "graceful": (with_policy(grace=timedelta(days=1)), WHOLE, ("nothing_past_its_end", "grace_ends")),
    "graceless": (with_policy(grace=timedelta(0)), WHOLE, ("grace_is_announced", "an_invalidated_value_is_in_grace")),
    "ageing": (with_policy(max_age=timedelta(seconds=60)), WHOLE, ("no_expiry_is_fresh_for_ever", "the_draw_stays_within_the_window")),
    "ageless": (with_policy(max_age=None), WHOLE, ("max_age_refreshes", "max_age_counts_for_a_value_with_an_end")),
    "never looks again": (
        with_policy(recheck=None),
        WHOLE,
        ("a_rotated_key_is_noticed", "a_recheck_that_finds_the_same_is_no_repeat", "a_key_that_was_removed_stays_in_service"),
    ),
    "looks all the time": (with_policy(recheck=timedelta(seconds=1)), WHOLE, ("no_expiry_is_fresh_for_ever",)),
    "impatient": (
        with_policy(failure_backoff=Backoff(initial=timedelta(0), jitter=0)),
        WHOLE,
        ("the_backoff_grows_to_its_maximum", "a_dead_source_is_left_alone", "no_convoy_behind_a_dead_source"),
    ),
}
