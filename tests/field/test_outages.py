"""The service is down for a while: what callers get meanwhile and afterwards, and how often it is asked."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from alicred import Credential, TransientError
from alicred.testing import FakeClock
from tests.field import naive
from tests.field.harness import Subject, bites, inline, outcome
from tests.support import HOUR, SECOND, Script, ids

MINUTE = timedelta(minutes=1)
DOWN = TransientError("the service is down")


@bites(naive.Withholds, failing="withheld", alicred=inline, sound=naive.Plain)
def test_a_failed_refresh_withholds_nothing_that_is_still_valid(subject: Subject) -> None:
    clock = FakeClock()
    cache = subject.make(Script(HOUR, DOWN, clock=clock), clock=clock)
    answers = []
    for _ in range(60):
        answers.append(outcome(cache.get))
        clock.advance(MINUTE)
    assert ids(answers) == {"id-1"}, "withheld"
    assert ids([outcome(cache.get)]) <= {"TransientError", "ProviderError"}, "past its end there is an error"


@bites(naive.Overwrites, failing="gone", alicred=inline, sound=naive.Plain)
def test_one_failed_refresh_does_not_replace_a_good_value_with_nothing(subject: Subject) -> None:
    clock = FakeClock()
    source = Script(HOUR, DOWN, HOUR, clock=clock)
    cache = subject.make(source, clock=clock)
    cache.get()
    clock.advance(50 * MINUTE)
    answers = [outcome(cache.get) for _ in range(3)]
    assert source.calls == 2, "the refresh has been tried"
    assert ids(answers) == {"id-1"}, "gone"


@bites(naive.ServesTheDead, failing="served past its end", alicred=inline, sound=naive.Plain)
def test_nothing_expired_is_served_however_long_the_outage(subject: Subject) -> None:
    clock = FakeClock()
    cache = subject.make(Script(HOUR, DOWN, clock=clock), clock=clock)
    for _ in range(3 * 60):
        answer = outcome(cache.get)
        expires_at = answer.expires_at if isinstance(answer, Credential) else None
        assert expires_at is None or expires_at > clock.utcnow(), "served past its end"
        clock.advance(MINUTE)


@bites(naive.PausesForEver, failing="left alone for", alicred=inline, sound=naive.Plain)
def test_the_pause_between_two_attempts_does_not_grow_for_ever(subject: Subject) -> None:
    clock = FakeClock()
    source = Script(DOWN, clock=clock)
    cache = subject.make(source, clock=clock)
    for _ in range(60 * 60):
        outcome(cache.get)
        clock.advance(SECOND)
    pauses = [later - earlier for earlier, later in pairwise([*source.times, clock.monotonic()])]
    assert max(pauses) <= 61, f"left alone for {max(pauses)} s"
    assert len(pauses) < 360, "and yet no storm"


@bites(naive.PausesWithoutAValueOnly, failing="asked at every read", alicred=inline, sound=naive.Plain)
def test_the_back_off_holds_while_the_value_is_still_valid(subject: Subject) -> None:
    clock = FakeClock()
    source = Script(HOUR, DOWN, clock=clock)
    cache = subject.make(source, clock=clock)
    cache.get()
    clock.advance(50 * MINUTE)
    for _ in range(3000):  # ten callers a second, for five minutes
        cache.get()
        clock.advance(SECOND / 10)
    assert source.calls < 100, "asked at every read"


@bites(naive.PausesForMinutes, failing="still an error", alicred=inline, sound=naive.Plain)
def test_the_back_off_is_over_soon_after_the_outage(subject: Subject) -> None:
    clock = FakeClock()
    outage = [True]
    cache = subject.make(Script(HOUR, lambda: DOWN if outage else HOUR, clock=clock), clock=clock)
    for _ in range(70 * 60):  # the service is gone before the first refresh, and stays so until ten minutes after the value's end
        outcome(cache.get)
        clock.advance(SECOND)
    outage.clear()
    clock.advance(MINUTE)
    answer = outcome(cache.get)
    assert isinstance(answer, Credential), "still an error, a minute after the service is back"
