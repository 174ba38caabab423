"""One profile of the command line tool's file, as its modes read it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import attrs

import alicred._internal.checks as check
from alicred._internal.environ import key_variable, variable
from alicred._internal.files import shown
from alicred.credential import Credential
from alicred.errors import ConfigurationError
from alicred.sources.environment import ACCESS_KEY_ID, ACCESS_KEY_SECRET, SECURITY_TOKEN, variables_text
from alicred.sources.profiles.builders import AnyProfile, Keys, longest, missing_text
from alicred.wire.role_session import SHORTEST_SESSION

if TYPE_CHECKING:
    from alicred.sources._clients import StsChoice
    from alicred.wire.sts import StsClient

_HOUR = timedelta(hours=1)
_GAPS = {
    "ram_role_arn": "ALIBABA_CLOUD_ROLE_ARN",
    "external_id": "ALIBABA_CLOUD_EXTERNAL_ID",
    "oidc_provider_arn": "ALIBABA_CLOUD_OIDC_PROVIDER_ARN",
    "oidc_token_file": "ALIBABA_CLOUD_OIDC_TOKEN_FILE",
    "credentials_uri": "ALIBABA_CLOUD_CREDENTIALS_URI",
    "bearer_token": "ALIBABA_CLOUD_BEARER_TOKEN",
}
_KEY = ("access_key_id", "access_key_secret", "sts_token")
_KEYS = frozenset({
    *_KEY, "bearer_token", "key_pair_name", "access_token", "oauth_access_token", "oauth_refresh_token", "cloud_sso_account_id",
    "cloud_sso_access_config",
})  # fmt: skip


@attrs.frozen(kw_only=True)
class CliProfile(AnyProfile):
    """One profile of the file. A value; its ``repr`` and its errors hold no value of the profile.

    ``null``, ``""``, ``0`` and ``false`` count as missing: the tools write them for what was never set. The errors name the key;
    the caller that asks for the keys adds `where`.

    Args:
        name: The profile's name.
        path: The file.
        values: The profile's keys and values.
        environ: The variables that fill the profile's gaps.
    """

    KEYS = Keys(
        role_arn="ram_role_arn",
        role_name="ram_role_name",
        token_file="oidc_token_file",
        key_id="key_pair_name",
        key_file="private_key",
        session_names=("ram_session_name", "role_session_name"),  # the second is what the official Python library reads in an OIDC profile
    )

    name: str
    path: str
    values: Mapping[str, object] = attrs.field(repr=False)
    environ: Mapping[str, str] = attrs.field(repr=False)

    @property
    def where(self) -> str:
        """How an error text calls the profile."""
        return f"profile {self.name!r} of {shown(self.path)}"

    @property
    def origin(self) -> str:
        """As `AnyProfile.origin`."""
        mode = self.values.get("mode")
        shown_mode = f" (mode {mode})" if isinstance(mode, str) and mode.isalpha() else ""
        return f"profile {self.name!r}{shown_mode} of {shown(self.path)}"

    def text(self, key: str) -> str | None:
        """The value of *key*, else that of the variable that stands in for it.

        Raises:
            ConfigurationError: The value is no string, or cannot be one of this key; the error names the key, or the variable.
        """
        read = key_variable if key in _KEYS else variable
        return self._own(key) or (read(self.environ, _GAPS[key]) if key in _GAPS else None)

    def key_of(self, key: str) -> str:
        """Where `text` has the value of *key* from: *key* itself, or the variable that stands in for it."""
        return key if self._own(key) else _GAPS.get(key, key)

    def _own(self, key: str) -> str | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise ConfigurationError(f"{key} must be a string, not {type(value).__name__}")
        value = check.bare(value)
        if key in _KEYS and value:
            return check.key_text(key, value)
        return check.whole(key, value) or None

    def instead(self, key: str) -> str | None:
        """As `AnyProfile.instead`."""
        return _GAPS.get(key)

    def has_key(self) -> bool:
        """Whether there is an access key, or one half of one, here or in the environment."""
        return any(self._own(key) for key in _KEY[:2]) or self._variables()[0] is not None

    def access_key(self, *, token: bool) -> Credential:
        """The access key, with its security token if *token* says so; the environment's if the profile has neither id nor secret.

        The parts of a key are never taken from two places.

        Raises:
            ConfigurationError: A part is missing or cannot be one; the text names it.
        """
        parts = [self._own(key) for key in _KEY]
        if parts[0] is None and parts[1] is None and self._variables()[0] is not None:
            parts, names = self._variables(), [ACCESS_KEY_ID, ACCESS_KEY_SECRET]
        else:
            names = list(_KEY[:2])
        missing = [name for name, part in zip(names, parts, strict=False) if part is None]
        key_id, secret, security_token = parts
        if key_id is None or secret is None:
            raise ConfigurationError(missing_text(missing, [ACCESS_KEY_ID, ACCESS_KEY_SECRET] if len(missing) == 2 else []))
        security_token = security_token if token else None
        return Credential(key_id, secret, security_token, origin=self.origin if names[0] == _KEY[0] else variables_text(security_token))

    def _variables(self) -> list[str | None]:
        return [key_variable(self.environ, name) for name in (ACCESS_KEY_ID, ACCESS_KEY_SECRET, SECURITY_TOKEN)]

    def number(self, key: str) -> int | None:
        """The whole number of *key*; ``None`` if it is missing or 0.

        Raises:
            ConfigurationError: It is anything else; the text names the key.
        """
        value = self.values.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ConfigurationError(f"{key} must be a whole number, not {type(value).__name__}")
        if not 0 <= value < 1 << 40:
            raise ConfigurationError(f"{key} must be a whole number of zero or more, and no larger than a time or a span is")
        return value or None

    def flag(self, key: str) -> bool:
        """Whether *key* is ``true``.

        Raises:
            ConfigurationError: It is neither ``true`` nor ``false``, nor missing; the text names the key.
        """
        value = self.values.get(key)
        if value is None or value in (0, ""):  # as False is
            return False
        if not isinstance(value, bool):
            raise ConfigurationError(f"{key} must be true or false, not {type(value).__name__}")
        return value

    def lasts(self, *, pair: bool = False) -> timedelta:
        """The seconds of ``expired_seconds``, an hour if it is missing.

        Raises:
            ConfigurationError: It is no whole number, or none that the service takes; the text names the key.
        """
        seconds = self.number("expired_seconds")
        if seconds is None:
            return _HOUR
        least, most = (int(limit.total_seconds()) for limit in (SHORTEST_SESSION, longest(pair=pair)))
        if not least <= seconds <= most:
            raise ConfigurationError(f"expired_seconds must be {least} to {most} (seconds), not {seconds}")
        return timedelta(seconds=seconds)

    def sts(self, choice: StsChoice, environ: Mapping[str, str]) -> StsClient:
        """As `AnyProfile.sts`."""
        vpc = True if self.flag("enable_vpc") else None
        return choice.client(environ, endpoint=self.text("sts_endpoint"), region=self.text("sts_region"), vpc=vpc)

    def moment(self, key: str) -> datetime | None:
        """The moment of *key*, seconds since 1970; ``None`` if it is missing.

        Raises:
            ConfigurationError: It is no time; the text names the key.
        """
        seconds = self.number(key)
        try:
            return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
        except (ValueError, OverflowError, OSError):
            pass
        raise ConfigurationError(f"{key} must be a time, in seconds since 1970")
