"""What one source of a chain answered."""

from __future__ import annotations

from enum import Enum

import attrs

from alicred.errors import AlicredError


class SourceOutcome(Enum):
    """How asking one source ended."""

    FOUND = "found"
    NOT_CONFIGURED = "not configured"
    FAILED = "failed"


@attrs.frozen(kw_only=True)
class SourceReport:
    """What one source of a chain answered. A value; ``str()`` is one readable line without a secret.

    Args:
        name: Name of the source.
        outcome: Whether it had a credential, is not set up here, or is broken.
        detail: One line: what was found, what would set the source up, or how it is broken.
        error: The error, unless a credential was found.
        seconds: How long the source took to answer.
    """

    name: str
    outcome: SourceOutcome
    detail: str
    error: AlicredError | None = None
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"{self.name}: {self.outcome.value}: {self.detail}"
