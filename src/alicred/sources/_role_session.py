"""What a role session is called."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping

from alicred._internal.environ import variable
from alicred.errors import ConfigurationError

VARIABLE = "ALIBABA_CLOUD_ROLE_SESSION_NAME"
_FORM = re.compile(r"[A-Za-z0-9.@_-]{2,64}")
_MUST = "must be 2 to 64 characters, each a letter A-Z or a-z, a digit or one of . @ _ -"


class SessionName:
    """The name of a provider's role sessions: the one given, else the variable's, else one made up once per object.

    Immutable, so thread- and fork-safe; the made-up name, ``alicred-<milliseconds since 1970>``, travels when it is pickled.
    """

    __slots__ = ("_default", "_given")

    def __init__(self, owner: str, given: object) -> None:
        if given is not None and not (isinstance(given, str) and _FORM.fullmatch(given)):
            raise ConfigurationError(f"{owner}.role_session_name {_MUST}")
        self._given: str | None = given
        self._default = f"alicred-{time.time_ns() // 1_000_000}"

    @property
    def given(self) -> str | None:
        """The name that was given."""
        return self._given

    def resolve(self, environ: Mapping[str, str]) -> str:
        """The name to send.

        Raises:
            ConfigurationError: No name was given, and the variable's is none that the service takes.
        """
        if self._given is not None:
            return self._given
        name = variable(environ, VARIABLE)
        if name is not None and not _FORM.fullmatch(name):
            raise ConfigurationError(f"{VARIABLE} {_MUST}")
        return name or self._default
