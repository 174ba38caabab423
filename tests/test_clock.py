"""The system's clock."""

from __future__ import annotations

import logging
import pickle
import time
from datetime import datetime, timedelta, timezone

import pytest

from alicred import SYSTEM_CLOCK, Clock
from alicred.clock import SystemClock

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


class Moved(SystemClock):
    """A machine whose monotonic clock is moved by hand: as if the wall clock had been stepped the other way."""

    def __init__(self) -> None:
        super().__init__()
        self.by = 0.0
        real = self.monotonic
        self.monotonic = lambda: real() + self.by  # type: ignore[assignment]  # the tests do not look at how it is called


@pytest.mark.parametrize("off", [timedelta(hours=8), -timedelta(hours=2), timedelta(days=5000)])
@pytest.mark.parametrize(("by", "is_void"), [(4.0, False), (-4.0, False), (6.0, True), (-6.0, True), (1e9, True)])
def test_what_it_has_observed_is_void_once_the_wall_clock_was_stepped(off: timedelta, by: float, is_void: bool) -> None:
    clock = Moved()
    clock.observe(datetime.now(timezone.utc) + off)
    clock.by = by
    expected = timedelta(0) if is_void else off
    assert abs(clock.skew - expected) < SECOND
    assert abs(clock.utcnow() - datetime.now(timezone.utc) - expected) < SECOND
    clock.observe(datetime.now(timezone.utc) + off)  # the next answer tells it again
    assert abs(clock.skew - off) < SECOND


def test_an_answer_after_a_step_is_logged_again(caplog: pytest.LogCaptureFixture) -> None:
    clock = Moved()
    for by in (0.0, 0.0, 60.0, 60.0):
        clock.by = by
        clock.observe(datetime.now(timezone.utc) + timedelta(hours=1))
    assert len(caplog.records) == 2


def test_a_time_that_is_a_century_off_teaches_nothing_and_unteaches_nothing() -> None:
    clock = SystemClock()
    clock.observe(datetime.now(timezone.utc) + timedelta(hours=1))
    clock.observe(datetime(1900, 1, 1, tzinfo=timezone.utc))
    assert abs(clock.skew - timedelta(hours=1)) < SECOND


def test_it_travels_between_processes_without_its_skew() -> None:
    assert pickle.loads(pickle.dumps(SYSTEM_CLOCK)) is SYSTEM_CLOCK
    clock = SystemClock()
    clock.observe(datetime.now(timezone.utc) + timedelta(hours=1))
    assert pickle.loads(pickle.dumps(clock)).skew == timedelta(0)
