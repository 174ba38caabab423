"""An access key that the program has."""

from __future__ import annotations

import alicred._internal.checks as check
from alicred._internal.environ import variable
from alicred.compat.bridge import OfficialProviderBase
from alicred.compat.environ import ENVIRON
from alicred.compat.exceptions import CredentialValueError, checking
from alicred.credential import Credential
from alicred.sources.environment import ACCESS_KEY_ID, ACCESS_KEY_SECRET


class StaticAKCredentialsProvider(OfficialProviderBase):
    """Always the key in `access_key_id` and `access_key_secret`, which may be assigned. Nothing blocks; no secret in ``repr``.

    Args:
        access_key_id: The id; without both, the key of ``ALIBABA_CLOUD_ACCESS_KEY_ID`` and ``_SECRET``, looked up now.
        access_key_secret: The secret.

    Raises:
        CredentialValueError: Half a key is missing, or it can be none.
    """

    def __init__(self, *, access_key_id: str | None = None, access_key_secret: str | None = None) -> None:
        if not access_key_id and not access_key_secret:
            access_key_id, access_key_secret = (held(name) for name in (ACCESS_KEY_ID, ACCESS_KEY_SECRET))
        self.access_key_id, self.access_key_secret = whole(access_key_id, access_key_secret)
        with checking():
            self._get()

    _held: Credential | None = None

    def _get(self) -> Credential:
        held = self._held
        if held is None or held.access_key_id != self.access_key_id or held.access_key_secret != self.access_key_secret:
            self._held = held = Credential(self.access_key_id, self.access_key_secret, provider_name=self.get_provider_name())
        return held

    def get_provider_name(self) -> str:
        """``static_ak``."""
        return "static_ak"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.access_key_id}>"


def held(variable_name: str) -> str | None:
    """What the variable holds now.

    Raises:
        CredentialValueError: It can be no part of a key; the text names the variable.
    """
    with checking():
        return check.optional_text(variable_name, variable(ENVIRON, variable_name))


def whole(access_key_id: str | None, access_key_secret: str | None) -> tuple[str, str]:
    """Both halves of a key.

    Raises:
        CredentialValueError: One is missing. Halves of two keys, one of them from the environment, would be no key.
    """
    if access_key_id and access_key_secret:
        return access_key_id, access_key_secret
    name, variable_name = ("secret", ACCESS_KEY_SECRET) if access_key_id else ("id", ACCESS_KEY_ID)
    raise CredentialValueError(f"the access key {name} is empty. Give id and secret, or neither and set {variable_name}")


__all__ = ["StaticAKCredentialsProvider"]
