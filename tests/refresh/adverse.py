"""What the tests of a cache under adversity share."""

from __future__ import annotations

from datetime import timedelta

from alicred import (
    Backoff,
    RefreshMode,
    RefreshPolicy,
    TransientError,
)
from tests.support import SECOND

MINUTE = timedelta(minutes=1)
TICK = timedelta(milliseconds=1)
DOWN = TransientError("the service is down")
STEADY = Backoff(initial=SECOND, maximum=MINUTE, jitter=0)
INLINE = RefreshPolicy(mode=RefreshMode.INLINE, jitter=0, failure_backoff=STEADY)


class Exhausted(BaseException):
    """Stands for what is used up."""
