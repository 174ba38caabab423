"""The wall clock is set, or the zone's offset changes, while a session is held."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from alicred import Credential, RamRoleArnProvider, StaticProvider
from alicred.testing import FakeClock, FakeCloud
from tests.field import naive
from tests.field.harness import Subject, bites, inline, outcome
from tests.field.services import service
from tests.support import HOUR, SECOND

MINUTE = timedelta(minutes=1)


@bites(naive.WallClock, failing="served past its end", alicred=inline, sound=naive.Plain)
def test_a_wall_clock_that_is_set_back_keeps_nothing_in_service_past_its_end(subject: Subject) -> None:
    clock = FakeClock()
    cache = subject.make(service(clock), clock=clock)
    first = cache.get()
    clock.step_wall(-2 * HOUR)
    for _ in range(3 * 60):
        assert cache.get() != first or first.expires_at > clock.true_time(), "served past its end"
        clock.advance(MINUTE)


@bites(naive.WallClock, failing="asked at every read", alicred=inline, sound=naive.Plain)
def test_a_wall_clock_that_is_set_ahead_does_not_turn_every_read_into_a_call(subject: Subject) -> None:
    clock = FakeClock()
    source = service(clock)
    cache = subject.make(source, clock=clock)
    cache.get()
    clock.advance(5 * MINUTE)
    clock.step_wall(2 * HOUR)
    answers = []
    for _ in range(35 * 60):
        answers.append(outcome(cache.get))
        clock.advance(SECOND)
    assert source.calls < 10, "asked at every read"
    assert all(isinstance(answer, Credential) for answer in answers), "and every caller has a credential"


CHANGE = datetime(2024, 2, 29, 18, tzinfo=timezone.utc)  # midnight of 1 March in Almaty, where it became 23:00 again


@pytest.fixture
def local_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bool], None]]:
    """Puts the process into a zone that goes from UTC+6 to UTC+5 at `CHANGE`, as the end of DST or, as Almaty did, without saying so."""
    if not hasattr(time, "tzset"):
        pytest.skip("this platform has no time.tzset")

    def enter(dst: bool) -> None:
        header = struct.pack(">4s16x6l", b"TZif", 0, 0, 0, 2, 2, 8)  # no leap seconds, 2 changes, 2 kinds of time, 8 letters
        kinds = struct.pack(">l2Bl2B", 6 * 3600, dst, 0, 5 * 3600, 0, 4)
        file = tmp_path / "zone"
        file.write_bytes(header + struct.pack(">2l2B", 0, int(CHANGE.timestamp()), 0, 1) + kinds + b"+06\0+05\0")
        monkeypatch.setenv("TZ", f":{file}")
        time.tzset()
        assert [time.localtime((CHANGE + off).timestamp()).tm_hour for off in (-SECOND, timedelta(0))] == [23, 23], "the zone works"

    yield enter
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("dst", [False, True], ids=["zone changes", "dst ends"])
@bites(naive.LocalTime, failing="served past its end", alicred=inline, sound=naive.Plain)
def test_the_end_of_a_session_does_not_depend_on_the_zone(subject: Subject, dst: bool, local_zone: Callable[[bool], None]) -> None:
    local_zone(dst)
    clock = FakeClock(CHANGE - 30 * MINUTE)
    with FakeCloud(clock=clock, session=HOUR) as cloud:  # so that what reads the service's answers is in it as well
        source = RamRoleArnProvider(StaticProvider(cloud.access_key), role_arn=cloud.role_arn, sts=cloud.sts_client())
        cache = subject.make(source, clock=clock)
        for _ in range(180):
            answer = cache.get()
            assert answer.expires_at > clock.true_time(), "served past its end"
            clock.advance(MINUTE)
        assert len(cloud.sessions) <= 6, "asked at every read"
