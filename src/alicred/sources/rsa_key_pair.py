"""Temporary keys for the holder of an RSA private key."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

import alicred._internal.checks as check
from alicred._internal.files import expand, read_file, shown
from alicred._internal.public import public
from alicred.credential import Credential, named
from alicred.errors import ConfigurationError
from alicred.sources._clients import ResolvesLate, StsChoice, StsResolver
from alicred.sources._source import Source, errors_of
from alicred.wire.role_session import LONGEST_KEY_PAIR_SESSION, session_span

if TYPE_CHECKING:
    from alicred.wire.sts import StsClient

_OWNER = "RsaKeyPairProvider"
_LARGEST_FILE = 100_000  # bytes; a key of 16384 bits takes about 13,000
_WHAT = "the private key file"


@public("alicred")
class RsaKeyPairProvider(Source):
    """Temporary keys for the holder of an RSA private key (``GenerateSessionAccessKey``). They have no security token.

    Thread-, task- and fork-safe, picklable; a pickle holds a key that was given as text, but not one that stands in a file.
    `get` blocks for at most the time-outs of the HTTP client.

    Args:
        public_key_id: What the service calls the public half of the key.
        private_key: The private half: PEM (PKCS #1 or PKCS #8) or the base64 text in it. A `Path` is a file with such a text, at
            most 100,000 bytes, read at every `get`; its leading ``~`` is the home directory. Never in ``repr`` or an error.
        duration: Lifetime of the keys: 900 s to 3600 s, whole seconds.
        sts: The client to ask; ``None`` means one for the host that the environment names at `get`.
        name: What this source is called; ``None`` means ``rsa_key_pair``.

    Raises:
        ConfigurationError: A parameter is empty, of the wrong type or outside its range; the text names it.
    """

    def __init__(
        self,
        *,
        public_key_id: str,
        private_key: str | bytes | Path,
        duration: timedelta = timedelta(hours=1),
        sts: StsClient | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(_OWNER, "rsa_key_pair", name)
        self._public_key_id = check.key_text(f"{_OWNER}.public_key_id", public_key_id)
        self._private_key = _private_key(private_key)
        self._duration = session_span(f"{_OWNER}.duration", duration, LONGEST_KEY_PAIR_SESSION)
        self._sts: StsResolver = StsChoice(_OWNER, sts, "generate_session_access_key")

    def get(self) -> Credential:
        """New keys.

        Raises:
            ConfigurationError: The key file is missing, unreadable or too large, or the key is none; the text names the path.
            DeniedError: The service said no; ``code`` says why.
            TransientError: The service could not be reached, or is too busy.
        """
        with errors_of(self.name, f"the RSA key pair {self._public_key_id}") as origin:
            client = self._sts.client(self._variables)
            if isinstance(self._private_key, (str, bytes)):
                fetched = self._ask(client, self._private_key)
            else:
                path = expand(self._private_key, self._variables)
                origin.text += f", with the private key in {shown(path)}"
                key = read_file(path, what=_WHAT, limit=_LARGEST_FILE, private=True)
                if not key.strip():
                    raise ConfigurationError(f"{_WHAT} {shown(path)} is empty: it should hold the private key")
                try:
                    fetched = self._ask(client, key)
                except ConfigurationError as error:
                    raise ConfigurationError(f"{error.message} ({_WHAT}: {shown(path)})") from None
        return named(fetched, self.name, origin=origin.text)

    def _ask(self, client: StsClient, key: str | bytes) -> Credential:
        return client.generate_session_access_key(public_key_id=self._public_key_id, private_key=key, duration=self._duration)

    def __repr__(self) -> str:
        return f"{_OWNER}(public_key_id={self._public_key_id!r})"


class KeyPairOfOwner(ResolvesLate, RsaKeyPairProvider):
    """The same, for an owner that decides which STS is asked."""


def _is_path(value: object) -> TypeGuard[os.PathLike[str]]:
    return isinstance(value, os.PathLike)


def _private_key(value: object) -> str | bytes | os.PathLike[str]:
    if _is_path(value):
        check.path(f"{_OWNER}.private_key", value)
        return value
    if not isinstance(value, (str, bytes)):
        raise ConfigurationError(f"{_OWNER}.private_key must be a str or bytes (the key), or a Path (its file), not {type(value).__name__}")
    if not value.strip():
        raise ConfigurationError(f"{_OWNER}.private_key is empty. Give the key, or a pathlib.Path to its file")
    return value
