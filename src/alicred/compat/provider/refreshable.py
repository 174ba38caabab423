"""The value that every provider of the façade hands out."""

from __future__ import annotations

import attrs

from alicred.compat.api import ICredentials
from alicred.credential import Credential

_NAMES = {"credentials_uri": "credential_uri"}  # what the official package calls a source otherwise


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Credentials(ICredentials):
    """One credential. Immutable: all parts are of one fetch. Its ``repr`` shows no secret.

    Args:
        access_key_id: The id of the key.
        access_key_secret: The secret of the key.
        security_token: ``None`` unless the key is a temporary one.
        expiration: When it ends, in seconds since 1970; ``None`` if that is not known, or never.
        provider_name: Where it came from, such as ``ram_role_arn/static_ak``.
    """

    _access_key_id: str | None = attrs.field(default=None, alias="access_key_id")
    _access_key_secret: str | None = attrs.field(default=None, alias="access_key_secret")
    _security_token: str | None = attrs.field(default=None, alias="security_token")
    _expiration: int | None = attrs.field(default=None, alias="expiration")
    _provider_name: str | None = attrs.field(default=None, alias="provider_name")

    def __repr__(self) -> str:
        return f"Credentials(access_key_id={self._access_key_id!r}, provider_name={self._provider_name!r})"

    def get_access_key_id(self) -> str | None:
        return self._access_key_id

    def get_access_key_secret(self) -> str | None:
        return self._access_key_secret

    def get_security_token(self) -> str | None:
        return self._security_token

    def get_expiration(self) -> int | None:
        """When it ends, in seconds since 1970; ``None`` if that is not known, or never."""
        return self._expiration

    def get_provider_name(self) -> str | None:
        return self._provider_name


def credentials_of(value: Credential) -> Credentials:
    """*value* as the official package has it."""
    name = "/".join(_NAMES.get(part, part) for part in value.provider_name.split("/"))
    return Credentials(
        access_key_id=value.access_key_id,
        access_key_secret=value.access_key_secret,
        security_token=value.security_token,
        expiration=None if value.expires_at is None else int(value.expires_at.timestamp()),
        provider_name=name or None,
    )


__all__ = ["Credentials"]
