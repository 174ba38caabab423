"""A credential as bytes that only who has the store key can read, and the names under which they are stored. Pure functions."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone

import attrs

from alicred.credential import Credential
from alicred.errors import ConfigurationError
from alicred.sharing.key import StoreKey

_VERSION = b"\x01"
_NONCE = 12  # bytes; with a random one, 2**32 saves for each key
_ENTRY = 40  # hex digits


@attrs.frozen(kw_only=True)
class Shared:
    """A credential as it travels.

    Args:
        credential: The credential, which has an end.
        issued_at: When it was fetched, on the fetching worker's corrected clock.
        lifetime: How long it lasts in all.
    """

    credential: Credential
    issued_at: datetime
    lifetime: timedelta


def entry_name(key: StoreKey, facts: Mapping[str, object]) -> str:
    """The name of the entry for *facts*: 40 hex digits that tell nothing of them, and differ for another key.

    Raises:
        ConfigurationError: The key cannot be read.
    """
    text = json.dumps({"version": _VERSION.hex(), **facts}, sort_keys=True, separators=(",", ":"))
    return hmac.new(key.subkey("entry"), text.encode(), hashlib.sha256).hexdigest()[:_ENTRY]


def seal(key: StoreKey, shared: Shared, *, entry: str, generation: int) -> bytes:
    """*shared*, encrypted and bound to *entry* and *generation*: under another name or number it does not open.

    Raises:
        ConfigurationError: The key cannot be read.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    credential = shared.credential
    fields = {
        "access_key_id": credential.access_key_id,
        "access_key_secret": credential.access_key_secret,
        "security_token": credential.security_token,
        "expires_at": None if credential.expires_at is None else credential.expires_at.timestamp(),
        "issued_at": shared.issued_at.timestamp(),
        "lifetime": shared.lifetime.total_seconds(),
        "provider_name": credential.provider_name,
        "origin": credential.origin,
    }
    nonce = secrets.token_bytes(_NONCE)
    text = json.dumps(fields, separators=(",", ":")).encode()
    return _VERSION + nonce + AESGCM(key.subkey("seal")).encrypt(nonce, text, _bound_to(entry, generation))


def unseal(key: StoreKey, sealed: bytes, *, entry: str, generation: int) -> Shared | None:
    """What `seal` was given; ``None`` if it does not open, whatever the reason: another key, another entry, garbage, another format.

    Raises:
        ConfigurationError: The key cannot be read.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if sealed[:1] != _VERSION or len(sealed) <= 1 + _NONCE:
        return None
    nonce, text = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
    cipher = AESGCM(key.subkey("seal"))
    try:
        found = json.loads(cipher.decrypt(nonce, text, _bound_to(entry, generation)))
        credential = Credential(
            found["access_key_id"],
            found["access_key_secret"],
            found["security_token"],
            _moment(found["expires_at"]),
            found["provider_name"],
            origin=found["origin"],
        )
        return Shared(credential=credential, issued_at=_moment(found["issued_at"]), lifetime=timedelta(seconds=found["lifetime"]))
    except (InvalidTag, ValueError, KeyError, TypeError, OverflowError, ConfigurationError):
        return None


def _bound_to(entry: str, generation: int) -> bytes:
    return b"alicred" + _VERSION + entry.encode() + b":" + str(generation).encode()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
