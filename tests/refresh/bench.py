"""A cache on a clock that stands still, with a source that follows a script."""

from __future__ import annotations

from datetime import timedelta

from alicred import (
    Backoff,
    CachingProvider,
    Credential,
    Phase,
    RefreshMode,
    RefreshPolicy,
    TransientError,
)
from alicred.testing import FakeClock
from tests.strategies import EPOCH
from tests.support import SECOND, Recorder, Script

MINUTE = timedelta(minutes=1)
FIXED = Backoff(initial=SECOND, maximum=MINUTE, jitter=0)
DOWN = TransientError("the service is down")


class Bench:
    """A cache with its clock, its source and what it told."""

    def __init__(self, *steps: object, mode: RefreshMode = RefreshMode.INLINE, **policy: object) -> None:
        self.clock = FakeClock()
        self.source = Script(*steps, clock=self.clock)
        self.heard = Recorder()
        settings = {"mode": mode, "jitter": 0.0, "failure_backoff": FIXED, **policy}
        self.cache: CachingProvider[Credential] = CachingProvider(
            self.source,
            refresh=RefreshPolicy(**settings),  # type: ignore[arg-type]  # the tests hand in what each is about
            clock=self.clock,
            listener=self.heard,
        )

    @property
    def phase(self) -> Phase:
        return self.cache.state().phase

    def at(self, span: timedelta) -> None:
        """Go to the moment *span* after the beginning."""
        self.clock.advance(span - (self.clock.utcnow() - EPOCH))

    def number(self) -> int:
        """The number of the credential that a caller gets now."""
        return int(self.cache.get().access_key_id.removeprefix("id-"))
