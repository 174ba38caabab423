"""What a policy does with one value, from its fetch to its end: the moments, and what they look like."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import attrs

from alicred.cli.spans import shown
from alicred.cli.terminal import Terminal
from alicred.cli.wording import marked
from alicred.policy.refresh import RefreshPolicy, Schedule

ZERO = timedelta(0)
_LAST_DRAW = math.nextafter(1.0, 0.0)  # draws are below 1
_MOST_ATTEMPTS = 1000
_MEANINGS = {
    "fresh": marked("fresh: served"),
    "begin": marked("the refresh begins, at a random moment up to {end}, and goes on in the background"),
    "aging": marked("aging: served while it is refreshed"),
    "urgent": marked("urgent: callers wait for the refresh; if it fails, they get the value"),
    "grace": marked("grace: it has ended, and is served if the refresh fails"),
}


@attrs.frozen(kw_only=True)
class Plan:
    """One value's life under a policy. All moments are spans since it was fetched.

    Args:
        policy: The policy.
        lifetime: How long the value lives.
        seed: What the random draws are made from.
        earliest: The moments, if the draw of the jitter is the smallest one.
        latest: The same for the largest one.
        drawn: The same for the draw of this *seed*.
        attempts: When a refresh is tried, up to the end, if the service is down from the first attempt on.
        is_cut: Whether there are more of these than are listed.
    """

    policy: RefreshPolicy
    lifetime: timedelta
    seed: int
    earliest: Schedule
    latest: Schedule
    drawn: Schedule
    attempts: tuple[timedelta, ...]
    is_cut: bool

    @classmethod
    def make(cls, policy: RefreshPolicy, lifetime: timedelta, seed: int) -> Plan:
        """What *policy* does with a value that lives for *lifetime*."""
        draw = random.Random(seed).random  # noqa: S311  (no secret: the same draws each time are what is asked for)
        drawn = policy.schedule(lifetime, draw())
        attempts: list[timedelta] = []
        at = _known(drawn.refresh_after)
        while at < _known(drawn.dead_after) and len(attempts) < _MOST_ATTEMPTS:
            attempts.append(at)
            at += policy.failure_backoff.delay(len(attempts), draw())
        return cls(
            policy=policy,
            lifetime=lifetime,
            seed=seed,
            earliest=policy.schedule(lifetime, 0.0),
            latest=policy.schedule(lifetime, _LAST_DRAW),
            drawn=drawn,
            attempts=tuple(attempts),
            is_cut=at < _known(drawn.dead_after),
        )

    @property
    def fetched(self) -> timedelta:
        """When it is fetched."""
        return ZERO

    @property
    def refresh_from(self) -> timedelta:
        """When the refresh begins at the earliest."""
        return _known(self.earliest.refresh_after)

    @property
    def refresh_until(self) -> timedelta:
        """When it begins at the latest."""
        return _known(self.latest.refresh_after)

    @property
    def first_attempt(self) -> timedelta:
        """When it begins with the draw of this seed."""
        return _known(self.drawn.refresh_after)

    @property
    def urgent(self) -> timedelta:
        """When callers begin to wait, at the latest draw."""
        return _known(self.latest.urgent_after)

    @property
    def dead(self) -> timedelta:
        """When the value is served no longer."""
        return _known(self.drawn.dead_after)

    @property
    def served_for(self) -> timedelta:
        """How long the value is still served, if the service is down from the first attempt on."""
        return self.dead - self.first_attempt

    def phases(self) -> Iterator[tuple[str, timedelta, timedelta]]:
        """The parts of the value's life: name, begin and end; those that take no time are left out."""
        moments = [ZERO, self.refresh_from, self.refresh_until, self.urgent, self.lifetime, self.dead]
        for name, begin, end in zip(PHASES, moments, moments[1:], strict=False):
            if end > begin:
                yield name, begin, end

    def as_json(self) -> dict[str, Any]:
        """For ``--json``: every moment in seconds since the fetch."""
        return {
            "lifetime": _seconds(self.lifetime),
            "window": _seconds(_known(self.drawn.window)),
            "refresh": {"earliest": _seconds(self.refresh_from), "latest": _seconds(self.refresh_until)},
            "urgent": _seconds(self.urgent),
            "expires": _seconds(self.lifetime),
            "dead": _seconds(self.dead),
            "outage": {
                "seed": self.seed,
                "first_attempt": _seconds(self.first_attempt),
                "attempts": [_seconds(at) for at in self.attempts],
                "more_attempts": self.is_cut,
                "served_for": _seconds(self.served_for),
            },
        }


def title(plan: Plan, terminal: Terminal) -> str:
    """What the picture shows."""
    return terminal.text("A value that lives for {lifetime}", lifetime=shown(plan.lifetime))


def legend(plan: Plan, terminal: Terminal) -> list[tuple[str, timedelta, str]]:
    """The phases of the value's life, and its end: the name of the phase, when it begins, and what happens in it."""
    found = [(name, begin, terminal.text(_MEANINGS[name], end=shown(end))) for name, begin, end in plan.phases()]
    return [*found, ("", plan.dead, terminal.text("over: no caller gets it any more"))]


def outage(plan: Plan, terminal: Terminal) -> list[str]:
    """What happens if the service is down, in words."""
    end = shown(plan.dead)
    if not plan.served_for:
        return [
            terminal.text("It is not refreshed ahead: from {end} on callers wait for the refresh, and get its error if it fails", end=end)
        ]
    count = f"{len(plan.attempts)}+" if plan.is_cut else str(len(plan.attempts))
    first, served = shown(plan.first_attempt), shown(plan.served_for)
    return [
        terminal.text("If the service is down from the first refresh on, at {first}", first=first),
        terminal.text("The value is served for {served} more. Callers get an error from {end} on.", served=served, end=end),
        terminal.text("Attempts to refresh until then: {count}, and one more at the end.", count=count),
    ]


PHASES = ("fresh", "begin", "aging", "urgent", "grace")
"""Nothing happens; some processes have begun to refresh; all have; callers wait for the refresh; served past the end."""


def _known(moment: timedelta | None) -> timedelta:
    assert moment is not None  # noqa: S101  (a value with a lifetime has all moments)
    return moment


def _seconds(moment: timedelta) -> float:
    return round(moment.total_seconds(), 3)
