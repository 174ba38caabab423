"""How a task asks a provider."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from alicred.credential import C
from alicred.provider import Provider


async def ask_in_task(provider: Provider[C]) -> C:
    """What *provider* provides, without blocking the event loop: through its ``aget()``, or through a thread if it has none."""
    aget: object = getattr(provider, "aget", None)
    if callable(aget):
        return await cast("Callable[[], Awaitable[C]]", aget)()  # a provider's own: what it awaits to is the provider's word
    from asyncio import to_thread  # only who awaits needs it

    return await to_thread(provider.get)
