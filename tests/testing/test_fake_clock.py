"""The fake clock: three readings, and what moves which."""

from __future__ import annotations

import copy
import os
import pickle
import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred import Clock, ConfigurationError
from alicred.testing import FakeClock
from tests.forked import in_child
from tests.support import Gate

START = datetime(2026, 5, 1, 12, tzinfo=timezone.utc)
MINUTE = timedelta(minutes=1)
ZERO = timedelta(0)


def moved(act: Callable[[FakeClock], None]) -> tuple[timedelta, timedelta, float]:
    """By how much *act* moves true time, the wall clock and the monotonic clock."""
    clock = FakeClock(START)
    monotonic = clock.monotonic()
    act(clock)
    return clock.true_time() - START, clock.utcnow() - START, clock.monotonic() - monotonic


@pytest.mark.parametrize(
    ("act", "true_time", "wall", "monotonic"),
    [
        pytest.param(lambda clock: clock.advance(MINUTE), MINUTE, MINUTE, 60.0, id="advance"),
        pytest.param(lambda clock: clock.sleep(MINUTE), MINUTE, MINUTE, 60.0, id="sleep"),
        pytest.param(lambda clock: clock.pause(MINUTE), MINUTE, MINUTE, 0.0, id="pause"),
        pytest.param(lambda clock: clock.step_wall(MINUTE), ZERO, MINUTE, 0.0, id="step forward"),
        pytest.param(lambda clock: clock.step_wall(-MINUTE), ZERO, -MINUTE, 0.0, id="step back"),
        pytest.param(lambda clock: clock.sleep(-MINUTE), ZERO, ZERO, 0.0, id="sleep for less than nothing"),
        pytest.param(lambda clock: clock.observe(START + MINUTE), ZERO, MINUTE, 0.0, id="observe"),
        pytest.param(lambda clock: clock.observe(START + timedelta(seconds=5)), ZERO, ZERO, 0.0, id="observe within tolerance"),
    ],
)
def test_each_move_moves_its_readings(act: Callable[[FakeClock], None], true_time: timedelta, wall: timedelta, monotonic: float) -> None:
    assert moved(act) == (true_time, wall, monotonic)


def test_it_is_a_clock_and_stands_still() -> None:
    clock: Clock = FakeClock()
    assert (clock.monotonic(), clock.utcnow()) == (clock.monotonic(), clock.utcnow())
    assert clock.utcnow() == datetime(2026, 1, 1, tzinfo=timezone.utc)
    assert clock.utcnow().tzinfo is timezone.utc


def test_observing_corrects_a_wall_clock_that_was_put_wrong_and_forgets_when_it_is_right_again() -> None:
    clock = FakeClock(START)
    clock.step_wall(-timedelta(hours=2))
    clock.observe(START)
    assert (clock.skew, clock.utcnow()) == (timedelta(hours=2), START)
    clock.step_wall(timedelta(hours=2))
    clock.observe(START)
    assert (clock.skew, clock.utcnow()) == (ZERO, START)


def test_every_sleep_is_written_down() -> None:
    clock = FakeClock(START)
    clock.sleep(MINUTE)
    clock.advance(MINUTE)
    clock.sleep(2 * MINUTE)
    assert clock.sleeps == (MINUTE, 2 * MINUTE)


@given(st.lists(st.timedeltas(min_value=ZERO, max_value=timedelta(days=1)), max_size=20))
def test_many_small_steps_add_up_exactly(spans: list[timedelta]) -> None:
    clock = FakeClock(START)
    before = clock.monotonic()
    for span in spans:
        clock.advance(span)
    assert clock.true_time() - START == sum(spans, ZERO)
    assert clock.monotonic() - before == pytest.approx(sum(spans, ZERO).total_seconds())


def test_no_move_is_lost_between_threads() -> None:
    clock = FakeClock(START)
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        for _ in range(200):
            clock.sleep(timedelta(seconds=1))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clock.true_time() - START == timedelta(seconds=1600)
    assert len(clock.sleeps) == 1600


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda clock: pickle.loads(pickle.dumps(clock))], ids=["copied", "pickled"])
def test_a_copy_shows_the_same_and_goes_its_own_way(duplicate: Callable[[FakeClock], FakeClock]) -> None:
    clock = FakeClock(START)
    clock.sleep(MINUTE)
    clock.step_wall(MINUTE)
    twin = duplicate(clock)
    assert (twin.utcnow(), twin.monotonic(), twin.sleeps) == (clock.utcnow(), clock.monotonic(), clock.sleeps)
    twin.advance(MINUTE)
    assert twin.utcnow() - clock.utcnow() == MINUTE


class Slow(timedelta):
    """A span that takes its time to be added, so that somebody is in the middle of a move."""

    gate = Gate()

    def __radd__(self, other: timedelta) -> timedelta:
        self.gate()
        return timedelta.__add__(other, timedelta(seconds=self.total_seconds()))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.parametrize("made", [lambda clock: clock, lambda clock: pickle.loads(pickle.dumps(clock))], ids=["original", "pickled"])
def test_a_child_forked_in_the_middle_of_a_move_goes_its_own_way(
    made: Callable[[FakeClock], FakeClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr(Slow, "gate", gate)
    clock = made(FakeClock(START))
    mover = threading.Thread(target=clock.advance, args=(Slow(minutes=5),))
    mover.start()
    assert gate.entered.wait(10)

    def move() -> timedelta:
        clock.advance(MINUTE)
        return clock.true_time() - START

    try:
        assert in_child(move) == MINUTE
    finally:
        gate.open()
        mover.join()
    assert clock.true_time() - START == 5 * MINUTE


@pytest.mark.parametrize(
    "act",
    [
        lambda: FakeClock(datetime(2026, 1, 1)),  # noqa: DTZ001
        lambda: FakeClock(0),  # type: ignore[arg-type]  # the wrong type is the point
        lambda: FakeClock().advance(-MINUTE),
        lambda: FakeClock().pause(-MINUTE),
        lambda: FakeClock().sleep(1.0),  # type: ignore[arg-type]  # the wrong type is the point
        lambda: FakeClock().step_wall(60),  # type: ignore[arg-type]  # the wrong type is the point
        lambda: FakeClock().observe(datetime(2026, 1, 1)),  # noqa: DTZ001
    ],
)
def test_what_makes_no_sense_is_refused(act: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError, match="must be"):
        act()
