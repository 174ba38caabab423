"""What the properties are drawn from: shared by all tests."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from math import inf

from hypothesis import strategies as st

from alicred import (
    Backoff,
    Credential,
    FixedWindow,
    FractionWindow,
    OnDenied,
    ProviderError,
    RefreshMode,
    RefreshPolicy,
    TieredWindow,
)
from alicred.refresh.snapshot import Held, Snapshot, scheduled

EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)
ZERO = timedelta(0)

draws = st.floats(min_value=0, max_value=1, exclude_max=True)
shares = st.floats(min_value=0, max_value=1)


def spans(least: timedelta = ZERO, most: timedelta = timedelta(days=2)) -> st.SearchStrategy[timedelta]:
    return st.timedeltas(min_value=least, max_value=most)


@st.composite
def backoffs(draw: st.DrawFn, jitter: st.SearchStrategy[float] = shares) -> Backoff:
    initial = draw(spans(most=timedelta(minutes=5)))
    return Backoff(
        initial=initial,
        maximum=initial + draw(spans(most=timedelta(hours=1))),
        factor=draw(st.floats(min_value=1, max_value=1e6)),
        jitter=draw(jitter),
    )


windows = st.one_of(
    st.builds(FixedWindow, spans()),
    st.builds(FractionWindow, fraction=shares, at_most=spans()),
    st.builds(TieredWindow, beyond=spans()),
    spans(),
)


@st.composite
def refresh_policies(
    draw: st.DrawFn, grace: st.SearchStrategy[timedelta] | None = None, jitter: st.SearchStrategy[float] = shares
) -> RefreshPolicy:
    return RefreshPolicy(
        ahead=draw(windows),
        jitter=draw(shares),
        margin=draw(spans(most=timedelta(hours=2))),
        mode=draw(st.sampled_from(RefreshMode)),
        failure_backoff=draw(backoffs(jitter)),
        on_denied=draw(st.sampled_from(OnDenied)),
        grace=draw(grace or st.one_of(st.just(ZERO), spans(most=timedelta(hours=2)))),
        max_wait=draw(spans(most=timedelta(minutes=2))),
        max_age=draw(st.one_of(st.none(), spans(least=timedelta(seconds=1)))),
        recheck=draw(st.one_of(st.none(), spans(least=timedelta(seconds=1)))),
    )


lifetimes = spans(least=timedelta(milliseconds=1), most=timedelta(days=2))


def credential(number: int = 1, lifetime: timedelta | None = timedelta(hours=1), now: datetime = EPOCH) -> Credential:
    """A credential that can be told from every other one by its number, in each of its parts."""
    return Credential(f"id-{number}", f"secret-{number}", f"token-{number}", lifetime and now + lifetime)


@st.composite
def helds(draw: st.DrawFn, policy: RefreshPolicy) -> Held[Credential]:
    lifetime = draw(st.one_of(st.none(), lifetimes))
    began = draw(moments)
    held = scheduled(credential(lifetime=lifetime), lifetime, policy=policy, u=draw(draws), began=began, fetched_at=began, wall=EPOCH)
    if draw(st.booleans()):
        held = held.with_wall_clock(EPOCH + draw(spans()), held.fetched_at + draw(spans()).total_seconds())
    if draw(st.integers(0, 3)) == 0:
        held = held.invalidated_at(held.fetched_at + draw(spans()).total_seconds(), policy.grace)
    return held


moments = st.floats(min_value=0, max_value=400_000)


@st.composite
def snapshots(draw: st.DrawFn, policy: RefreshPolicy) -> Snapshot[Credential]:
    """Any state that a cache might be in, reachable or not: a decision has to be right in all of them."""
    error = draw(st.one_of(st.none(), st.just(ProviderError("no"))))
    return Snapshot(
        held=draw(st.one_of(st.none(), helds(policy), helds(policy), helds(policy))),
        waited_for_until=draw(st.one_of(st.none(), moments)),
        attempted_at=draw(st.one_of(st.just(-inf), moments)),
        next_attempt_at=draw(st.one_of(st.just(-inf), moments)),
        failures=draw(st.integers(0, 5)),
        last_error=error,
        denied=draw(st.integers(0, 4)) == 0,
        closed=draw(st.integers(0, 9)) == 0,
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[RefreshPolicy, Snapshot[Credential], float]:
    """A policy, what a cache under it may know, and a moment, which is often one at which something changes."""
    policy = draw(refresh_policies())
    snapshot = draw(snapshots(policy))
    held = snapshot.held
    edges = [moment for moment in (snapshot.next_attempt_at, snapshot.waited_for_until) if moment is not None]
    if held is not None:
        edges += [held.refresh_after, held.urgent_after, held.due_after, held.waits_after, held.expires_after, held.dead_after]
    edges = [edge for edge in edges if abs(edge) != inf]
    near = st.sampled_from(edges).flatmap(lambda edge: st.sampled_from([edge - 0.001, edge, edge + 0.001]))
    now = draw(st.one_of(moments, near) if edges else moments)
    return policy, snapshot, now
