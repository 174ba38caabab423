"""A clock that was wrong is put right, or was frozen by a test; and a key without an end is replaced where it is kept."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

import freezegun
import pytest
import time_machine

from alicred import CachingProvider, CliProfileProvider, NotConfiguredError, RefreshPolicy, RefreshTimeoutError
from alicred.clock import SystemClock
from alicred.testing import FakeClock
from tests.field import naive_clocks
from tests.field.harness import Callers, Subject, bites, inline, outcome
from tests.field.services import service
from tests.strategies import credential
from tests.support import HOUR, Gate, Script

MINUTE = timedelta(minutes=1)
LONG_AGO = datetime(2012, 1, 14, tzinfo=timezone.utc)
FREEZE = pytest.mark.parametrize(
    "freeze",
    [partial(freezegun.freeze_time, LONG_AGO), partial(time_machine.travel, LONG_AGO, tick=False)],
    ids=["freezegun", "time-machine"],
)


def day_of(cache: Any, clock: FakeClock) -> None:
    """A day, minute by minute, in which nothing may be used past its true end, and there is always something to use."""
    for _ in range(24 * 60):
        clock.advance(MINUTE)
        answer = outcome(cache.get)
        assert not isinstance(answer, Exception), "an outage"
        assert answer.expires_at is not None
        assert answer.expires_at > clock.true_time(), "served past its end"


@pytest.mark.parametrize("off", [-8 * HOUR, 2 * HOUR])
@bites(naive_clocks.KeepsTheOffset, failing="served past its end", alicred=FakeClock)
def test_what_was_learned_of_a_wrong_clock_is_forgotten_when_it_is_put_right(subject: Subject, off: timedelta) -> None:
    clock = subject.make()
    clock.step_wall(off)
    cache = inline(service(clock), clock=clock)
    cache.get() if off < timedelta(0) else None
    clock.observe(clock.true_time())  # the answer of a service
    clock.step_wall(-off)
    day_of(cache, clock)


@bites(naive_clocks.MeasuresOnce, failing="served past its end", alicred=inline)
def test_a_lifetime_that_was_measured_on_a_wrong_clock_ends_by_the_right_one(subject: Subject) -> None:
    clock = FakeClock()
    clock.step_wall(-8 * HOUR)
    cache = subject.make(service(clock), clock=clock)
    cache.get()
    clock.step_wall(8 * HOUR)
    day_of(cache, clock)


@bites(naive_clocks.MeasuresAgain, failing="taken away before its end", alicred=inline, sound=naive_clocks.KeepsTheLaterEnd)
def test_a_session_that_is_handed_out_again_ends_no_sooner(subject: Subject) -> None:
    clock = FakeClock()
    session = credential(1, HOUR, clock.true_time())
    cache = subject.make(Script(session), clock=clock)
    cache.get()
    clock.advance(45 * MINUTE)
    clock.step_wall(10 * MINUTE)
    for _ in range(14):
        assert outcome(cache.get) == session, "taken away before its end"
        clock.advance(MINUTE)


@FREEZE
@bites(naive_clocks.KeepsTheOffsetOfTheSystem, failing="the offset has outlived the test", alicred=SystemClock)
def test_a_test_that_freezes_time_leaves_no_offset_behind(subject: Subject, freeze: Callable[[], AbstractContextManager[object]]) -> None:
    now = datetime.now(timezone.utc)
    clock = subject.make()
    with freeze():
        clock.observe(now)  # the answer of a real service
        assert abs(clock.utcnow() - now) < MINUTE
    assert abs(clock.utcnow() - datetime.now(timezone.utc)) < MINUTE, "the offset has outlived the test"


def waiting(source: Script, max_wait: timedelta) -> CachingProvider[Any]:
    return CachingProvider(source, refresh=RefreshPolicy(max_wait=max_wait))


def from_far_down(ask: Callable[[], Any], calls: int = 10) -> Any:
    """freezegun leaves the clock to whatever the module `threading` has called a few frames ago, and to nobody else."""
    return from_far_down(ask, calls - 1) if calls else ask()


@bites(naive_clocks.WaitsByAFrozenClock, failing="waits without end", alicred=waiting)
def test_no_caller_waits_longer_because_a_test_has_frozen_time(subject: Subject) -> None:
    gate = Gate()
    cache = subject.make(Script(gate), timedelta(milliseconds=200))
    with freezegun.freeze_time(LONG_AGO):
        caller = Callers(1, lambda: from_far_down(lambda: outcome(cache.get)))
        ended = subject.comes(caller.have_answers)
    gate.opened.set()
    [answer] = caller.join()
    assert ended, "waits without end"
    assert isinstance(answer, RefreshTimeoutError)


@bites(naive_clocks.NeverLooksAgain, failing="the old key is in use", alicred=inline, sound=naive_clocks.LooksAgain)
def test_a_key_that_was_rotated_in_a_file_is_noticed(subject: Subject, tmp_path: Path) -> None:
    file = tmp_path / "config.json"

    def write(key: str) -> None:
        profile = {"name": "default", "mode": "AK", "access_key_id": key, "access_key_secret": "secret"}
        file.write_text(json.dumps({"current": "default", "profiles": [profile]}), "utf-8")

    clock = FakeClock()
    write("old")
    cache = subject.make(CliProfileProvider(path=file, environ={}), clock=clock)
    assert cache.get().access_key_id == "old"
    write("new")
    clock.advance(5 * MINUTE)
    cache.get()
    assert cache.get().access_key_id == "new", "the old key is in use"


@bites(naive_clocks.DropsWhatIsGone, failing="taken away", alicred=inline, sound=naive_clocks.LooksAgain)
def test_a_key_that_cannot_be_looked_at_again_stays_in_service(subject: Subject) -> None:
    clock = FakeClock()
    source = Script(None, NotConfiguredError("there is no such file"))
    cache = subject.make(source, clock=clock)
    key = cache.get()
    for _ in range(4 * 60):
        clock.advance(MINUTE)
        assert outcome(cache.get) == key, "taken away"
