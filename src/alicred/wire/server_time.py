"""What an answer teaches about the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alicred.clock import Clock
    from alicred.wire.http import HttpResponse


def learn_time(clock: Clock, response: HttpResponse, took: float) -> None:
    """Have *clock* observe the ``Date`` of *response*, if that came over TLS and is a date.

    The date was written at some moment of the *took* seconds that the exchange lasted. So it is at most that long ago, and a clock that
    agrees with any moment in between is right.
    """
    if not response.secure:
        return
    from datetime import timedelta, timezone
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(response.headers.get("date", ""))
    except (TypeError, ValueError, OverflowError, IndexError):  # what a text that is no date may raise there
        return
    earliest = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    try:
        earliest = earliest.astimezone(timezone.utc)
        latest = earliest + timedelta(seconds=took)
    except OverflowError:
        return  # the first and the last day that there are, are no date of an answer
    clock.observe(min(max(earliest, clock.utcnow()), latest))
