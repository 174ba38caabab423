"""One section of the profile file, as the types of credentials read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import attrs

import alicred._internal.checks as check
from alicred._internal.files import shown
from alicred.errors import ConfigurationError
from alicred.wire.role_session import LONGEST_SESSION, SHORTEST_SESSION

_ZERO = timedelta(0)
_HOUR = timedelta(hours=1)
_KEYS = ("access_key_id", "access_key_secret", "security_token", "bearer_token", "public_key_id")
_OF_SEVERAL_LINES = ("policy",)
_LONGEST_NUMBER = 9  # digits: longer than any session, and no trouble for timedelta


@attrs.frozen(kw_only=True)
class Profile:
    """One section of the profile file. A value; its ``repr`` and its errors hold no value of the section.

    The errors name the key; the caller that asks for the keys adds `where`.

    Args:
        name: The section's name.
        path: The file.
        line: The line of the section's header.
        values: The section's keys, in lower case, with their values.
        lines: The lines in which the keys stand.
    """

    name: str
    path: str
    line: int
    values: Mapping[str, str] = attrs.field(repr=False)
    lines: Mapping[str, int] = attrs.field(factory=dict[str, int], repr=False)

    @property
    def where(self) -> str:
        """How an error text calls the section."""
        return f"profile {self.name!r} (line {self.line} of {shown(self.path)})"

    def check_lines(self) -> None:
        """Refuse a key of one line that goes on in others, whatever the key is: what stands there would be lost, a policy for one.

        Raises:
            ConfigurationError: The text names the key and its line.
        """
        for key, value in self.values.items():
            if "\n" in value and key not in _OF_SEVERAL_LINES:
                problem = f"{key} goes on in lines that are indented further, as only a policy may: indent all keys alike"
                raise ConfigurationError(f"{problem} (line {self.lines.get(key)})")

    def text(self, key: str) -> str | None:
        """The value of *key*; ``None`` if it is missing or empty.

        Raises:
            ConfigurationError: It cannot be a value of this key; the text names the key and its line.
        """
        value = check.bare(self.values.get(key, ""))
        try:
            return check.key_text(key, value) if value and key in _KEYS else value or None
        except ConfigurationError as error:
            raise ConfigurationError(f"{error.message} (line {self.lines.get(key)})") from None

    def needed(self, *keys: str) -> tuple[str, ...]:
        """The values of *keys*.

        Raises:
            ConfigurationError: Some are missing or empty, and the text names all of these; or as `text`.
        """
        values = {key: self.text(key) for key in keys}
        missing = [key for key, value in values.items() if value is None]
        if missing:
            raise ConfigurationError(f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
        return tuple(value for value in values.values() if value is not None)

    def session_span(self, *keys: str, at_most: timedelta = LONGEST_SESSION) -> timedelta:
        """The seconds that the first of *keys* with a value says; an hour if none has one, or if that is 0.

        Raises:
            ConfigurationError: The value is not a whole number of seconds that the service takes; the text names the key.
        """
        for key in keys:
            value = self.text(key)
            if value is None:
                continue
            is_number = value.isascii() and value.isdigit() and len(value) <= _LONGEST_NUMBER
            span = timedelta(seconds=int(value)) if is_number else _ZERO
            if not is_number or (span and not SHORTEST_SESSION <= span <= at_most):
                least, most = (int(limit.total_seconds()) for limit in (SHORTEST_SESSION, at_most))
                raise ConfigurationError(f"{key} must be a whole number of seconds, {least} to {most}")
            return span or _HOUR
        return _HOUR
