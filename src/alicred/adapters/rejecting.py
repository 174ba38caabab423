"""For clients that let an adapter know when a service has rejected what it gave them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, cast

from alicred.credential import C
from alicred.provider import Provider


def reject(provider: Provider[C], value: C) -> None:
    """Tell *provider*, if it wants to know, as a `CachingProvider` does, that a service has rejected *value*."""
    invalidate: object = getattr(provider, "invalidate", None)
    if callable(invalidate):
        # optional, as aget() is; what it answers does not matter
        cast("Callable[[object], object]", invalidate)(value)


class LastUsed(Generic[C]):
    """What each thread got last from a provider, so that a rejection hits what was rejected and nothing newer.

    Thread- and fork-safe; for clients that sign and read the answer on one thread. It can be pickled if the provider can; what was used
    does not travel.

    Args:
        provider: Is told of rejections.
    """

    def __init__(self, provider: Provider[C]) -> None:
        self._provider = provider
        self._used = threading.local()

    def note(self, value: C) -> C:
        """*value*, which a later `reject` on this thread is about."""
        self._used.value = value
        return value

    def reject(self) -> None:
        """What this thread used last was rejected."""
        value: C | None = getattr(self._used, "value", None)
        if value is not None:
            reject(self._provider, value)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._provider,)
