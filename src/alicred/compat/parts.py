"""Parts of one credential that are asked for one by one: they shall be of one fetch."""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import TYPE_CHECKING
from weakref import ref

import attrs

if TYPE_CHECKING:
    from alicred.compat.models import CredentialModel

_FRESH = 60.0  # seconds for which a part still belongs to what was asked for before


@attrs.frozen
class _Asked:
    """What was fetched for somebody, and when."""

    owner: ref[object]
    value: CredentialModel = attrs.field(repr=False)
    at: float

    def is_fresh(self) -> bool:
        return self.owner() is not None and time.monotonic() - self.at < _FRESH


# Of each thread and task its own, and immutable: a task begins with a copy of its maker's context.
_asked: ContextVar[tuple[_Asked, ...]] = ContextVar("alicred.compat.parts", default=())


def begin(owner: object, value: CredentialModel) -> CredentialModel:
    """Have the next parts that this thread or task asks *owner* for come from *value*, which is returned."""
    others = tuple(asked for asked in _asked.get() if asked.is_fresh() and asked.owner() is not owner)
    _asked.set((*others, _Asked(ref(owner), value, time.monotonic())))
    return value


def begun(owner: object) -> CredentialModel | None:
    """What the next part comes from, if this thread or task has asked *owner* for another within the last minute."""
    return next((asked.value for asked in _asked.get() if asked.owner() is owner and asked.is_fresh()), None)
