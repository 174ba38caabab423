"""What to do for one caller: a pure, total function of what is known and the time."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from math import inf
from typing import NamedTuple

from alicred._internal.validators import ZERO
from alicred.credential import C
from alicred.refresh.snapshot import Held, Phase, Snapshot


class Action(Enum):
    """What one caller gets."""

    SERVE = "serve"
    """The held value."""
    SERVE_AND_REFRESH = "serve and refresh"
    """The held value; a refresh is to be started."""
    WAIT = "wait"
    """The outcome of a refresh, which is to be started unless one is under way."""
    FAIL = "fail"
    """An error at once."""


class Decision(NamedTuple):
    """What one caller gets, and how long the same answer stands.

    Args:
        action: What the caller gets.
        phase: Phase of the held value.
        until: Before this moment every caller gets the held value at once, unless something happens in between; ``-inf``
            if there is no such moment.
    """

    action: Action
    phase: Phase
    until: float = -inf


def decide(snapshot: Snapshot[C], now: float, span: timedelta = ZERO, *, demanded: bool = False) -> Decision:
    """What a caller gets at *now* who needs a value for *span* more; zero means: any value that may be served.

    Who has *demanded* a new value gets the outcome of a refresh, whatever is held and however the last one failed.
    """
    held = snapshot.held
    if snapshot.closed:
        return Decision(Action.FAIL, Phase.CLOSED)
    if demanded:
        return Decision(Action.WAIT, Phase.EMPTY if held is None else held.phase(now))
    if held is None:
        return Decision(_without_a_value(snapshot, now), Phase.EMPTY)
    phase = held.phase(now)
    if snapshot.usable(now, span) is not None:
        return _with_a_value(snapshot, held, phase, now)
    is_too_short = snapshot.usable(now) is not None and not held.lasts(held.fetched_at, span)
    if is_too_short and now < snapshot.long_span_retry_after and snapshot.waited_for_until is None:
        return Decision(Action.FAIL, phase)  # a fresh one would not do either, as was seen a moment ago
    return Decision(_without_a_value(snapshot, now), phase)


def _with_a_value(snapshot: Snapshot[C], held: Held[C], phase: Phase, now: float) -> Decision:
    if phase is Phase.FRESH:
        return Decision(Action.SERVE, phase, held.due_after)
    waits = phase is not Phase.AGING
    if snapshot.waited_for_until is not None:
        if not waits:
            return Decision(Action.SERVE, phase, held.waits_after)
        if now < snapshot.waited_for_until:
            return Decision(Action.WAIT, phase)
        return Decision(Action.SERVE, phase, _end(held, phase))
    if _may_try(snapshot, now):
        return Decision(Action.WAIT if waits else Action.SERVE_AND_REFRESH, phase)
    return Decision(Action.SERVE, phase, min(snapshot.next_attempt_at, _end(held, phase)))


def _end(held: Held[C], phase: Phase) -> float:
    # In GRACE every single serving is announced, so that there is no moment up to which nothing is to be done.
    ends = {Phase.AGING: held.waits_after, Phase.URGENT: held.expires_after}
    return ends.get(phase, -inf)


def _without_a_value(snapshot: Snapshot[C], now: float) -> Action:
    return Action.WAIT if snapshot.waited_for_until is not None or _may_try(snapshot, now) else Action.FAIL


def _may_try(snapshot: Snapshot[C], now: float) -> bool:
    """Whether the back-off allows an attempt. The moment at which a value expires allows one in any case."""
    if now >= snapshot.next_attempt_at:
        return True
    held = snapshot.held
    if held is None or held.invalidated:
        return False
    return snapshot.attempted_at < held.expires_after <= now
