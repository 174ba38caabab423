"""The machine's own monotonic clock, for the places where real waiting is bounded.

A test tool that freezes time (freezegun, time-machine) replaces `time.monotonic`, by name or in place. A bound that is measured with
a frozen clock never ends, so these places read the system's clock past that function.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial


def _system_clock() -> Callable[[], float]:
    number: int | None = getattr(time, "CLOCK_MONOTONIC", None)
    return partial(time.monotonic) if number is None else partial(time.clock_gettime, number)


monotonic: Callable[[], float] = _system_clock()
"""Seconds since a fixed point, also while a test tool has frozen time. Where the platform has no `time.clock_gettime` (Windows), a tool
that replaces `time.monotonic` in place freezes this one too."""
