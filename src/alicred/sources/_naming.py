"""Errors that say which source they come from."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from alicred.errors import AlicredError


@contextmanager
def errors_of(name: str) -> Generator[None, None, None]:
    """Give every `AlicredError` that passes the provider name *name*, in front of the one that it may have: ``profile/ecs_ram_role``.

    Only for errors that were made for this call: they are changed in place.
    """
    try:
        yield
    except AlicredError as error:
        error.provider = f"{name}/{error.provider}" if error.provider else name
        raise
