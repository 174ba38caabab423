"""The signatures of the API gateways: RPC and ROA with HMAC-SHA1, ACS3 and ACS4 with HMAC-SHA256."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import unquote

from alicred import Credential
from alicred.testing.cloud.exchange import Request
from tests.clients.signatures.common import check_signature, check_time, encoded, hmac_sha1, hmac_sha256, sha256
from tests.clients.support import Keys, Refused

_ISO, _HTTP = "%Y-%m-%dT%H:%M:%SZ", "%a, %d %b %Y %H:%M:%S GMT"
_ACS3, _ACS4 = "ACS3-HMAC-SHA256", "ACS4-HMAC-SHA256"


def verify(request: Request, keys: Keys) -> Credential:
    """Whose request it is, in whichever of the four ways it is signed."""
    scheme = request.headers.get("authorization", "").partition(" ")[0]
    if scheme == "acs":
        return roa(request, keys)
    if scheme in (_ACS3, _ACS4):
        return hmac_sha256_signed(request, keys)
    return rpc(request, keys)


def rpc(request: Request, keys: Keys) -> Credential:
    """An RPC request, signed in its parameters."""
    parameters = request.params
    if "SecurityToken" in parameters and parameters["SecurityToken"] in ("", "None"):
        raise Refused("a security token that is none")
    credential = keys.find(parameters.get("AccessKeyId"), parameters.get("SecurityToken"))
    check_time(parameters.get("Timestamp"), _ISO)
    signed = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in sorted(parameters.items()) if name != "Signature")
    text = f"{request.method}&{encoded('/')}&{encoded(signed)}"
    check_signature(hmac_sha1(credential.access_key_secret + "&", text), parameters.get("Signature"))
    return credential


def roa(request: Request, keys: Keys) -> Credential:
    """An ROA request, signed in ``Authorization: acs <id>:<signature>``."""
    headers = request.headers
    access_key_id, _, signature = headers["authorization"].partition(" ")[2].partition(":")
    credential = keys.find(access_key_id, headers.get("x-acs-security-token"))
    check_time(headers.get("date"), _HTTP)
    first = "\n".join([request.method, *(headers.get(name, "") for name in ("accept", "content-md5", "content-type", "date"))])
    ours = "".join(f"{name}:{value}\n" for name, value in sorted(headers.items()) if name.startswith("x-acs-"))
    query = "&".join(f"{name}={value}" if value else name for name, value in sorted(request.query.items()))
    resource = unquote(request.path) + (f"?{query}" if query else "")
    check_signature(hmac_sha1(credential.access_key_secret, f"{first}\n{ours}{resource}"), signature)
    return credential


def hmac_sha256_signed(request: Request, keys: Keys) -> Credential:
    """An ACS3 or ACS4 request. ACS4 derives a key from the secret, the day, the region and the product."""
    headers = request.headers
    scheme, _, rest = headers["authorization"].partition(" ")
    parts = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    access_key_id, *scope = parts.get("Credential", "").split("/")
    credential = keys.find(access_key_id, headers.get("x-acs-security-token"))
    if headers.get("x-acs-accesskey-id", access_key_id) != access_key_id:
        raise Refused("x-acs-accesskey-id is not the id that has signed")
    check_time(headers.get("x-acs-date"), _ISO)
    signed = parts.get("SignedHeaders", "").split(";")
    _check_signed(headers, signed)
    digest = headers.get("x-acs-content-sha256", "")
    if digest != sha256(request.body):
        raise Refused("x-acs-content-sha256 is not the digest of the body")
    query = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in sorted(request.query.items()))
    lines = "".join(f"{name}:{headers.get(name, '').strip()}\n" for name in signed)
    canonical = "\n".join([request.method, request.path, query, lines, ";".join(signed), digest])
    key = credential.access_key_secret.encode()
    if scheme == _ACS4:
        key = b"aliyun_v4" + key
        for part in scope:
            key = hmac_sha256(key, part)
    check_signature(hmac_sha256(key, f"{scheme}\n{sha256(canonical.encode())}").hex(), parts.get("Signature"))
    return credential


def _check_signed(headers: Iterable[str], signed: list[str]) -> None:
    left_out = {name for name in headers if name.startswith("x-acs-") or name == "host"}.difference(signed)
    if left_out:
        raise Refused(f"not signed: {', '.join(sorted(left_out))}")
