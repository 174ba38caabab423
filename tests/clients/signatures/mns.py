"""How the message service (MNS) verifies a request."""

from __future__ import annotations

from base64 import b64encode
from hashlib import md5

from alicred import Credential
from alicred.testing.cloud.exchange import Request
from tests.clients.signatures.common import check_signature, check_time, hmac_sha1
from tests.clients.support import Keys, Refused

DATE = "%a, %d %b %Y %H:%M:%S GMT"


def verify(request: Request, keys: Keys) -> Credential:
    """Whose request it is: ``MNS <id>:<signature>``. The token, in a header of its own, is not signed."""
    headers = request.headers
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    if scheme != "MNS":
        raise Refused(f"{scheme!r} is no way to sign")
    token = headers.get("security-token")
    if token == "":
        raise Refused("a security token that is none")
    access_key_id, _, signature = rest.partition(":")
    credential = keys.find(access_key_id, token)
    check_time(headers.get("date"), DATE)
    digest = headers.get("content-md5", "")
    if request.body and digest not in digests(request.body):
        raise Refused("Content-MD5 is not the digest of the body")
    lines = [request.method, digest, headers.get("content-type", ""), headers["date"]]
    lines += [f"{name}:{value}" for name, value in sorted(headers.items()) if name.startswith("x-mns-")]
    check_signature(hmac_sha1(credential.access_key_secret, "\n".join([*lines, request.target])), signature)
    return credential


def digests(body: bytes) -> tuple[str, str]:
    """As the header is defined, and in the way the clients of this service write it: the base64 of the hexadecimal digits."""
    digest = md5(body)
    return b64encode(digest.digest()).decode(), b64encode(digest.hexdigest().encode()).decode()
