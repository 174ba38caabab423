"""The one interface that sources and decorators share."""

from __future__ import annotations

from typing import Protocol

from alicred.credential import C_co


class Provider(Protocol[C_co]):
    """Anything with a ``name`` and a ``get()``: no base class, no registration.

    ``get()`` may be called from several threads at once. It raises `AlicredError`, and nothing else, on failure; a
    decorator turns anything else into a `ProviderError`.
    """

    @property
    def name(self) -> str:
        """What the provider is called in reports, events and errors."""
        ...

    def get(self) -> C_co:
        """One value. May block; a source asks its origin each time, a decorator may have kept one."""
        ...
