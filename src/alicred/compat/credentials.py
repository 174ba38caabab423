"""Credentials that a program has, as a client's ``credential``: the classes of the official package that a user makes."""

from __future__ import annotations

import attrs

from alicred.compat.exceptions import checking
from alicred.compat.models import CredentialModel
from alicred.compat.utils import auth_constant as ac
from alicred.credential import BearerToken
from alicred.credential import Credential as _Checked


class Credential:
    """The base: every part is ``None``."""

    def get_access_key_id(self) -> str | None:
        return None

    def get_access_key_secret(self) -> str | None:
        return None

    def get_security_token(self) -> str | None:
        return None

    async def get_access_key_id_async(self) -> str | None:
        return self.get_access_key_id()

    async def get_access_key_secret_async(self) -> str | None:
        return self.get_access_key_secret()

    async def get_security_token_async(self) -> str | None:
        return self.get_security_token()

    def get_credential(self) -> CredentialModel | None:
        return None

    async def get_credential_async(self) -> CredentialModel | None:
        return self.get_credential()


@attrs.define(eq=False, slots=False)
class AccessKeyCredential(Credential):
    """An access key. The attributes may be assigned; no secret shows in ``repr``."""

    access_key_id: str
    access_key_secret: str = attrs.field(repr=False)
    credential_type: str = attrs.field(default=ac.ACCESS_KEY, init=False)

    def __attrs_post_init__(self) -> None:
        with checking():
            _Checked(self.access_key_id, self.access_key_secret)

    def get_access_key_id(self) -> str:
        return self.access_key_id

    def get_access_key_secret(self) -> str:
        return self.access_key_secret

    def get_credential(self) -> CredentialModel:
        return CredentialModel(access_key_id=self.access_key_id, access_key_secret=self.access_key_secret, type=self.credential_type)

    async def get_credential_async(self) -> CredentialModel:
        return self.get_credential()


@attrs.define(eq=False, slots=False)
class StsCredential(Credential):
    """A temporary key. The attributes may be assigned; no secret shows in ``repr``."""

    access_key_id: str
    access_key_secret: str = attrs.field(repr=False)
    security_token: str = attrs.field(repr=False)
    credential_type: str = attrs.field(default=ac.STS, init=False)

    def __attrs_post_init__(self) -> None:
        with checking():
            _Checked(self.access_key_id, self.access_key_secret, self.security_token)

    def get_access_key_id(self) -> str:
        return self.access_key_id

    def get_access_key_secret(self) -> str:
        return self.access_key_secret

    def get_security_token(self) -> str:
        return self.security_token

    def get_credential(self) -> CredentialModel:
        return CredentialModel(
            access_key_id=self.access_key_id,
            access_key_secret=self.access_key_secret,
            security_token=self.security_token,
            type=self.credential_type,
        )

    async def get_credential_async(self) -> CredentialModel:
        return self.get_credential()


@attrs.define(eq=False, slots=False)
class BearerTokenCredential(Credential):
    """A bearer token. The attribute may be assigned; it does not show in ``repr``."""

    bearer_token: str = attrs.field(repr=False)
    credential_type: str = attrs.field(default=ac.BEARER, init=False)

    def __attrs_post_init__(self) -> None:
        with checking():
            BearerToken(self.bearer_token)

    def get_credential(self) -> CredentialModel:
        return CredentialModel(bearer_token=self.bearer_token, type=self.credential_type)

    async def get_credential_async(self) -> CredentialModel:
        return self.get_credential()

    def get_type(self) -> str:
        return self.credential_type


__all__ = ["AccessKeyCredential", "BearerTokenCredential", "Credential", "StsCredential"]
