"""One section of the profile file, as the types of credentials read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import attrs

import alicred._internal.checks as check
from alicred._internal.files import shown
from alicred.errors import ConfigurationError
from alicred.sources.profiles.builders import AnyProfile, Keys, longest
from alicred.wire.role_session import SHORTEST_SESSION

if TYPE_CHECKING:
    from alicred.sources._clients import StsChoice
    from alicred.wire.sts import StsClient

_ZERO = timedelta(0)
_HOUR = timedelta(hours=1)
_KEYS = ("access_key_id", "access_key_secret", "security_token", "bearer_token", "public_key_id")
_LASTS = ("role_session_expiration", "session_expiration")
_OF_SEVERAL_LINES = ("policy",)
_LONGEST_NUMBER = 9  # digits: longer than any session, and no trouble for timedelta


@attrs.frozen(kw_only=True)
class Profile(AnyProfile):
    """One section of the profile file. A value; its ``repr`` and its errors hold no value of the section.

    The errors name the key; the caller that asks for the keys adds `where`.

    Args:
        name: The section's name.
        path: The file.
        line: The line of the section's header.
        values: The section's keys, in lower case, with their values.
        lines: The lines in which the keys stand.
    """

    KEYS = Keys(
        role_arn="role_arn",
        role_name="role_name",
        token_file="oidc_token_file_path",
        key_id="public_key_id",
        key_file="private_key_file",
        session_names=("role_session_name",),
    )

    name: str
    path: str
    line: int
    values: Mapping[str, str] = attrs.field(repr=False)
    lines: Mapping[str, int] = attrs.field(factory=dict[str, int], repr=False)

    @property
    def where(self) -> str:
        """How an error text calls the section."""
        return f"profile {self.name!r} (line {self.line} of {shown(self.path)})"

    @property
    def origin(self) -> str:
        """As `AnyProfile.origin`."""
        kind = self.values.get("type", "").strip()
        shown_kind = f" (type {kind})" if kind.replace("_", "").isalpha() else ""
        return f"profile {self.name!r}{shown_kind} of {shown(self.path)}"

    def check_lines(self) -> None:
        """Refuse a key of one line that goes on in others, whatever the key is: what stands there would be lost, a policy for one.

        Raises:
            ConfigurationError: The text names the key and its line.
        """
        for key, value in self.values.items():
            if "\n" in value and key not in _OF_SEVERAL_LINES:
                problem = f"{key} goes on in lines that are indented further, as only a policy may. Indent all keys alike"
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

    def lasts(self, *, pair: bool = False) -> timedelta:
        """The seconds that the section says, by either key; an hour if it says none, or 0.

        Raises:
            ConfigurationError: The value is not a whole number of seconds that the service takes; the text names the key.
        """
        at_most = longest(pair=pair)
        for key in reversed(_LASTS) if pair else _LASTS:
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

    def sts(self, choice: StsChoice, environ: Mapping[str, str]) -> StsClient:
        """As `AnyProfile.sts`; the region may be that of the user's other clients."""
        key = "sts_region" if self.text("sts_region") else "region_id"
        return choice.client(environ, endpoint=self.text("sts_endpoint"), region=self.text(key), names=("sts_endpoint", key))
