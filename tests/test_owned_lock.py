"""The lock that cannot be left held: whatever ends its owner, the next caller gets it."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import pytest

from alicred._internal import owned_lock
from alicred._internal.frames import is_executing
from alicred._internal.owned_lock import NotAcquired, OwnedLock
from tests.adversities import call_with_left, interrupted_at, struck
from tests.forked import in_child, in_raw_child
from tests.support import Gate, in_threads, wait_until


def nothing() -> str:
    return "done"


@contextmanager
def held(lock: OwnedLock) -> Iterator[None]:
    """Have another thread hold *lock*."""
    gate = Gate()
    thread = threading.Thread(target=lock.run, args=(gate,), daemon=True)
    thread.start()
    assert gate.entered.wait(10)
    try:
        yield
    finally:
        gate.open()
        thread.join()


def is_free(lock: OwnedLock) -> bool:
    """Whether another thread gets it, with a little patience."""
    return in_threads(1, lambda: lock.run(nothing, seconds=5)) == ["done"]


def test_it_returns_what_the_work_returns_and_raises_what_it_raises() -> None:
    lock = OwnedLock()
    assert lock.run(lambda: "answer") == "answer"
    with pytest.raises(KeyError):
        lock.run(lambda: dict[str, str]()["missing"])
    assert is_free(lock)


def test_one_thread_at_a_time_holds_it() -> None:
    lock, inside, most = OwnedLock(), list[None](), list[int]()

    def work() -> None:
        inside.append(None)
        most.append(len(inside))
        time.sleep(random.random() * 0.0005)
        most.append(len(inside))
        inside.pop()

    previous = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        assert in_threads(8, lambda: [lock.run(work) for _ in range(50)].clear()) == [None] * 8
    finally:
        sys.setswitchinterval(previous)
    assert (len(most), set(most)) == (800, {1})


def test_who_waits_too_long_is_told() -> None:
    lock = OwnedLock()
    with held(lock):
        began = time.monotonic()
        with pytest.raises(NotAcquired):
            lock.run(nothing, seconds=0.1)
        assert 0.1 <= time.monotonic() - began < 10
        with pytest.raises(NotAcquired):
            lock.run(nothing, seconds=0)
    assert is_free(lock)


def test_a_frozen_clock_does_not_lengthen_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = OwnedLock()
    with held(lock):
        monkeypatch.setattr(time, "monotonic", lambda: 0.0)
        assert [type(found) for found in in_threads(1, lambda: lock.run(nothing, seconds=0.1))] == [NotAcquired]


def test_who_waits_gets_it_at_once_when_its_owner_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(owned_lock, "_LOOK", 60.0)
    lock = OwnedLock()
    with held(lock):
        answers: list[Any] = []
        waiting = threading.Thread(target=lambda: answers.extend(in_threads(3, lambda: lock.run(nothing))))
        waiting.start()
        time.sleep(0.05)
        assert answers == []
    waiting.join(20)
    assert answers == ["done"] * 3


def test_its_owner_cannot_wait_for_itself() -> None:
    lock = OwnedLock()
    assert not lock.is_mine()

    def again() -> None:
        assert lock.is_mine()
        assert in_threads(1, lock.is_mine) == [False]
        with pytest.raises(NotAcquired):
            lock.run(nothing)
        assert lock.is_mine(), "the attempt has not cost it the lock"

    lock.run(again)
    assert not lock.is_mine()


def test_a_chain_of_turns_does_not_grow() -> None:
    lock = OwnedLock()
    for _ in range(1000):
        lock.run(nothing)
    turn, length = lock._turn, 0
    while turn.next:
        turn, length = turn.next[None], length + 1
    assert length <= 1


def test_it_keeps_nothing_of_the_work_alive() -> None:
    import weakref

    class Thing:
        def work(self) -> None:
            pass

    lock, thing = OwnedLock(), Thing()
    lock.run(thing.work)
    weak = weakref.ref(thing)
    del thing
    assert weak() is None


# --- what ends an owner -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fork", [in_child, in_raw_child])
def test_a_forked_child_does_not_wait_for_a_thread_that_it_does_not_have(fork: Callable[..., object]) -> None:
    lock = OwnedLock()
    with held(lock):
        assert fork(lambda: (lock.is_mine(), lock.run(nothing, seconds=0), is_free(lock))) == (False, "done", True)
        with pytest.raises(NotAcquired):
            lock.run(nothing, seconds=0)


@pytest.mark.parametrize("fork", [in_child, in_raw_child])
def test_a_child_that_is_forked_by_the_owner_is_not_the_owner(fork: Callable[..., object]) -> None:
    lock = OwnedLock()

    def work() -> object:
        found = fork(lambda: (lock.is_mine(), is_free(lock)))
        assert lock.is_mine()
        return found

    assert lock.run(work) == (False, True)
    assert is_free(lock)


def test_an_interrupt_at_any_step_leaves_it_free() -> None:
    for number in range(1, 2000):
        lock = OwnedLock()
        if not interrupted_at(number, lambda lock=lock: lock.run(nothing), owned_lock.__file__):  # type: ignore[misc]
            break
        assert is_free(lock), f"an interrupt at step {number} leaves it held"
    assert 50 < number < 1999


def test_an_interrupt_of_who_takes_it_from_a_dead_owner_leaves_it_free(monkeypatch: pytest.MonkeyPatch) -> None:
    def ending(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(owned_lock._Turn, "end", ending)
    for number in range(1, 2000):
        lock = OwnedLock()
        with pytest.raises(MemoryError):
            lock.run(nothing)
        more = interrupted_at(number, lambda lock=lock: lock.run(nothing), owned_lock.__file__)  # type: ignore[misc]
        answers = in_threads(2, lambda lock=lock: lock.run(nothing, seconds=5))  # type: ignore[misc]
        assert [type(answer) for answer in answers] == [MemoryError] * 2, f"an interrupt at step {number} leaves it held"
        if not more:
            break
    assert 50 < number < 1999


@pytest.mark.slow
def test_exceptions_set_from_another_thread_at_random_moments_leave_it_free() -> None:
    program = """
        from alicred._internal.owned_lock import OwnedLock

        lock, deadline = OwnedLock(), time.monotonic() + 3
        while time.monotonic() < deadline:
            strike(lambda: lock.run(lambda: None), 0.001)
            lock.run(lambda: None, seconds=5)
        print("enough" if hits > 20 else hits)
    """
    assert struck(program) == "enough"


def test_a_stack_that_is_used_up_leaves_it_free() -> None:
    failed = 0
    for left in range(1, 40):
        lock = OwnedLock()
        try:
            call_with_left(left, lambda lock=lock: lock.run(lambda: lock.run(nothing, seconds=0)))  # type: ignore[misc]
        except RecursionError:
            failed += 1
        except NotAcquired:
            pass
        assert is_free(lock), f"with {left} frames left it stays held"
    assert 3 < failed < 39


@pytest.mark.parametrize("ended", [MemoryError, RecursionError, KeyboardInterrupt, SystemExit])
def test_an_owner_whose_clean_up_fails_does_not_keep_it(ended: type[BaseException], monkeypatch: pytest.MonkeyPatch) -> None:
    lock = OwnedLock()

    def end(_: object) -> None:
        raise ended

    with monkeypatch.context() as patch:
        patch.setattr(owned_lock._Turn, "end", end)
        with pytest.raises(ended):
            lock.run(nothing)
    assert not lock.is_mine()
    assert is_free(lock)


def test_who_waits_finds_out_that_the_owner_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = OwnedLock()

    def end(_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(owned_lock._Turn, "end", end)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    answers: list[object] = []
    with held(lock):
        waiting = threading.Thread(target=lambda: answers.extend(in_threads(1, lambda: lock.run(nothing, seconds=20))))
        waiting.start()
        time.sleep(0.02)
    wait_until(lambda: bool(answers))
    waiting.join()
    assert [type(answer) for answer in answers] == [MemoryError], "it has held the lock, and ended as its clean-up did"


def test_a_frame_is_executing_until_it_ends() -> None:
    frames: list[FrameType] = []

    def work() -> None:
        frames.append(sys._getframe())
        assert is_executing(frames[0])
        assert in_threads(1, lambda: is_executing(frames[0])) == [True]

    work()
    assert not is_executing(frames[0])
    assert not is_executing(frames[0]), "it stays so"


def test_a_used_up_stack_is_not_taken_for_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    class Frame:
        def clear(self) -> None:
            raise RecursionError

    with pytest.raises(RecursionError):
        is_executing(Frame())  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_children_of_many_forks_get_it_while_it_is_fought_for() -> None:
    lock, stop = OwnedLock(), threading.Event()

    def toil() -> None:
        while not stop.is_set():
            lock.run(lambda: time.sleep(0.0005))

    threads = [threading.Thread(target=toil) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert [in_child(lambda: lock.run(os.getpid, seconds=0) == os.getpid()) for _ in range(30)] == [True] * 30
    finally:
        stop.set()
        for thread in threads:
            thread.join()
