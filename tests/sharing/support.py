"""The workers that share a store."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from alicred import CachingProvider, Credential, RefreshMode, RefreshPolicy
from alicred.sharing import SharedProvider, SharingPolicy, StoreKey
from alicred.testing import FakeClock, FakeStore
from tests.support import Recorder, Script

ZERO = timedelta(0)
INLINE = RefreshPolicy(mode=RefreshMode.INLINE, jitter=0)


class Scripted(FakeStore):
    """A store that answers each claim with *answer*, if there is one, whatever is asked for."""

    answer: object = None

    @property
    def claims(self) -> int:
        return sum(call == "claim" for call, _ in self.calls)

    def claim(self, entry: str, *, newer_than: int, lease: timedelta) -> Any:
        found = super().claim(entry, newer_than=newer_than, lease=lease if self.answer is None else ZERO)
        return found if self.answer is None else self.answer


class Fleet:
    """Workers that share a store, on one clock, each a cache of its own over the one service."""

    def __init__(self, *answers: object, **policy: object) -> None:
        self.clock = FakeClock()
        self.store = Scripted(self.clock, name="memory")
        self.key = StoreKey.generate()
        self.service = Script(*answers, clock=self.clock)
        self.policy = SharingPolicy(**policy)  # type: ignore[arg-type]
        self.heard = Recorder()

    def shared(self, **changes: object) -> SharedProvider:
        given = {"name": "reports", "key": self.key, "policy": self.policy, "clock": self.clock, "listener": self.heard, **changes}
        source = given.pop("source", self.service)
        return SharedProvider(source, self.store, **given)  # type: ignore[arg-type]

    def worker(self, refresh: RefreshPolicy = INLINE, **changes: object) -> CachingProvider[Credential]:
        return CachingProvider(self.shared(**changes), refresh=refresh, clock=self.clock, listener=self.heard)
