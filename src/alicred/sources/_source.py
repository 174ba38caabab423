"""What every source has: a name, which stands in its errors and in the credentials that it hands out."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Generic, TypeVar

import alicred._internal.checks as check
from alicred.credential import more_precise
from alicred.errors import AlicredError, ConfigurationError, SourceReport

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

    _asks_each_time = True  # and keeps nothing: see `alicred.provider.asks_each_time`

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


def role_identity(role_arn: str, session: str | None, duration: timedelta, policy: str | None, **more: object) -> dict[str, object]:
    """What makes the sessions of a role differ from each other, for `identity` of a source; texts are hashed later."""
    return {"role_arn": role_arn, "session": session, "duration": duration.total_seconds(), "policy": policy, **more}


class Origin:
    """Where a credential comes from, as far as its source has found out.

    Attributes:
        text: The words for it.
        obtained_with: The identity that a role is assumed with.
    """

    __slots__ = ("obtained_with", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.obtained_with: SourceReport | None = None


@contextmanager
def errors_from(origin: str) -> Generator[None, None, None]:
    """Tell every `AlicredError` that passes that it comes from *origin*, more precisely from where it says. See `errors_of`."""
    try:
        yield
    except AlicredError as error:
        error.origin = more_precise(origin, error.origin)
        raise


@contextmanager
def errors_of(name: str, origin: str = "") -> Generator[Origin, None, None]:
    """Give every `AlicredError` that passes the provider name *name*, in front of the one that it may have, and *origin*.

    ``profile`` and ``ecs_ram_role`` become ``profile/ecs_ram_role``. The source may write into the `Origin` as it finds out more.

    Only for errors that were made for this call: they are changed in place.
    """
    found = Origin(origin)
    try:
        yield found
    except AlicredError as error:
        error.provider = f"{name}/{error.provider}" if error.provider else name
        error.origin = more_precise(found.text, error.origin)
        error.obtained_with = error.obtained_with or found.obtained_with
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
