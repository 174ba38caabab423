"""Who sent a request: the cloud's side of every signature scheme that `alicred.wire.signing` writes."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from enum import Enum

from alicred.testing.cloud.account import Account, Key
from alicred.testing.cloud.exchange import Exchange, Refused, Request
from alicred.wire import signing

_WINDOW = timedelta(minutes=15)
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z", re.ASCII)


class Scheme(Enum):
    """How a request says who sent it."""

    ACS3 = "ACS3-HMAC-SHA256"
    RPC_V1 = "RPC v1"
    BEARER = "bearer token"
    ANONYMOUS = "not at all"


def scheme_of(request: Request) -> Scheme:
    """The scheme of a request, whether or not it is filled in right."""
    if "x-acs-bearer-token" in request.headers or "BearerToken" in request.params:
        return Scheme.BEARER
    if "authorization" in request.headers:
        return Scheme.ACS3
    return Scheme.RPC_V1 if "Signature" in request.params else Scheme.ANONYMOUS


class Verifier:
    """Finds out who signed a request. Thread-safe; nothing blocks.

    Args:
        account: Whose keys and nonces count.
        now: The cloud's clock.
    """

    def __init__(self, account: Account, now: Callable[[], datetime]) -> None:
        self._account = account
        self._now = now

    def acs3(self, exchange: Exchange) -> Key:
        """The key that signed an ACS3 request: every ``x-acs-*`` header and ``host`` signed, the body by its digest.

        Raises:
            Refused: Something about the signature is wrong.
        """
        request = exchange.request
        headers = request.headers
        try:
            exchange.access_key_id, signed, signature = signing.parse_acs3_authorization(headers["authorization"])
        except ValueError:
            raise _incomplete("the Authorization header is malformed") from None
        must = {"host"} | {name for name in headers if name.startswith("x-acs-")}
        if not must.issubset(signed):
            raise _incomplete(f"not signed: {', '.join(sorted(must.difference(signed)))}")
        if not headers.keys() >= set(signed):
            raise _incomplete(f"signed, but not sent: {', '.join(sorted(set(signed).difference(headers)))}")
        if headers.get("x-acs-content-sha256") != signing.sha256_hex(request.body):
            raise _mismatch("x-acs-content-sha256 is not the digest of the body that arrived")
        key = self._account.key(exchange.access_key_id)
        self._check_time(headers.get("x-acs-date"))
        canonical = signing.acs3_canonical_request(
            request.method, request.path, request.query, headers, signed, headers["x-acs-content-sha256"]
        )
        if not hmac.compare_digest(signing.acs3_signature(key.access_key_secret, canonical), signature.encode("ascii", "replace").decode()):
            raise _mismatch(f"{signing.ACS3}\n{signing.sha256_hex(canonical.encode())}")
        if headers.get("x-acs-accesskey-id", key.access_key_id) != key.access_key_id:
            raise Refused(400, "InvalidAccessKeyId", "x-acs-accesskey-id is not the key that signed.")
        self._account.check_token(key, headers.get("x-acs-security-token", ""))
        self._use_nonce(headers.get("x-acs-signature-nonce"))
        return key

    def rpc(self, exchange: Exchange) -> Key:
        """The key that signed an RPC v1 request, be it an access key (HMAC-SHA1) or a key pair (SHA256withRSA).

        Raises:
            Refused: Something about the signature is wrong.
        """
        params = exchange.request.params
        exchange.access_key_id = params.get("AccessKeyId", "")
        if not exchange.access_key_id or params.get("SignatureVersion") != "1.0":
            raise _incomplete("AccessKeyId and SignatureVersion=1.0 are mandatory")
        string = signing.rpc_string_to_sign(exchange.request.method, params)
        method = params.get("SignatureMethod")
        if method == "SHA256withRSA":
            key = self._by_key_pair(exchange, params, string)
        elif method == "HMAC-SHA1":
            key = self._account.key(exchange.access_key_id)
            self._check_time(params.get("Timestamp"))
            expected = signing.rpc_hmac_sha1(key.access_key_secret, string)
            if not hmac.compare_digest(expected, params["Signature"].encode("ascii", "replace").decode()):
                raise _mismatch(string)
        else:
            raise _incomplete("SignatureMethod is neither HMAC-SHA1 nor SHA256withRSA")
        self._account.check_token(key, params.get("SecurityToken", ""))
        self._use_nonce(params.get("SignatureNonce"))
        return key

    def _by_key_pair(self, exchange: Exchange, params: Mapping[str, str], string: str) -> Key:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        public_key, owner = self._account.public_key(exchange.access_key_id)
        self._check_time(params.get("Timestamp"))
        if params.get("SignatureType") != "PRIVATEKEY":
            raise _incomplete("SignatureType=PRIVATEKEY is mandatory")
        try:
            public_key.verify(base64.b64decode(params["Signature"], validate=True), string.encode(), PKCS1v15(), SHA256())
        except (InvalidSignature, binascii.Error, ValueError):
            raise _mismatch(string) from None
        return owner

    def _check_time(self, text: str | None) -> None:
        found = _TIME.fullmatch(text or "")
        try:
            sent = datetime.fromisoformat(found[1]).replace(tzinfo=timezone.utc) if found else None
        except ValueError:
            sent = None
        if sent is None:
            raise Refused(400, "InvalidTimeStamp.Format", "Specified time stamp is not of the form YYYY-MM-DDThh:mm:ssZ.")
        if abs(self._now() - sent) > _WINDOW:
            raise Refused(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")

    def _use_nonce(self, nonce: str | None) -> None:
        if not nonce:
            raise _incomplete("there is no nonce")
        self._account.use_nonce(nonce)


def _incomplete(what: str) -> Refused:
    return Refused(400, "IncompleteSignature", f"The request signature does not conform to Alibaba Cloud standards: {what}.")


def _mismatch(string_to_sign: str) -> Refused:
    message = f"Specified signature is not matched with our calculation. server string to sign is:{string_to_sign}"
    return Refused(400, "SignatureDoesNotMatch", message)
