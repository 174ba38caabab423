"""What every source has: a name, which stands in its errors and in the credentials that it hands out."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Generic, TypeVar

import alicred._internal.checks as check
from alicred.errors import AlicredError, ConfigurationError

T = TypeVar("T")

_PARAMETER = re.compile(r"[A-Z]\w*\.(\w+)", re.ASCII)


class Source:
    """The name of a source, and where it looks variables up. Immutable: thread-, task- and fork-safe, picklable.

    Args:
        owner: The class, for errors.
        kind: The name that a source of this class has if it is given none.
        name: The name that it is given.
        environ: Where to look variables up; ``None`` means ``os.environ`` at the time of the call.

    Raises:
        ConfigurationError: *name* is empty or no string, or *environ* is no mapping; the text names it.
    """

    def __init__(self, owner: str, kind: str, name: str | None, environ: Mapping[str, str] | None = None) -> None:
        self._name = kind if name is None else check.text(f"{owner}.name", name)
        self._environ = check.environment(f"{owner}.environ", environ)

    @property
    def name(self) -> str:
        """What this source is called in reports, events and errors, and in the ``provider_name`` of what it hands out."""
        return self._name

    @property
    def _variables(self) -> Mapping[str, str]:
        """Where to look variables up now."""
        return os.environ if self._environ is None else self._environ


class Given(Generic[T]):
    """Settings of a source that are given once and for all: called as what reads them from variables is."""

    def __init__(self, value: T) -> None:
        self._value = value

    def __call__(self, environ: Mapping[str, str]) -> T:
        """The settings."""
        return self._value


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
def parameters_called(names: Mapping[str, str], prefix: str = "") -> Generator[None, None, None]:
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
