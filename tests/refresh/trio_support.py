"""What the tests of the cache under tasks share."""

from __future__ import annotations

from alicred import CachingProvider, Credential


def waiters(cache: CachingProvider[Credential]) -> int:
    flight = cache._current().flight
    return 0 if flight is None else len(flight._waiters)
