"""What trusts a clock, or a value, that it has looked at once: each with one mistake, at the line with the comment."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone
from math import inf

from alicred import AlicredError, Credential, Provider, RefreshTimeoutError
from alicred.clock import SystemClock
from alicred.testing import FakeClock
from tests.field.naive import Plain

# Clocks


class KeepsTheOffset(FakeClock):
    """Once told, always known: also when the clock has been set right since."""

    def __init__(self, start: datetime | None = None) -> None:
        super().__init__(start)
        self._offset = timedelta(0)

    def observe(self, server_time: datetime) -> None:
        self._offset = server_time - super().utcnow()

    def utcnow(self) -> datetime:
        return super().utcnow() + self._offset  # nobody has asked whether it is the same clock still


class KeepsTheOffsetOfTheSystem(SystemClock):
    """The same, with the machine's clock."""

    def __init__(self) -> None:
        super().__init__()
        self._offset = timedelta(0)

    def observe(self, server_time: datetime) -> None:
        self._offset = server_time - datetime.now(timezone.utc)

    def utcnow(self) -> datetime:
        return datetime.now(timezone.utc) + self._offset  # which a test had frozen when that was learned


# Caches


class MeasuresOnce(Plain):
    """How long a value lasts is measured when it arrives, and that is that, whatever the clock was at that moment: so does `Plain`."""


class MeasuresAgain(Plain):
    """What is held already and arrives again is measured again, whatever the clock is by now: so does `Plain`."""


class KeepsTheLaterEnd(MeasuresAgain):
    def _keep(self, value: Credential) -> None:
        before = self._ends_at if value == self._value else -inf
        super()._keep(value)
        self._ends_at = max(before, self._ends_at)


class LooksAgain(Plain):
    """Takes what has no end as well: it lasts for ever, and is asked for again every five minutes."""

    LOOK = 5 * 60.0

    def _keep(self, value: Credential) -> None:
        self._value, self._ends_at, self._due_at, self._in_vain = value, inf, self._now() + self.LOOK, 0


class NeverLooksAgain(LooksAgain):
    LOOK = inf  # a key without an end is good for ever, so why ask


class DropsWhatIsGone(LooksAgain):
    def _pause_after_failure(self, error: AlicredError) -> None:
        self._value = None  # what is not in the file any more is not to be used any more; but a file is also gone while it is replaced
        self._pause()


class WaitsByAFrozenClock:
    """Fetches on a thread, and waits for that one by the clock that test tools freeze."""

    def __init__(self, source: Provider[Credential], max_wait: timedelta) -> None:
        self._source = source
        self._seconds = max_wait.total_seconds()

    def get(self) -> Credential:
        found: list[Credential] = []
        threading.Thread(target=lambda: found.append(self._source.get()), daemon=True).start()
        deadline = time.monotonic() + self._seconds
        while not found:
            if time.monotonic() > deadline:  # never, while nothing moves it
                raise RefreshTimeoutError("waited in vain")
            time.sleep(0.01)
        return found[0]
