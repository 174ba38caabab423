"""The system's clock."""

from __future__ import annotations

import logging
import pickle
import time
from datetime import datetime, timedelta, timezone

import pytest

from alicred import SYSTEM_CLOCK, Clock, SystemClock

SECOND = timedelta(seconds=1)


def test_it_is_a_clock() -> None:
    clock: Clock = SystemClock()
    before = clock.monotonic()
    clock.sleep(timedelta(milliseconds=20))
    clock.sleep(-SECOND)
    assert 0.015 < clock.monotonic() - before < 5
    assert abs(clock.utcnow() - datetime.now(timezone.utc)) < SECOND
    assert clock.utcnow().tzinfo is timezone.utc


def test_the_hot_path_reads_it_without_a_python_function() -> None:
    assert not hasattr(SystemClock().monotonic, "__code__")


def test_on_linux_it_counts_suspend() -> None:
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    if boottime is None:
        pytest.skip("this platform has no clock that is known to count suspend")
    assert abs(SystemClock().monotonic() - time.clock_gettime(boottime)) < 1


@pytest.mark.parametrize("off", [timedelta(hours=2), -timedelta(hours=2), timedelta(seconds=6)])
def test_it_is_corrected_by_what_it_observes(off: timedelta, caplog: pytest.LogCaptureFixture) -> None:
    clock = SystemClock()
    with caplog.at_level(logging.WARNING, logger="alicred"):
        clock.observe(datetime.now(timezone.utc) + off)
        clock.observe(datetime.now(timezone.utc) + off)
    assert abs(clock.skew - off) < SECOND
    assert abs(clock.utcnow() - datetime.now(timezone.utc) - off) < SECOND
    assert len(caplog.records) == 1  # said once, not at every answer
    clock.observe(datetime.now(timezone.utc))
    assert clock.skew == timedelta(0)


@pytest.mark.parametrize("off", [4 * SECOND, -4 * SECOND, timedelta(0)])
def test_a_few_seconds_are_no_skew(off: timedelta) -> None:
    clock = SystemClock()
    clock.observe(datetime.now(timezone.utc) + off)
    assert clock.skew == timedelta(0)


def test_it_travels_between_processes_without_its_skew() -> None:
    assert pickle.loads(pickle.dumps(SYSTEM_CLOCK)) is SYSTEM_CLOCK
    clock = SystemClock()
    clock.observe(datetime.now(timezone.utc) + timedelta(hours=1))
    assert pickle.loads(pickle.dumps(clock)).skew == timedelta(0)
