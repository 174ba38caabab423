"""How requests are signed. Pure functions of their arguments, `nonce` apart: thread-, task- and fork-safe, and nothing blocks.

Two schemes: *RPC v1* puts the signature among the parameters, *ACS3* (``ACS3-HMAC-SHA256``) into the ``Authorization`` header and
covers the body as well. Text is encoded as UTF-8 everywhere; text that cannot be is a `ConfigurationError` that does not quote it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from alicred.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alicred.credential import Credential

ACS3 = "ACS3-HMAC-SHA256"
"""The name of the scheme, as it stands in the ``Authorization`` header."""

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~"
_ENCODED = tuple(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256))


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        pass  # that error holds the whole text, so it must not become the context of ours
    raise ConfigurationError(
        "a value to be signed holds characters that UTF-8 does not have: a variable or file that it came from is not UTF-8 text"
    )


def percent_encode(text: str) -> str:
    """*text* as RFC 3986 has it: all but ``A-Z a-z 0-9 - _ . ~`` as ``%XX`` of its UTF-8 bytes; a space is ``%20``."""
    encoded = _utf8(text)
    return text if encoded.isalnum() else "".join([_ENCODED[byte] for byte in encoded])


def canonical_query(params: Mapping[str, str]) -> str:
    """``name=value`` pairs joined by ``&``, percent-encoded, in the order of the raw names; empty values stay as ``name=``.

    This is also a valid ``application/x-www-form-urlencoded`` body.
    """
    return "&".join([f"{percent_encode(name)}={percent_encode(params[name])}" for name in sorted(params)])


def rpc_string_to_sign(method: str, params: Mapping[str, str]) -> str:
    """What an RPC v1 signature covers: the method and all *params*, of query and form together, without ``Signature``."""
    signed = {name: value for name, value in params.items() if name != "Signature"}
    return f"{method}&%2F&{percent_encode(canonical_query(signed))}"


def rpc_hmac_sha1(secret: str, string_to_sign: str) -> str:
    """The RPC v1 signature with an access key secret, in base64."""
    digest = hmac.digest(_utf8(secret + "&"), _utf8(string_to_sign), "sha1")
    return base64.b64encode(digest).decode("ascii")


def sha256_hex(body: bytes) -> str:
    """The lower-case hex SHA-256 of *body*."""
    return hashlib.sha256(body).hexdigest()


def acs3_canonical_request(
    method: str, path: str, query: Mapping[str, str], headers: Mapping[str, str], signed: Sequence[str], payload_hash: str
) -> str:
    """The normal form of a request that both sides of ACS3 compute.

    Args:
        method: Upper-case method.
        path: The path as it is sent, percent-encoded already.
        query: The parameters of the query, not encoded.
        headers: At least all *signed* headers; the case of the names does not matter.
        signed: Names of the headers that are signed, in any order and case.
        payload_hash: `sha256_hex` of the body.

    Raises:
        ConfigurationError: A signed header is not there.
    """
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    names = sorted(name.lower() for name in signed)
    absent = [name for name in names if name not in lower]
    if absent:
        raise ConfigurationError(f"a header that is to be signed is missing: {', '.join(absent)}")
    block = "".join(f"{name}:{lower[name]}\n" for name in names)
    return "\n".join((method, path, canonical_query(query), block, ";".join(names), payload_hash))


def acs3_string_to_sign(canonical_request: str) -> str:
    """What an ACS3 signature covers: the name of the scheme and the hash of the canonical request."""
    return f"{ACS3}\n{sha256_hex(_utf8(canonical_request))}"


def acs3_signature(secret: str, canonical_request: str) -> str:
    """The ACS3 signature of a canonical request with an access key secret, in lower-case hex."""
    return hmac.digest(_utf8(secret), _utf8(acs3_string_to_sign(canonical_request)), "sha256").hex()


def acs3_headers(
    credential: Credential,
    *,
    method: str,
    host: str,
    path: str = "/",
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str],
    body: bytes,
    action: str,
    version: str,
    now: datetime,
    nonce: str,
) -> dict[str, str]:
    """All headers to send: *headers*, those that ACS3 asks for, and ``Authorization``. Other names come in lower case.

    Signed are ``host``, ``content-type`` where there is one, and every ``x-acs-*`` header.

    Args:
        credential: Whose key signs; its security token, if it has one, goes along in a signed header.
        method: Upper-case method.
        host: What stands in the ``Host`` header, port included where it is not the scheme's own.
        path: The path as it is sent, percent-encoded already.
        query: The parameters of the query, not encoded.
        headers: Further headers to send.
        body: The exact bytes of the body.
        action: The API operation.
        version: The API version.
        now: The time stamp, timezone-aware. The service takes 15 minutes of difference from its own clock.
        nonce: Unique for each request; see `nonce`.
    """
    payload_hash = sha256_hex(body)
    sent = {name.lower(): value for name, value in headers.items()}
    sent.update(
        {
            "host": host,
            "x-acs-action": action,
            "x-acs-version": version,
            "x-acs-date": timestamp(now),
            "x-acs-signature-nonce": nonce,
            "x-acs-content-sha256": payload_hash,
        }
    )
    if credential.security_token is not None:
        sent["x-acs-accesskey-id"] = credential.access_key_id
        sent["x-acs-security-token"] = credential.security_token
    signed = sorted(name for name in sent if name in ("host", "content-type") or name.startswith("x-acs-"))
    signature = acs3_signature(credential.access_key_secret, acs3_canonical_request(method, path, query or {}, sent, signed, payload_hash))
    sent["Authorization"] = f"{ACS3} Credential={credential.access_key_id},SignedHeaders={';'.join(signed)},Signature={signature}"
    return sent


def parse_acs3_authorization(value: str) -> tuple[str, tuple[str, ...], str]:
    """Key id, names of the signed headers and signature of an ``Authorization`` header, for the side that verifies.

    Raises:
        ValueError: The header is not of this form. The text does not quote it.
    """
    scheme, _, rest = value.partition(" ")
    pairs = [part.strip().partition("=") for part in rest.split(",")]
    fields = {name: content for name, _, content in pairs}
    if scheme != ACS3 or len(pairs) != 3 or set(fields) != {"Credential", "SignedHeaders", "Signature"} or not all(fields.values()):
        raise ValueError(f"the Authorization header is not '{ACS3} Credential=...,SignedHeaders=...,Signature=...'")
    return fields["Credential"], tuple(fields["SignedHeaders"].split(";")), fields["Signature"]


def timestamp(now: datetime) -> str:
    """*now* as ``YYYY-MM-DDTHH:MM:SSZ`` in UTC, fractions of a second cut off.

    Raises:
        ConfigurationError: *now* has no time zone.
    """
    if now.tzinfo is None or now.utcoffset() is None:
        raise ConfigurationError("the time of a request has no time zone. Give an aware datetime")
    return now.astimezone(timezone.utc).isoformat(timespec="seconds").removesuffix("+00:00") + "Z"


def nonce() -> str:
    """32 hex digits that no other call gets, be it in another thread, process, forked child or machine: 128 bits from the system."""
    return os.urandom(16).hex()
