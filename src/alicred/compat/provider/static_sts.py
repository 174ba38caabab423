"""A temporary key that the program has."""

from __future__ import annotations

from alicred.compat.bridge import OfficialProviderBase
from alicred.compat.exceptions import CredentialValueError, checking
from alicred.compat.provider.static_ak import held, whole
from alicred.credential import Credential
from alicred.sources.environment import ACCESS_KEY_ID, ACCESS_KEY_SECRET, SECURITY_TOKEN


class StaticSTSCredentialsProvider(OfficialProviderBase):
    """Always the key in the three attributes, which may be assigned. Nothing blocks; no secret in ``repr``.

    Args:
        access_key_id: The id; without all three, the key of ``ALIBABA_CLOUD_ACCESS_KEY_ID``, ``_ACCESS_KEY_SECRET`` and
            ``_SECURITY_TOKEN``, looked up now.
        access_key_secret: The secret.
        security_token: The token.

    Raises:
        CredentialValueError: A part is missing, or it can be none.
    """

    def __init__(
        self, *, access_key_id: str | None = None, access_key_secret: str | None = None, security_token: str | None = None
    ) -> None:
        if not access_key_id and not access_key_secret and not security_token:
            access_key_id, access_key_secret, security_token = (held(name) for name in (ACCESS_KEY_ID, ACCESS_KEY_SECRET, SECURITY_TOKEN))
        self.access_key_id, self.access_key_secret = whole(access_key_id, access_key_secret)
        if not security_token:
            raise CredentialValueError(f"the security token is empty. Give it with its key, or nothing and set {SECURITY_TOKEN}")
        self.security_token = security_token
        with checking():
            self._get()

    _held: Credential | None = None

    def _get(self) -> Credential:
        key, held = (self.access_key_id, self.access_key_secret, self.security_token), self._held
        if held is None or (held.access_key_id, held.access_key_secret, held.security_token) != key:
            self._held = held = Credential(*key, provider_name=self.get_provider_name())
        return held

    def get_provider_name(self) -> str:
        """``static_sts``."""
        return "static_sts"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.access_key_id}>"


__all__ = ["StaticSTSCredentialsProvider"]
