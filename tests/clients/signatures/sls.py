"""How the log service (SLS) verifies a request: signature versions 1 and 4."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from alicred import Credential
from alicred.testing.cloud.exchange import Request
from tests.clients.signatures.common import check_signature, check_time, encoded, hmac_sha1, hmac_sha256, sha256
from tests.clients.support import Keys, Refused

REGION = "cn-hangzhou"
DATE = "%a, %d %b %Y %H:%M:%S GMT"
ISO = "%Y%m%dT%H%M%SZ"
V4 = "SLS4-HMAC-SHA256"


def verify(request: Request, keys: Keys) -> Credential:
    """Whose request it is, in whichever of the two versions it is signed."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    if scheme == V4:
        return v4(request, keys, rest)
    if scheme == "LOG":
        return v1(request, keys, rest)
    raise Refused(f"{scheme!r} is no way to sign")


def v1(request: Request, keys: Keys, rest: str) -> Credential:
    """``LOG <id>:<signature>``, with HMAC-SHA1, or with HMAC-SHA256 where the request says so."""
    headers = request.headers
    access_key_id, _, signature = rest.partition(":")
    credential = keys.find(access_key_id, headers.get("x-acs-security-token"))
    check_time(headers.get("date"), DATE)
    digest = headers.get("content-md5", "")
    if request.body and digest != hashlib.md5(request.body).hexdigest().upper():
        raise Refused("Content-MD5 is not the digest of the body")
    first = "\n".join([request.method, digest, headers.get("content-type", ""), headers.get("date", "")])
    # x-log-date repeats Date, for proxies that take that away, and is not signed
    ours = "".join(f"{name}:{value}\n" for name, value in _ours(headers) if name != "x-log-date")
    query = "&".join(f"{name}={value}" for name, value in sorted(request.query.items()))
    resource = unquote(request.path) + (f"?{query}" if query else "")
    text = f"{first}\n{ours}{resource}"
    if headers.get("x-log-signaturemethod") == "hmac-sha256":
        expected = b64encode(hmac_sha256(credential.access_key_secret.encode(), text)).decode()
    else:
        expected = hmac_sha1(credential.access_key_secret, text)
    check_signature(expected, signature)
    return credential


def v4(request: Request, keys: Keys, rest: str) -> Credential:
    """``SLS4-HMAC-SHA256 Credential=<id>/<day>/<region>/sls/aliyun_v4_request,Signature=<signature>``."""
    headers = request.headers
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    access_key_id, *scope = parts.get("Credential", "").split("/")
    credential = keys.find(access_key_id, headers.get("x-acs-security-token"))
    moment = headers.get("x-log-date", "")
    check_time(moment, ISO)
    if scope != [moment[:8], REGION, "sls", "aliyun_v4_request"]:
        raise Refused(f"{'/'.join(scope)} is not the scope of a request to this service at this time")
    digest = headers.get("x-log-content-sha256", "")
    if digest != sha256(request.body):
        raise Refused("x-log-content-sha256 is not the digest of the body")
    signed = {name: value.strip() for name, value in headers.items() if name in ("content-type", "host")} | dict(_ours(headers))
    lines = "".join(f"{name}:{value}\n" for name, value in sorted(signed.items()))
    query = "&".join(f"{encoded(name)}={encoded(value)}" if value else encoded(name) for name, value in sorted(request.query.items()))
    canonical = "\n".join([request.method, unquote(request.path), query, lines, ";".join(sorted(signed)), digest])
    key = b"aliyun_v4" + credential.access_key_secret.encode()
    for part in scope:
        key = hmac_sha256(key, part)
    text = "\n".join([V4, moment, "/".join(scope), sha256(canonical.encode())])
    check_signature(hmac_sha256(key, text).hex(), parts.get("Signature"))
    return credential


def _ours(headers: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return [(name, value.strip()) for name, value in sorted(headers.items()) if name.startswith(("x-log-", "x-acs-"))]
