"""For clients that ask for ``get_credentials()`` and read the parts by methods."""

from __future__ import annotations

from typing import TypeVar

import attrs

from alicred._internal.public import public
from alicred.adapters.adapter import Adapter
from alicred.credential import Credential


@public("alicred.adapters")
@attrs.frozen
class GetterCredential:
    """One credential as a client reads it that calls a method for each part. Immutable: all parts are of one fetch.

    Args:
        access_key_id: Returned by `get_access_key_id`.
        access_key_secret: Returned by `get_access_key_secret`; not in ``repr``.
        security_token: Returned by `get_security_token`; not in ``repr``. What stands for "none" is the client's choice.
    """

    access_key_id: str
    access_key_secret: str = attrs.field(repr=False)
    security_token: str | None = attrs.field(default=None, repr=False)

    def get_access_key_id(self) -> str:
        return self.access_key_id

    def get_access_key_secret(self) -> str:
        return self.access_key_secret

    def get_security_token(self) -> str | None:
        return self.security_token


G = TypeVar("G", bound=GetterCredential)


class GetterProvider(Adapter[Credential, G]):
    """An adapter whose client calls `get_credentials` for each request. ``None`` stands for no security token."""

    _kind: type[G]

    def get_credentials(self) -> G:
        """The current credential.

        Raises:
            AlicredError: The provider's error.
        """
        return self._value()

    def _make(self, held: Credential) -> G:
        return self._kind(held.access_key_id, held.access_key_secret, held.security_token)
