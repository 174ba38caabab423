"""The scheduler: it finds what is planted, tells how to see it again, and every schedule it is asked for is played."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from math import comb

import attrs
import pytest

from alicred.testing import FakeClock
from tests.interleaving.explore import Failure, Irreproducible, check, explore, read, sample, written
from tests.interleaving.locks import Lock
from tests.interleaving.scheduler import Choose, Run, Stuck, Trace
from tests.support import wait_until

Strands = tuple[Callable[[], None], ...]


@attrs.frozen
class Small:
    """A program of a few steps."""

    build: Callable[[Run], tuple[Strands, Callable[[], None]]]
    timeouts: bool = False
    interrupted: int = -1
    name: str = "small"

    def __call__(self, choose: Choose, *, trace: Trace | None = None) -> Run:
        run = Run(choose, FakeClock(), timeouts=self.timeouts, trace=trace)
        strands, after = self.build(run)
        for number, work in enumerate(strands):
            run.spawn(work, f"strand {number}", interrupts=int(number == self.interrupted))
        run.play()
        if not run.given_up:
            after()
        return run


class Cell:
    """A number that strands share."""

    def __init__(self, run: Run) -> None:
        self._run, self._value = run, 0

    def read(self) -> int:
        self._run.point(("cell", False))
        return self._value

    def write(self, value: int) -> None:
        self._run.point(("cell", True))
        self._value = value


def counting(run: Run, *, locked: bool = False) -> tuple[Strands, Callable[[], None]]:
    cell, lock = Cell(run), Lock(run)

    def add() -> None:
        if locked:
            with lock:
                cell.write(cell.read() + 1)
        else:
            cell.write(cell.read() + 1)

    def after() -> None:
        assert cell.read() == 2, "an update is lost"

    return (add, add), after


BOUNDS = pytest.mark.parametrize("bound", [1, 2, None])


@BOUNDS
def test_a_lost_update_is_found(bound: int | None) -> None:
    with pytest.raises(Failure, match="--schedule"):
        explore(Small(counting), bound=bound, limit=100)


@BOUNDS
def test_a_lock_fixes_it(bound: int | None) -> None:
    assert explore(Small(lambda run: counting(run, locked=True)), bound=bound, limit=500).exhausted


def test_a_lost_update_takes_a_surprise() -> None:
    assert explore(Small(counting), bound=0, limit=100).exhausted


def test_a_failure_is_seen_again_from_what_it_prints() -> None:
    with pytest.raises(Failure) as found:
        sample(Small(counting), seed="any", runs=100)
    schedule = str(found.value).partition("--schedule '")[2].partition("'")[0]
    assert read(schedule) == found.value.choices
    with pytest.raises(Failure, match="strand 0") as again:
        check(Small(counting), read(schedule))
    assert str(again.value).partition("see it again")[2] == str(found.value).partition("see it again")[2]


def test_of_a_failure_no_more_is_told_than_it_takes() -> None:
    with pytest.raises(Failure) as found:
        sample(Small(counting), seed="any", runs=100)
    assert len(found.value.choices) == 2


def test_a_schedule_is_read_as_it_was_written() -> None:
    assert read(written({})) == {}
    assert read(written({31: 1, 7: 2})) == {31: 1, 7: 2}


@pytest.mark.parametrize("bound", [0, 1, None])
def test_a_deadlock_is_found(bound: int | None) -> None:
    def build(run: Run) -> tuple[Strands, Callable[[], None]]:
        one, two = Lock(run), Lock(run)

        def take(first: Lock, second: Lock) -> None:
            with first, second:
                pass

        return (lambda: take(one, two), lambda: take(two, one)), lambda: None

    if bound == 0:
        assert explore(Small(build), bound=bound, limit=100).exhausted
    else:
        with pytest.raises(Failure, match="nobody can go on: strand 0, strand 1"):
            explore(Small(build), bound=bound, limit=100)


def waiting(run: Run, *, looks_again: bool) -> tuple[Strands, Callable[[], None]]:
    """One strand waits for a flag that the other sets, and may miss it."""
    cell, gate, waiters = Cell(run), Lock(run), list[Lock]()
    gate.acquire()

    def wait() -> None:
        if cell.read():
            return
        run.point(("waiters", True))
        waiters.append(gate)
        if looks_again and cell.read():
            return
        gate.acquire(timeout=30)

    def wake() -> None:
        cell.write(1)
        run.point(("waiters", True))
        for waiter in waiters:
            waiter.release()

    return (wait, wake), lambda: None


@BOUNDS
def test_a_lost_wake_up_is_found(bound: int | None) -> None:
    with pytest.raises(Failure, match="strand 0 would wait for ever"):
        explore(Small(lambda run: waiting(run, looks_again=False)), bound=bound, limit=100)
    assert explore(Small(lambda run: waiting(run, looks_again=True)), bound=bound, limit=500).exhausted


def test_a_wait_that_may_end_by_its_time_out_is_not_stuck_and_takes_its_time() -> None:
    clocks = set[float]()

    def build(run: Run) -> tuple[Strands, Callable[[], None]]:
        strands, _ = waiting(run, looks_again=False)
        return strands, lambda: clocks.add(run.clock.monotonic())

    assert explore(Small(build, timeouts=True), bound=1, limit=500).exhausted
    assert len(clocks) == 2
    assert max(clocks) - min(clocks) == 30


@BOUNDS
def test_a_check_then_act_is_found(bound: int | None) -> None:
    def build(run: Run) -> tuple[Strands, Callable[[], None]]:
        cell, made = Cell(run), list[int]()

        def make_once() -> None:
            if not cell.read():
                cell.write(1)
                made.append(1)

        def after() -> None:
            assert made == [1]

        return (make_once, make_once), after

    with pytest.raises(Failure):
        explore(Small(build), bound=bound, limit=100)


def test_an_interrupt_strikes_once_at_each_step_in_turn() -> None:
    reached = set[int]()

    def build(run: Run) -> tuple[Strands, Callable[[], None]]:
        cell, steps = Cell(run), list[int]()

        def work() -> None:
            try:
                for step in range(5):
                    cell.read()
                    steps.append(step)
            except KeyboardInterrupt:
                pass

        return (work,), lambda: reached.add(len(steps))

    explore(Small(build, interrupted=0), bound=0, limit=100)
    assert reached == {0, 1, 2, 3, 4, 5}


@pytest.mark.parametrize("steps", [1, 2, 3, 4])
def test_without_a_bound_every_order_of_steps_that_depend_on_each_other_is_played(steps: int) -> None:
    orders = set[str]()

    def build(run: Run) -> tuple[Strands, Callable[[], None]]:
        order = list[str]()

        def work(name: str) -> None:
            for _ in range(steps):
                run.point(("shared", True))
                order.append(name)

        return (lambda: work("a"), lambda: work("b")), lambda: orders.add("".join(order))

    seen = explore(Small(build), bound=None, limit=10_000)
    assert seen.exhausted
    assert len(orders) == seen.schedules == comb(2 * steps, steps)


def test_without_a_bound_steps_that_have_nothing_to_do_with_each_other_are_played_in_one_order() -> None:
    def build(run: Run) -> tuple[Strands, Callable[[], None]]:
        def work(name: str) -> None:
            for _ in range(4):
                run.point((name, True))

        return (lambda: work("a"), lambda: work("b")), lambda: None

    assert explore(Small(build), bound=None, limit=1000).schedules == 1


def test_what_is_not_modelled_is_noticed() -> None:
    runs = 0

    def build(run: Run) -> tuple[Strands, Callable[[], None]]:
        nonlocal runs
        runs += 1
        return (lambda: run.point(("shared", runs % 2 == 0)),) * 2, lambda: None

    with pytest.raises(Irreproducible):
        explore(Small(build), bound=1, limit=100)


def test_strands_that_go_round_in_a_circle_are_noticed() -> None:
    def build(run: Run) -> tuple[Strands, Callable[[], None]]:
        cell = Cell(run)

        def spin() -> None:
            while not cell.read():
                pass

        return (spin, lambda: cell.write(1)), lambda: None

    with pytest.raises(Failure, match="circle"):
        explore(Small(build), bound=0, limit=100)


def test_a_lock_is_held_by_one_and_may_be_entered_again_only_if_reentrant() -> None:
    run = Run(lambda _: 0, FakeClock())
    plain, reentrant = Lock(run), Lock(run, reentrant=True)
    with reentrant, reentrant:
        assert reentrant.owner is not None
    assert reentrant.owner is None
    with plain, pytest.raises(Stuck):
        plain.acquire()
    with pytest.raises(RuntimeError):
        plain.release()


def test_no_strand_outlives_its_run() -> None:
    before = _thread._count()
    with pytest.raises(Failure):
        explore(Small(lambda run: waiting(run, looks_again=False)), bound=2, limit=100)
    wait_until(lambda: _thread._count() == before)
