"""Keys whose end is not known: they are kept for a minute."""

from __future__ import annotations

from datetime import timedelta

import attrs

from alicred.clock import SYSTEM_CLOCK
from alicred.credential import Credential
from alicred.provider import Provider

_LIFETIME = timedelta(seconds=60)


@attrs.frozen
class DefaultLifetime:
    """*source*, whose values without an end get one: a minute from now. So they are asked for again, but not at every call."""

    source: Provider[Credential]

    @property
    def name(self) -> str:
        return self.source.name

    def get(self) -> Credential:
        found = self.source.get()
        return found if found.expires_at is not None else attrs.evolve(found, expires_at=SYSTEM_CLOCK.utcnow() + _LIFETIME)
