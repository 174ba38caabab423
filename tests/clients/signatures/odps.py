"""How MaxCompute (ODPS) and its tunnel verify a request: signature versions 2 and 4."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timezone
from urllib.parse import unquote

from alicred import Credential
from alicred.testing.cloud.exchange import Request
from tests.clients.signatures.common import check_signature, check_time, hmac_sha1, hmac_sha256
from tests.clients.support import Keys, Refused

REGION = "cn-hangzhou"
PREFIX = "/api"  # what stands before the resource, and is not signed
DATE = "%a, %d %b %Y %H:%M:%S GMT"


def verify(request: Request, keys: Keys) -> Credential:
    """Whose request it is: ``ODPS <id>:<signature>``, or for version 4 ``ODPS <id>/<day>/<region>/odps/aliyun_v4_request:<signature>``."""
    headers = request.headers
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme != "ODPS":
        raise Refused(f"{scheme!r} is no way to sign")
    who, _, signature = rest.partition(":")
    access_key_id, *scope = who.split("/")
    credential = keys.find(access_key_id, headers.get("authorization-sts-token"))
    check_time(headers.get("date"), DATE)
    text = canonical(request)
    if not scope:
        check_signature(hmac_sha1(credential.access_key_secret, text), signature)
        return credential
    if scope != [f"{datetime.now(timezone.utc):%Y%m%d}", REGION, "odps", "aliyun_v4_request"]:
        raise Refused(f"{'/'.join(scope)} is not the scope of a request to this service today")
    key = b"aliyun_v4" + credential.access_key_secret.encode()
    for part in scope:
        key = hmac_sha256(key, part)
    check_signature(base64.b64encode(hmac.new(key, text.encode(), hashlib.sha1).digest()).decode(), signature)
    return credential


def canonical(request: Request) -> str:
    """Method, MD5, type and date, the headers and parameters of the service's own, and the resource."""
    headers = request.headers
    lines = [request.method, headers.get("content-md5", ""), headers.get("content-type", ""), headers.get("date", "")]
    ours = {name: value for name, value in [*headers.items(), *request.query.items()] if name.startswith("x-odps-")}
    lines += [f"{name}:{value}" for name, value in sorted(ours.items())]
    query = "&".join(f"{name}={value}" if value else name for name, value in sorted(request.query.items()))
    lines.append(unquote(request.path).removeprefix(PREFIX) + (f"?{query}" if query else ""))
    return "\n".join(lines)
