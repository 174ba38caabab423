"""Caches for one thread, each with one mistake that is about time or about failures.

`Plain` makes none of them. What another class does differently is its mistake, and nothing else is.
"""

from __future__ import annotations

from math import inf

from alicred import SYSTEM_CLOCK, AlicredError, Clock, Credential, Provider, ProviderError


class Plain:
    """As simple as a cache can be that refreshes ahead, backs off, and serves nothing past its end. For one thread."""

    def __init__(self, source: Provider[Credential], *, clock: Clock = SYSTEM_CLOCK) -> None:
        self._source = source
        self._clock = clock
        self._value: Credential | None = None
        self._ends_at = self._due_at = self._not_before = -inf
        self._in_vain = 0  # refreshes in a row that were of no use

    def get(self) -> Credential:
        if self._is_due():
            self._refresh()
        if self._value is None or self._has_ended():
            raise ProviderError("there is no credential")
        return self._value

    def _is_due(self) -> bool:
        return self._now() >= max(self._due_at, self._not_before)

    def _has_ended(self) -> bool:
        return self._now() >= self._ends_at

    def _refresh(self) -> None:
        try:
            value = self._source.get()
        except AlicredError as error:
            self._pause_after_failure(error)
        else:
            self._keep(value)

    def _keep(self, value: Credential) -> None:
        assert value.expires_at is not None
        is_news = self._is_news(value)
        lifetime = (value.expires_at - self._clock.utcnow()).total_seconds()
        self._value = value
        self._ends_at = self._now() + lifetime
        self._due_at = self._ends_at - self._window(lifetime)
        if is_news:
            self._in_vain = 0
        else:
            self._pause()

    def _pause_after_failure(self, error: AlicredError) -> None:
        self._pause()

    def _pause(self) -> None:
        self._in_vain += 1
        self._not_before = self._now() + self._seconds_to_pause()

    def _now(self) -> float:
        return self._clock.monotonic()

    def _window(self, lifetime: float) -> float:
        return lifetime / 4

    def _seconds_to_pause(self) -> float:
        return min(2.0**self._in_vain, 60)

    def _is_news(self, value: Credential) -> bool:
        return value != self._value


class Withholds(Plain):
    def _pause_after_failure(self, error: AlicredError) -> None:
        raise error  # the caller learns of a failed refresh, though what is held is good for minutes yet


class Overwrites(Plain):
    def _pause_after_failure(self, error: AlicredError) -> None:
        self._value = None  # the outcome of a refresh is stored, whatever it is
        self._pause()


class ServesTheDead(Plain):
    def _has_ended(self) -> bool:
        return False  # rather an old credential than none: "static stability", which nobody has asked for


class WindowOf15Minutes(Plain):
    def _window(self, lifetime: float) -> float:
        return 15 * 60  # whatever the lifetime: a session of 15 minutes is due when it arrives


class AsksAgainAtOnce(Plain):
    def _is_news(self, value: Credential) -> bool:
        return True  # whatever the source hands out is taken for a success, also what was held already

    def _window(self, lifetime: float) -> float:
        return 5 * 60  # as is usual, and no mistake in itself


class PausesForEver(Plain):
    def _seconds_to_pause(self) -> float:
        return max(2.0**self._in_vain, 60)  # max where min was meant


class PausesForMinutes(Plain):
    def _seconds_to_pause(self) -> float:
        return min(2.0**self._in_vain, 60 * 60)  # bounded, but by more than a caller can wait once the service is back


class PausesWithoutAValueOnly(Plain):
    def _seconds_to_pause(self) -> float:
        return 0 if not self._has_ended() else super()._seconds_to_pause()  # "callers do not suffer yet": the service does


class WallClock(Plain):
    def _now(self) -> float:
        return self._clock.utcnow().timestamp()  # which somebody may set


class LocalTime(Plain):
    def _now(self) -> float:
        local = self._clock.utcnow().astimezone().replace(tzinfo=None)  # datetime.now() in longhand: the hour before a change comes twice
        return (local - local.min).total_seconds()
