"""RSA private keys, and the signatures made with them. Pure functions; cryptography is loaded at first use."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from alicred.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]*?)-----(.*?)-----END \1-----", re.ASCII | re.DOTALL)
_FORMS = "an RSA key without a password, as PEM (BEGIN PRIVATE KEY or BEGIN RSA PRIVATE KEY) or as the bare base64 text of one"


def load_private_key(key: str | bytes) -> RSAPrivateKey:
    """The key that *key* holds: PEM in PKCS #1 or PKCS #8, text before it, or the bare base64 body of either; any line ends.

    What the label of a PEM block says does not matter, what it holds does.

    Raises:
        ConfigurationError: It holds none, one of another kind, or one with a password. The text says which forms there are.
    """
    label, body = _pem_block(_as_text(key).removeprefix("\ufeff").removeprefix("\u00ef\u00bb\u00bf"))
    if "ENCRYPTED" in label or "ENCRYPTED" in body:
        raise ConfigurationError(f"the private key has a password: alicred takes {_FORMS}")
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_der_private_key

    loaded: object = None
    try:
        loaded = load_der_private_key(base64.b64decode("".join(body.split()), validate=True), password=None)
    except TypeError:
        pass  # this is how that function says that a password is missing
    except (ValueError, UnsupportedAlgorithm, binascii.Error):
        pass
    if loaded is None:
        raise ConfigurationError(f"the private key cannot be read: alicred takes {_FORMS}")
    if not isinstance(loaded, RSAPrivateKey):
        raise ConfigurationError(f"the private key is of another kind than RSA: alicred takes {_FORMS}")
    return loaded


def _as_text(key: object) -> str:
    if isinstance(key, bytes):
        return key.decode("latin-1")
    if not isinstance(key, str):
        raise ConfigurationError(f"the private key must be a string or bytes, not {type(key).__name__}")
    return key


def _pem_block(text: str) -> tuple[str, str]:
    """Label and base64 text of the first private key in *text*; without PEM, no label and all of it."""
    for found in _PEM.finditer(text):
        if "PRIVATE KEY" in found[1]:
            return found[1], found[2]
    return "", text


def rpc_sha256_with_rsa(private_key: RSAPrivateKey, string_to_sign: str) -> str:
    """The RPC v1 signature with an RSA key (RSASSA-PKCS1-v1_5 with SHA-256), in base64."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    return base64.b64encode(private_key.sign(string_to_sign.encode(), PKCS1v15(), SHA256())).decode("ascii")
