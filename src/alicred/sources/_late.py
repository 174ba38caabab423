"""A source that is made when it is first used, so that a program loads the modules of the sources that it asks and no others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from alicred.credential import C
from alicred.provider import Provider


class LateSource(Generic[C]):
    """What *make* returns, made at the first `get`. Thread-, task- and fork-safe; it can be pickled if *make* can.

    Args:
        name: The name of the source, known before it is made.
        make: Makes the source. Its arguments have been checked: a caller of `get` cannot correct them.
    """

    _asks_each_time = True

    def __init__(self, name: str, make: Callable[[], Provider[C]]) -> None:
        self._name = name
        self._make = make
        self._made: dict[str, Provider[C]] = {}

    @property
    def name(self) -> str:
        return self._name

    @property
    def source(self) -> Provider[C]:
        """The source itself."""
        found = self._made.get("source")
        # Two threads may both make one; both use the one that is there first, since a source may keep what it has learned.
        return found if found is not None else self._made.setdefault("source", self._make())

    def get(self) -> C:
        """One value of the source."""
        return self.source.get()

    def __repr__(self) -> str:
        return f"<{self._name}>" if not self._made else repr(self.source)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self._name, self._make)
