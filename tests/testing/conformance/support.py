"""What the tests of the conformance kit share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from alicred import Clock, Credential, Provider, RefreshPolicy, StaticProvider, TransientError
from alicred.events import Listener
from alicred.testing.conformance import Check, source_checks

HOUR = timedelta(hours=1)
SECRET = "the-first-secret"
PASSWORD = "the-password-of-the-vault"


def check_named(name: str, checks: tuple[Check, ...]) -> Check:
    return next(check for check in checks if check.name == name)


NAMES = [check.name for check in source_checks(lambda: StaticProvider(Credential("id", SECRET)))]


class Vault:
    """A source that does everything right. Those below break one promise each."""

    name = "vault"

    def __init__(self, password: str = PASSWORD) -> None:
        self._password = password

    def get(self) -> Credential:
        return Credential("id", SECRET, "the-first-token", datetime.now(timezone.utc) + HOUR)

    def __repr__(self) -> str:
        return "<Vault>"


class HoldsALock(Vault):
    """What a thread of the parent holds while it forks, nobody releases in the child."""

    LOCK = threading.Lock()

    def get(self) -> Credential:
        with self.LOCK:
            threading.Event().wait(0.2)
            return super().get()


class SaysThePassword(Vault):
    def get(self) -> Credential:
        raise TransientError(f"{self._password} does not open the vault")


class NeverMade(Vault):
    def __init__(self) -> None:
        raise ValueError(PASSWORD)


class Bare:
    """A cache with ``get()`` and nothing else, for what is easily got wrong in one."""

    def __init__(self, source: Provider[Credential], *, refresh: RefreshPolicy, clock: Clock, listener: Listener) -> None:
        self.name = source.name
        self.source = source
        self.refresh = refresh
        self.clock = clock
        self.held: Credential | None = None
        self.until = 0.0

    def get(self) -> Credential:
        if self.held is None or self.clock.monotonic() >= self.until:
            self.fetch()
        assert self.held is not None
        return self.held

    def fetch(self) -> None:
        self.held = self.source.get()
        left = self.held.expires_at - self.clock.utcnow() if self.held.expires_at else timedelta(days=9999)
        self.until = self.clock.monotonic() + left.total_seconds()


class FirstForEver(Bare):
    """Never fetches again, and so serves what has ended."""

    def get(self) -> Credential:
        return self.held or super().get()


Breaks = Callable[..., Provider[Credential]]
