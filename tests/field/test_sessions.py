"""Short sessions, and sources that keep a value of their own: how often they are asked."""

from __future__ import annotations

from datetime import timedelta

from alicred.testing import FakeClock
from tests.field import naive
from tests.field.harness import Subject, bites, inline
from tests.strategies import credential
from tests.support import HOUR, SECOND, Script

MINUTE = timedelta(minutes=1)


@bites(naive.WindowOf15Minutes, failing="asked at every read", alicred=inline, sound=naive.Plain)
def test_a_session_of_15_minutes_is_fetched_once_and_not_for_every_read(subject: Subject) -> None:
    clock = FakeClock()
    source = Script(15 * MINUTE, clock=clock)
    cache = subject.make(source, clock=clock)
    for _ in range(10 * 60):
        cache.get()
        clock.advance(SECOND)
    assert source.calls == 1, "asked at every read"


@bites(naive.AsksAgainAtOnce, failing="asked at every read", alicred=inline, sound=naive.Plain)
def test_a_source_that_hands_out_what_it_holds_itself_is_not_asked_for_every_read(subject: Subject) -> None:
    clock = FakeClock()
    source = Script(credential(1, HOUR, clock.utcnow()), clock=clock)  # the same one until its end, as a metadata service may
    cache = subject.make(source, clock=clock)
    for _ in range(59 * 60):
        cache.get()
        clock.advance(SECOND)
    assert source.calls < 30, "asked at every read"
