"""Errors that say which source they come from, and speak of parameters by the names that the user wrote."""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager

from alicred.errors import AlicredError, ConfigurationError

_PARAMETER = re.compile(r"[A-Z]\w*\.(\w+)", re.ASCII)


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


@contextmanager
def called(names: Mapping[str, str], prefix: str = "") -> Generator[None, None, None]:
    """Have every `ConfigurationError` that begins with a parameter, ``Class.parameter``, begin with the user's own name for it.

    Only for errors that were made for this call: they are changed in place.

    Args:
        names: What the user calls a parameter: the key of a file, or a variable. The others keep their names, without the class.
        prefix: What stands in front of each.
    """
    try:
        yield
    except ConfigurationError as error:
        found = _PARAMETER.match(error.message)
        if found is not None:
            error.args = (f"{prefix}{names.get(found[1], found[1])}{error.message[found.end() :]}",)
        raise
