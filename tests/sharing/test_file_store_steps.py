"""What another worker does between any two steps of a store in a directory, and what is left when a worker is stopped there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alicred.sharing import Busy, FileStore, Lease, Stored, file_store
from alicred.testing import FakeClock
from tests.sharing.directories import ENTRY, LONG, OTHER, SECOND, Steps, files, kind, leased, look, record

_MOST = 400  # steps


class Place:
    """A directory with one entry, which several workers use."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = FakeClock()
        self.store = FileStore(directory, clock=self.clock)

    def claim(self, newer_than: int = 0) -> Stored | Lease | Busy:
        return FileStore(self.directory, clock=self.clock).claim(ENTRY, newer_than=newer_than, lease=LONG)

    def superseded(self) -> Lease:
        """A lease that is over."""
        lease = leased(self.store, lease=SECOND)
        self.clock.advance(2 * SECOND)
        return lease

    def generation(self) -> int:
        said = look(self.store)
        return said.record.generation if isinstance(said, Stored) else 0


def places(tmp_path: Path) -> Iterator[tuple[int, Place]]:
    for number in range(_MOST):
        yield number, Place(tmp_path / str(number))
    raise AssertionError("it has no end")


def at_every_step(
    tmp_path: Path, steps: Steps, given: Callable[[Place], Callable[[], object]], other: Callable[[Place], object]
) -> Iterator[tuple[Place, object, object]]:
    """For every step of what *given* prepares: the place, what that returned, and what *other* did before the step."""
    for number, place in places(tmp_path):
        work = given(place)
        did: list[object] = []
        said, has_stepped = steps.run(work, number, lambda place=place, did=did: did.append(other(place)))  # type: ignore[misc]
        if not has_stepped:
            assert number > 5
            return
        yield place, said, did[0]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    return Steps(monkeypatch)


def kinds(*said: object) -> list[str]:
    return sorted(kind(each) for each in said)


def test_of_two_that_claim_what_is_free_one_gets_the_lease(tmp_path: Path, steps: Steps) -> None:
    for place, one, other in at_every_step(tmp_path, steps, lambda place: place.claim, Place.claim):
        assert kinds(one, other) == ["Busy", "Lease"]
        assert isinstance(place.claim(), Busy)


def test_of_two_that_supersede_one_gets_the_lease(tmp_path: Path, steps: Steps) -> None:
    late: dict[Place, Lease] = {}

    def given(place: Place) -> Callable[[], object]:
        late[place] = place.superseded()
        return place.claim

    for place, one, other in at_every_step(tmp_path, steps, given, Place.claim):
        assert kinds(one, other) == ["Busy", "Lease"]
        lease = other if isinstance(one, Busy) else one
        assert not late[place].save(record(10))
        late[place].end(pause=LONG)
        assert isinstance(place.claim(), Busy)
        assert lease.save(record(20))  # type: ignore[attr-defined]  # a lease
        assert place.generation() == 20


def test_a_late_save_never_replaces_a_newer_record(tmp_path: Path, steps: Steps) -> None:
    def given(place: Place) -> Callable[[], object]:
        late = place.superseded()
        return lambda: late.save(record(10))

    def other(place: Place) -> object:
        said = place.claim()
        if not isinstance(said, (Stored, Busy)):
            assert said.over == 0
            assert said.save(record(5))
        return said

    outcomes = set()
    for place, saved, said in at_every_step(tmp_path, steps, given, other):
        outcomes.add((saved, kind(said)))
        assert place.generation() == (10 if saved else 5)
        assert files(place.directory) == [ENTRY, f"{ENTRY}.lock"]
    assert outcomes == {(False, "Lease"), (True, "Stored")}, "saved and not superseded, or the other way round"


def test_a_late_save_that_comes_while_another_worker_takes_over_counts_or_fails(tmp_path: Path, steps: Steps) -> None:
    late: dict[Place, Lease] = {}

    def given(place: Place) -> Callable[[], object]:
        late[place] = place.superseded()
        return place.claim

    outcomes = set()
    for place, said, saved in at_every_step(tmp_path, steps, given, lambda place: late[place].save(record(10))):
        outcomes.add((saved, kind(said)))
        assert place.generation() == (10 if saved else 0)
    assert outcomes == {(True, "Stored"), (False, "Lease")}


def test_a_late_pause_is_kept_or_the_lease_is_another_workers(tmp_path: Path, steps: Steps) -> None:
    def given(place: Place) -> Callable[[], object]:
        late = place.superseded()
        return lambda: late.end(pause=LONG, reason="Throttling")

    outcomes = set()
    for place, _, said in at_every_step(tmp_path, steps, given, Place.claim):
        now = place.claim()
        assert isinstance(now, Busy)
        outcomes.add((kind(said), now.pausing))
    assert outcomes == {("Lease", None), ("Busy", "Throttling")}


def test_a_pause_that_begins_while_another_worker_claims_is_told(tmp_path: Path, steps: Steps) -> None:
    late: dict[Place, Lease] = {}

    def given(place: Place) -> Callable[[], object]:
        late[place] = leased(place.store, lease=SECOND)
        place.clock.advance(2 * SECOND)
        return place.claim

    for place, said, _ in at_every_step(tmp_path, steps, given, lambda place: late[place].end(pause=LONG, reason="Throttling")):
        now = place.claim()
        assert isinstance(now, Busy)
        assert (kind(said), now.pausing) in {("Lease", None), ("Busy", "Throttling")}


def test_a_holder_that_ends_with_a_pause_leaves_the_lease_to_none(tmp_path: Path, steps: Steps) -> None:
    held: dict[Place, Lease] = {}

    def given(place: Place) -> Callable[[], object]:
        held[place] = leased(place.store)
        return place.claim

    for place, said, _ in at_every_step(tmp_path, steps, given, lambda place: held[place].end(pause=LONG, reason="Throttling")):
        assert isinstance(said, Busy)
        assert place.claim() == Busy(LONG, "Throttling")


def test_a_save_that_ends_while_another_worker_claims_is_answered(tmp_path: Path, steps: Steps) -> None:
    held: dict[Place, Lease] = {}

    def given(place: Place) -> Callable[[], object]:
        held[place] = leased(place.store)
        return place.claim

    for place, said, saved in at_every_step(tmp_path, steps, given, lambda place: held[place].save(record(10))):
        assert saved
        assert kind(said) in {"Stored", "Busy"}
        assert place.generation() == 10


def test_what_another_worker_saves_is_not_removed_with_what_has_ended(tmp_path: Path, steps: Steps) -> None:
    def given(place: Place) -> Callable[[], object]:
        leased(place.store).save(record(1, keep=SECOND))
        place.clock.advance(2 * SECOND)
        return lambda: leased(FileStore(place.directory, clock=place.clock), entry=OTHER)

    def other(place: Place) -> object:
        said = place.claim()
        return not isinstance(said, (Stored, Busy)) and said.save(record(20))

    for place, _, saved in at_every_step(tmp_path, steps, given, other):
        assert place.generation() == (20 if saved else 0)


# A worker that is stopped


def stopped_before(
    steps: Steps, work: Callable[[], object], number: int
) -> tuple[list[tuple[object, bool]], threading.Thread, threading.Event, threading.Event]:
    """*work* on a thread that stops before that step: what it returns in the end, the thread, whether it has stopped, and to go on."""
    stopped, goes_on = threading.Event(), threading.Event()
    said: list[tuple[object, bool]] = []

    def stop() -> None:
        stopped.set()
        assert goes_on.wait(30)

    def run() -> None:
        try:
            said.append(steps.run(work, number, stop))
        finally:
            stopped.set()

    thread = threading.Thread(target=run)
    thread.start()
    return said, thread, stopped, goes_on


def stopped_at_every_step(
    tmp_path: Path, steps: Steps, given: Callable[[Place], Callable[[], object]], other: Callable[[Place], None]
) -> Iterator[tuple[Place, object]]:
    """For every step: what *given* prepares is stopped before it, *other* goes on, and after that it goes on too."""
    for number, place in places(tmp_path):
        said, thread, stopped, goes_on = stopped_before(steps, given(place), number)
        try:
            assert stopped.wait(30)
            if not said:
                other(place)
        finally:
            goes_on.set()
            thread.join()
        if not said[0][1]:
            assert number > 5
            return
        yield place, said[0][0]


@pytest.fixture
def time_passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[Place], None]:
    """More than any lease and any claim that is under way takes; for the files' own clock too."""
    real, passed = file_store._real_time, [0.0]
    monkeypatch.setattr(file_store, "_real_time", lambda: real() + passed[0])

    def wait(place: Place) -> None:
        place.clock.advance(LONG)
        passed[0] += 60

    return wait


def save_as_the_next(place: Place, wait: Callable[[Place], None]) -> None:
    wait(place)
    for _ in range(3):
        said = place.claim()
        if isinstance(said, Stored):
            said = place.claim(said.record.generation)
        if not isinstance(said, (Stored, Busy)):
            assert said.save(record(said.over + 10))
            return
        wait(place)
    raise AssertionError(f"it is held up for ever: {said}")


def test_a_worker_that_is_stopped_while_it_claims_holds_up_no_other(
    tmp_path: Path, steps: Steps, time_passes: Callable[[Place], None]
) -> None:
    for place, said in stopped_at_every_step(
        tmp_path, steps, lambda place: place.claim, lambda place: save_as_the_next(place, time_passes)
    ):
        if not isinstance(said, (Stored, Busy)):
            assert not said.save(record(5))  # type: ignore[attr-defined]  # a lease
        assert place.generation() == 10


def test_a_worker_that_is_stopped_while_it_supersedes_holds_up_no_other(
    tmp_path: Path, steps: Steps, time_passes: Callable[[Place], None]
) -> None:
    held: dict[Place, Lease] = {}

    def given(place: Place) -> Callable[[], object]:
        held[place] = place.superseded()
        return place.claim

    for place, said in stopped_at_every_step(tmp_path, steps, given, lambda place: save_as_the_next(place, time_passes)):
        if not isinstance(said, (Stored, Busy)):
            assert not said.save(record(5))  # type: ignore[attr-defined]  # a lease
        assert place.generation() == 10


def test_a_worker_that_is_stopped_while_it_saves_holds_up_no_other(
    tmp_path: Path, steps: Steps, time_passes: Callable[[Place], None]
) -> None:
    def given(place: Place) -> Callable[[], object]:
        lease = leased(place.store, lease=SECOND)
        return lambda: lease.save(record(5))

    for place, saved in stopped_at_every_step(tmp_path, steps, given, lambda place: save_as_the_next(place, time_passes)):
        assert place.generation() == (15 if saved else 10)


def test_a_worker_that_is_stopped_while_it_begins_a_pause_holds_up_no_other(
    tmp_path: Path, steps: Steps, time_passes: Callable[[Place], None]
) -> None:
    def given(place: Place) -> Callable[[], object]:
        lease = leased(place.store, lease=SECOND)
        return lambda: lease.end(pause=timedelta(seconds=5), reason="Throttling")

    for place, _ in stopped_at_every_step(tmp_path, steps, given, lambda place: save_as_the_next(place, time_passes)):
        assert place.generation() == 10
        said = place.claim(10)
        assert not isinstance(said, (Stored, Busy))
        assert said.failures == 0


def at_every_two_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finish: Callable[[Lease], object]
) -> Iterator[tuple[Place, object, list[tuple[object, bool]]]]:
    """A worker supersedes another, which begins to *finish* before any step of that, is stopped at any of its own, and goes on later."""
    mine, theirs = Steps(monkeypatch), Steps(monkeypatch)
    for late_step in range(_MOST):
        for step in range(_MOST):
            place = Place(tmp_path / f"{late_step}-{step}")
            late = place.superseded()
            begun: list[tuple[list[tuple[object, bool]], threading.Thread, threading.Event, threading.Event]] = []

            def begin(late: Lease = late, late_step: int = late_step, begun: list[Any] = begun) -> None:
                begun.append(stopped_before(theirs, lambda: finish(late), late_step))
                assert begun[0][2].wait(30)

            said, has_stepped = mine.run(place.claim, step, begin)
            if not has_stepped:
                break
            if isinstance(said, Stored):
                said = place.claim(said.record.generation)
            saved = None if isinstance(said, (Stored, Busy)) else said.save(record(20))  # type: ignore[attr-defined]  # a lease
            outcome, thread, _, goes_on = begun[0]
            goes_on.set()
            thread.join()
            yield place, saved, outcome
        assert step > 5
        if not outcome[0][1]:
            assert late_step > 5
            return


def test_a_late_save_that_is_stopped_at_any_step_of_a_take_over_replaces_nothing_newer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, saved, outcome in at_every_two_steps(tmp_path, monkeypatch, lambda late: late.save(record(10))):
        if saved is None:  # it was told to wait for a moment
            assert outcome[0][0] is True
            assert place.generation() == 10
        else:
            assert saved
            assert place.generation() == 20


def test_a_late_pause_that_is_stopped_at_any_step_of_a_take_over_ends_no_other_lease(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place, saved, _ in at_every_two_steps(tmp_path, monkeypatch, lambda late: late.end(pause=LONG, reason="Throttling")):
        now = place.claim()
        assert (saved, kind(now)) in {(True, "Stored"), (None, "Busy")}


def test_a_call_that_fails_at_any_step_leaves_all_as_it_was(tmp_path: Path, steps: Steps) -> None:
    def fail() -> None:
        raise OSError(5, "input/output error")

    for number, place in places(tmp_path):
        assert leased(place.store).save(record(1))
        lease = leased(place.store, newer_than=1)
        try:
            saved, has_stepped = steps.run(lambda lease=lease: lease.save(record(2)), number, fail)  # type: ignore[misc]
        except OSError:
            saved, has_stepped = None, True
        if not has_stepped:
            break
        assert place.generation() in ({1, 2} if saved is None else {2 if saved else 1})
        del lease
        said = place.claim(newer_than=2)
        assert not isinstance(said, (Stored, Busy)), "the lease has been given back"
