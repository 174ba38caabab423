"""A clock that stands still, and learns the time of a server."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


class StoppedClock:
    """Says what time it was last told."""

    def __init__(self) -> None:
        self.now = NOW
        self.observed: list[datetime] = []

    def monotonic(self) -> float:
        return 0.0

    def utcnow(self) -> datetime:
        return self.now

    def sleep(self, span: timedelta) -> None:
        raise AssertionError("nothing here waits")

    def observe(self, server_time: datetime) -> None:
        self.observed.append(server_time)
        self.now = server_time
