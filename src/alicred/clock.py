"""Time, as the engine and the signers see it."""

from __future__ import annotations

import sys
import time
from datetime import datetime, timedelta, timezone
from functools import partial
from typing import Protocol

from alicred._internal.log import WARNING, log
from alicred._internal.public import public
from alicred._internal.real_time import monotonic
from alicred._internal.skew import STEP_SECONDS, Skew


@public("alicred")
class Clock(Protocol):
    """What a time source answers. Every method may be called from any thread."""

    def monotonic(self) -> float:
        """Seconds since a fixed point. Never goes back and, where the system can, counts the time spent suspended."""
        ...

    def utcnow(self) -> datetime:
        """The wall clock, timezone-aware, in UTC, corrected by the skew that `observe` has learned.

        What was learned is void once the wall clock has been stepped: once it has moved by more than a few seconds against the
        monotonic clock.
        """
        ...

    def sleep(self, span: timedelta) -> None:
        """Block the calling thread for *span*."""
        ...

    def observe(self, server_time: datetime) -> None:
        """Learn what time a trusted server says it is now. Only answers over TLS may be observed."""
        ...


_COUNTS_SUSPEND = {"linux": "CLOCK_BOOTTIME", "darwin": "CLOCK_MONOTONIC"}


def _suspend_counting_clock() -> partial[float] | None:
    """A C callable without a Python function around it, for the hot path."""
    number = getattr(time, _COUNTS_SUSPEND.get(sys.platform, ""), None)
    return None if number is None else partial(time.clock_gettime, number)


class SystemClock:
    """The machine's clocks. Thread-, task- and fork-safe; nothing blocks but `sleep`.

    ``monotonic`` counts suspend on Linux (``CLOCK_BOOTTIME``) and macOS (``CLOCK_MONOTONIC``); elsewhere it is
    ``time.monotonic``. The skew that `observe` learns starts at zero, is kept in this object alone, and does not
    travel when the object is pickled. It counts for as long as the wall clock is not stepped: where the two clocks have moved apart by
    more than five seconds since (the clock was set, a test froze time, the machine was suspended and ``monotonic`` does not count
    that), it is void until the next `observe`.
    """

    def __init__(self) -> None:
        self.monotonic = _suspend_counting_clock() or monotonic
        self._learned = Skew()

    @property
    def skew(self) -> timedelta:
        """How far the server's time is ahead of this machine's wall clock; zero within five seconds, and after a step of that clock."""
        return self._learned.at(datetime.now(timezone.utc), self.monotonic())

    def utcnow(self) -> datetime:
        """The wall clock in UTC, corrected by `skew`."""
        wall = datetime.now(timezone.utc)
        return wall + self._learned.at(wall, self.monotonic())

    def sleep(self, span: timedelta) -> None:
        """Block the calling thread for *span*."""
        time.sleep(max(0.0, span.total_seconds()))

    def observe(self, server_time: datetime) -> None:
        """Record the skew if the wall clock is more than five seconds off *server_time*, else forget it.

        A *server_time* that is a century off or more is not believed.
        """
        wall, now = datetime.now(timezone.utc), self.monotonic()
        before, learned = self._learned.at(wall, now), self._learned.observed(server_time, wall, now)
        skew = learned.at(wall, now)
        if abs(skew - before).total_seconds() > STEP_SECONDS:
            _log_skew(skew)
        self._learned = learned

    def __reduce__(self) -> str | tuple[type[SystemClock], tuple[()]]:
        return "SYSTEM_CLOCK" if self is SYSTEM_CLOCK else (SystemClock, ())


def _log_skew(skew: timedelta) -> None:
    log(WARNING, "this machine's clock is %+.0f s off the service's; corrected for", -skew.total_seconds())


SYSTEM_CLOCK = SystemClock()
"""The clock that everything uses unless told otherwise."""
