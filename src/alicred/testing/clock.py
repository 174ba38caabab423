"""A clock that moves only when a test says so."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone

import attrs

from alicred._internal import forks
from alicred._internal.public import public
from alicred._internal.skew import Skew
from alicred.errors import ConfigurationError

_ZERO = timedelta(0)
_START = datetime(2026, 1, 1, tzinfo=timezone.utc)
_MONOTONIC_START = 1000.0  # not zero, so that code which takes 0 for "never" is found out


@attrs.frozen(kw_only=True)
class _Hands:
    """Everything that the clock shows, replaced as one so that a reader needs no lock."""

    now: datetime
    running: timedelta = _ZERO
    error: timedelta = _ZERO
    learned: Skew = attrs.field(factory=Skew)
    sleeps: tuple[timedelta, ...] = ()

    @property
    def wall(self) -> datetime:
        return self.now + self.error

    @property
    def monotonic(self) -> float:
        return _MONOTONIC_START + self.running.total_seconds()

    @property
    def skew(self) -> timedelta:
        return self.learned.at(self.wall, self.monotonic)


@public("alicred.testing")
class FakeClock:
    """An `alicred.clock.Clock` that stands still until it is moved. Nothing blocks, `sleep` least of all.

    There are three readings. *True time* is what the rest of the world, a `FakeCloud` with this clock included, goes by. The
    *wall clock* of the machine under test is true time plus whatever `step_wall` has put it wrong by; `utcnow` shows it corrected
    by what `observe` has learned. The *monotonic clock* counts only while the machine runs.

    ============  =========  ==========  =============
    move          true time  wall clock  monotonic
    ============  =========  ==========  =============
    `advance`     moves      moves       moves
    `sleep`       moves      moves       moves
    `pause`       moves      moves       stands still
    `step_wall`   as it is   moves       as it is
    ============  =========  ==========  =============

    Thread-safe: a reader sees each move whole. A pickled copy shows the same and then goes its own way; a forked child likewise.

    Args:
        start: True time and wall clock at the beginning, timezone-aware; 2026-01-01 00:00 UTC if not given.

    Raises:
        ConfigurationError: *start* is no aware datetime.
    """

    def __init__(self, start: datetime | None = None) -> None:
        self._hands = _Hands(now=_START if start is None else _aware(start, "FakeClock.start"))
        self._begin_lock()

    def _begin_lock(self) -> None:
        self._renew_lock()
        forks.watch(self, FakeClock._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def monotonic(self) -> float:
        """Seconds that the machine has run, from an arbitrary start."""
        return self._hands.monotonic

    def utcnow(self) -> datetime:
        """The wall clock in UTC, corrected by `skew`."""
        hands = self._hands
        return hands.wall + hands.skew

    def true_time(self) -> datetime:
        """What a correct clock elsewhere shows, in UTC: no `step_wall` and no `observe` moves it."""
        return self._hands.now

    @property
    def skew(self) -> timedelta:
        """What `observe` has learned: how far the server's time is ahead of the wall clock; zero within five seconds.

        Also zero once wall clock and monotonic clock have moved apart by more than five seconds since: then it is void.
        """
        return self._hands.skew

    @property
    def sleeps(self) -> tuple[timedelta, ...]:
        """Every span that was slept, in order."""
        return self._hands.sleeps

    def sleep(self, span: timedelta) -> None:
        """Move on by *span* at once, and write it down; a negative span counts as zero."""
        span = max(_span(span, "span"), _ZERO)
        with self._lock:
            hands = self._hands
            self._hands = attrs.evolve(hands, now=hands.now + span, running=hands.running + span, sleeps=(*hands.sleeps, span))

    def observe(self, server_time: datetime) -> None:
        """Record the skew if the wall clock is more than five seconds off *server_time*, else forget it.

        A *server_time* that is a century off or more is not believed.
        """
        _aware(server_time, "server_time")
        with self._lock:
            hands = self._hands
            self._hands = attrs.evolve(hands, learned=hands.learned.observed(server_time, hands.wall, hands.monotonic))

    def advance(self, span: timedelta) -> None:
        """Let *span* pass, on every clock.

        Raises:
            ConfigurationError: *span* is negative: a monotonic clock never goes back.
        """
        if _span(span, "span") < _ZERO:
            raise ConfigurationError("span must be a datetime.timedelta of zero or more: step_wall() sets the wall clock back")
        with self._lock:
            self._hands = attrs.evolve(self._hands, now=self._hands.now + span, running=self._hands.running + span)

    def pause(self, span: timedelta) -> None:
        """Let *span* pass while the machine is stopped, as a paused or restored virtual machine is: its monotonic clock stands still.

        Raises:
            ConfigurationError: *span* is negative.
        """
        if _span(span, "span") < _ZERO:
            raise ConfigurationError("span must be a datetime.timedelta of zero or more")
        with self._lock:
            self._hands = attrs.evolve(self._hands, now=self._hands.now + span)

    def step_wall(self, span: timedelta) -> None:
        """Put the machine's wall clock wrong, or right again, by *span*, which may be negative. No time passes."""
        _span(span, "span")
        with self._lock:
            self._hands = attrs.evolve(self._hands, error=self._hands.error + span)

    def __getstate__(self) -> _Hands:
        return self._hands

    def __setstate__(self, hands: _Hands) -> None:
        self._hands = hands
        self._begin_lock()

    def __repr__(self) -> str:
        return f"FakeClock({self.utcnow():%Y-%m-%d %H:%M:%S} UTC, running for {self._hands.running})"


def _span(value: object, name: str) -> timedelta:
    if not isinstance(value, timedelta):
        raise ConfigurationError(f"{name} must be a datetime.timedelta, such as timedelta(minutes=5), not {type(value).__name__}")
    return value


def _aware(value: object, name: str) -> datetime:
    if not isinstance(value, datetime) or value.utcoffset() is None:
        raise ConfigurationError(f"{name} must be an aware datetime, such as datetime.now(timezone.utc)")
    return value.astimezone(timezone.utc)
