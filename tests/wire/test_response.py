"""What the date of an answer teaches a clock, and what it does not."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred.clock import SystemClock
from alicred.wire.response import HttpResponse, learn_time
from tests.wire.stopped_clock import NOW, StoppedClock

DATED = HttpResponse(200, {"date": format_datetime(NOW, usegmt=True)}, b"", secure=True)


@pytest.mark.parametrize(
    ("ahead", "took", "learned"),
    [
        (0.0, 0.0, 0.0),
        (3.0, 7.0, 3.0),  # the body came 7 seconds after the head: any moment in between may be the right one
        (7.0, 7.0, 7.0),
        (9.0, 7.0, 7.0),
        (-2.0, 7.0, 0.0),
        (3600.0, 7.0, 7.0),
        (-3600.0, 7.0, 0.0),
    ],
)
def test_the_date_is_as_old_as_the_exchange_was_long_or_younger(ahead: float, took: float, learned: float) -> None:
    clock = StoppedClock()
    clock.now = NOW + timedelta(seconds=ahead)
    learn_time(clock, DATED, took)
    assert clock.observed == [NOW + timedelta(seconds=learned)]


@given(st.floats(0, 600), st.floats(0, 1))
def test_a_clock_that_is_right_stays_as_it_is_however_slow_the_answer(took: float, share: float) -> None:
    """The answer was dated at some moment of the exchange, and now it is *took* seconds later at most."""
    clock = StoppedClock()
    clock.now = NOW + timedelta(seconds=took * share)
    learn_time(clock, DATED, took)
    assert clock.observed == [clock.now]


ODD = [
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
    "Mon, 99999999999999999999 Jan 2030 00:00:00 GMT",
    "Mon, 01 Jan 2030 00:00:00 +99999999999",
    "Mon, 01 Jan 0001 00:00:00 +2359",
    "Fri, 31 Dec 9999 23:59:59 -2359",
    "Mon, 01 Jan 2030 99:00:00 GMT",
    "Mon, 01 Jan 2030 00:00:" + "9" * 5000,
    "Mon, 00 Jan 0000 00:00:00 GMT",
    "\ud800",
]
NUMBERS = r"\w{0,3},? [0-9]{0,25} \w{0,4} -?[0-9]{0,25} [0-9:]{0,12} [+-]?[0-9A-Z]{0,12}"


@given(st.one_of(st.sampled_from(ODD), st.text(), st.from_regex(NUMBERS)))
def test_whatever_stands_for_the_date_raises_nothing(date: str) -> None:
    clock = SystemClock()
    learn_time(clock, HttpResponse(200, {"date": date}, b"", secure=True), 1.0)
    clock.utcnow()


@pytest.mark.parametrize("date", [datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc), datetime(1800, 1, 1, tzinfo=timezone.utc)])
def test_no_clock_is_off_by_a_century(date: datetime) -> None:
    clock = SystemClock()
    clock.observe(datetime.now(timezone.utc) + timedelta(hours=1))
    clock.observe(date)
    learn_time(clock, HttpResponse(200, {"date": format_datetime(date, usegmt=True)}, b"", secure=True), 1.0)
    assert timedelta(minutes=59) < clock.skew < timedelta(minutes=61)
    clock.utcnow()
