"""How the table store (OTS) verifies a request, and signs its answer: versions 2 and 4."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timezone

from alicred import Credential
from alicred.testing.cloud.exchange import Answer, Request
from tests.clients.signatures.common import check_signature, check_time, hmac_sha1, hmac_sha256
from tests.clients.support import Keys, Refused

REGION = "cn-hangzhou"
DATE = "%Y-%m-%dT%H:%M:%S.000Z"
V2, V4 = "x-ots-signature", "x-ots-signaturev4"


def verify(request: Request, keys: Keys) -> Credential:
    """Whose request it is."""
    headers = request.headers
    token = headers.get("x-ots-ststoken")
    if token == "":
        raise Refused("a security token that is none")
    credential = keys.find(headers.get("x-ots-accesskeyid"), token)
    check_time(headers.get("x-ots-date"), DATE)
    if headers.get("x-ots-contentmd5") != digest(request.body):
        raise Refused("x-ots-contentmd5 is not the digest of the body")
    signed = {name: value for name, value in headers.items() if name not in (V2, V4)}
    text = f"{request.path}\n{request.method}\n\n{lines(signed)}\n"
    if V4 not in headers:
        check_signature(hmac_sha1(credential.access_key_secret, text), headers.get(V2))
        return credential
    if headers.get("x-ots-signregion") != REGION or headers.get("x-ots-signdate") != f"{datetime.now(timezone.utc):%Y%m%d}":
        raise Refused("not the scope of a request to this service today")
    signature = hmac_sha256(signing_key(request, credential).encode(), text + "ots")
    check_signature(base64.b64encode(signature).decode(), headers[V4])
    return credential


def signed_answer(request: Request, credential: Credential, status: int, body: bytes) -> Answer:
    """What the client only takes if it was signed with the credential of its request."""
    headers = {
        "x-ots-contentmd5": digest(body),
        "x-ots-requestid": "0005f0a1-0000-0000-0000-000000000001",
        "x-ots-date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
        "x-ots-contenttype": "protocol buffer",
    }
    # SHA-1 for both versions of the signature
    key = signing_key(request, credential)
    signature = base64.b64encode(hmac.new(key.encode(), f"{lines(headers)}\n{request.path}".encode(), hashlib.sha1).digest()).decode()
    whole = {**headers, "Authorization": f"OTS {credential.access_key_id}:{signature}"}
    return Answer(status=status, body=body, headers=tuple(whole.items()))


def signing_key(request: Request, credential: Credential) -> str:
    """The secret itself, or for version 4 one that is derived from it."""
    if V4 not in request.headers:
        return credential.access_key_secret
    key = b"aliyun_v4" + credential.access_key_secret.encode()
    for part in (request.headers["x-ots-signdate"], request.headers["x-ots-signregion"], "ots", "aliyun_v4_request"):
        key = hmac_sha256(key, part)
    return base64.b64encode(key).decode()


def lines(headers: Mapping[str, str]) -> str:
    return "\n".join(sorted(f"{name}:{value.strip()}" for name, value in headers.items() if name.startswith("x-ots-")))


def digest(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body).digest()).decode()
