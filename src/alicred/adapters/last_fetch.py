"""What a thread or task has fetched last.

For clients that ask for the parts of a credential one by one, which must be of one fetch, and for those that report a rejection, which must
hit what was rejected and nothing newer.
"""

from __future__ import annotations

import math
from contextvars import ContextVar
from typing import Generic, TypeVar
from weakref import ref

from alicred._internal.real_time import monotonic

V = TypeVar("V")


class LastFetch(Generic[V]):
    """What each thread and task has fetched last from each owner. Thread-, task- and fork-safe; nothing ever blocks.

    Nothing outlives its owner: a value is let go of in all threads and tasks as soon as the owner is gone. A task begins with what its
    maker had. Make one per module, not one per owner: a context holds a context variable for as long as it lives itself.

    Args:
        name: Of the context variable.
        seconds: For how long a value is kept; forever if not given.
    """

    def __init__(self, name: str, seconds: float = math.inf) -> None:
        # Each tuple is never changed: a task begins with a copy of its maker's context, which has the same one.
        self._fetched: ContextVar[tuple[_Fetched[V], ...]] = ContextVar(name, default=())
        self._seconds = seconds

    def remember(self, owner: object, value: V) -> V:
        """Keep *value*, which is returned, as what this thread or task has fetched last from *owner*."""
        others = (each for each in self._fetched.get() if (whose := each()) is not None and whose is not owner and self._is_fresh(each))
        self._fetched.set((*others, _Fetched(owner, value)))
        return value

    def recall(self, owner: object) -> V | None:
        """What this thread or task has fetched last from *owner*, if anything."""
        return next((each.value for each in self._fetched.get() if each() is owner and self._is_fresh(each)), None)

    def _is_fresh(self, fetched: _Fetched[V]) -> bool:
        return monotonic() - fetched.at < self._seconds


class _Fetched(ref[object], Generic[V]):
    """A weak reference to an owner, with what was fetched for it and when. The value goes when the owner goes."""

    __slots__ = ("at", "value")

    value: V | None
    at: float

    def __new__(cls, owner: object, value: V) -> _Fetched[V]:
        return super().__new__(cls, owner, _let_go)

    def __init__(self, owner: object, value: V) -> None:
        self.value = value
        self.at = monotonic()


def _let_go(fetched: ref[object]) -> None:
    if isinstance(fetched, _Fetched):
        fetched.value = None
