"""What a worker does next that shares a credential: a pure, total function of its need, of what the store said, and of the time."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum

import attrs

from alicred._internal.validators import ZERO
from alicred.policy.sharing import SharingPolicy
from alicred.refresh.need import Need
from alicred.sharing.store import Busy


class Move(Enum):
    """What a worker does."""

    ADOPT = "adopt"
    """It takes what is stored."""
    LEAD = "lead"
    """It asks the source, and stores what that brings."""
    WAIT = "wait"
    """It looks again after a pause."""
    DEFER = "defer"
    """It leaves it for now: callers are served what is held, or get that as their error."""
    ASK_ITSELF = "ask itself"
    """It asks the source, without the store."""


class Reason(Enum):
    """Why a worker leaves it for now. The value is what an event says."""

    LED_ELSEWHERE = "LED_ELSEWHERE"
    PAUSING = "PAUSING"
    STORE_AWAY = "STORE_AWAY"


class Found(Enum):
    """What a look at the store has found that says no more."""

    NEWER = "a newer record, which can be used"
    FREE = "no such record, and the lease"


@attrs.frozen
class Away:
    """The store cannot be asked.

    Args:
        left: How long it is left alone.
        own_call_in: How long until an own call may be made although a value is held; zero: now.
    """

    left: timedelta
    own_call_in: timedelta


@attrs.frozen
class Step:
    """What to do.

    Args:
        move: What.
        pause: For how long, of a `Move.WAIT` or `Move.DEFER`.
        reason: Why, of a `Move.DEFER`.
    """

    move: Move
    pause: timedelta = ZERO
    reason: Reason | None = None


def next_step(
    policy: SharingPolicy, need: Need, said: Found | Busy | Away, *, waited: timedelta, patience: timedelta, looks: int, u: float
) -> Step:
    """What to do after a look at the store.

    Args:
        policy: How workers take turns.
        need: What the value is for.
        said: What the look has found.
        waited: How long this worker has been waiting for others.
        patience: How long it does.
        looks: How often it has looked.
        u: The random draw, in [0, 1).
    """
    if isinstance(said, Found):
        return Step(Move.ADOPT if said is Found.NEWER else Move.LEAD)
    if isinstance(said, Away):
        return _without_store(policy, need, said)
    if said.pausing is not None:
        # When the pause is over, not all look in the same moment.
        return Step(Move.DEFER, said.left + policy.poll.maximum * u, Reason.PAUSING)
    pause = policy.poll.delay(max(1, looks), u)
    if need.usable:
        longest = need.until_urgent or policy.poll.maximum
        return Step(Move.DEFER, min(policy.poll.maximum * (1 - u / 2), longest), Reason.LED_ELSEWHERE)
    if waited < patience:
        return Step(Move.WAIT, min(pause, patience - waited))
    return Step(Move.ASK_ITSELF) if policy.lead else Step(Move.DEFER, policy.poll.maximum, Reason.LED_ELSEWHERE)


def _without_store(policy: SharingPolicy, need: Need, away: Away) -> Step:
    if policy.lead and (not need.usable or away.own_call_in <= ZERO):
        return Step(Move.ASK_ITSELF)
    pause = min(away.left, away.own_call_in) if policy.lead else away.left
    return Step(Move.DEFER, pause, Reason.STORE_AWAY)
