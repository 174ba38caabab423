"""The proof that what asks for the tokens of a login is what began it: PKCE (RFC 7636), and the ``state`` of OAuth."""

from __future__ import annotations

import base64
import hashlib
import os
import re

import attrs

from alicred.errors import ConfigurationError

METHOD = "S256"
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)
_LONGEST = 96  # bytes, which are 128 characters


def random_text(size: int) -> str:
    """*size* random bytes of the system, as characters that stand in any URL."""
    return _base64(os.urandom(size))


@attrs.frozen
class Pkce:
    """One proof, for one login. A value; the verifier shows in no ``repr``.

    Args:
        verifier: The secret half, which is sent with the request for tokens: 43 to 128 of ``A-Z a-z 0-9 - . _ ~``.

    Raises:
        ConfigurationError: *verifier* is anything else.
    """

    verifier: str = attrs.field(repr=False, factory=lambda: random_text(_LONGEST))

    def __attrs_post_init__(self) -> None:
        if not _VERIFIER.fullmatch(self.verifier):
            raise ConfigurationError("Pkce.verifier must be 43 to 128 letters, digits and - . _ ~")

    @property
    def challenge(self) -> str:
        """The public half, by the method ``S256``, which is sent when the login begins."""
        return _base64(hashlib.sha256(self.verifier.encode("ascii")).digest())


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode("ascii").rstrip("=")
