"""How OSS verifies a request: signature versions 1, 2 and 4, each in the header ``Authorization`` or in the URL."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from urllib.parse import unquote

from alicred import Credential
from alicred.testing.cloud.exchange import Request
from tests.clients.signatures.common import WINDOW, check_signature, check_time, encoded, hmac_sha1, hmac_sha256, sha256
from tests.clients.support import Keys, Refused

REGION = "cn-hangzhou"
DATE = "%a, %d %b %Y %H:%M:%S GMT"
ISO = "%Y%m%dT%H%M%SZ"
LONGEST = timedelta(days=7)  # of a URL that is signed by version 4
# What version 1 signs of the query, besides what is signed of the headers.
SUB_RESOURCES = frozenset(
    (
        "acl", "append", "bucketInfo", "cname", "comp", "continuation-token", "cors", "delete", "encryption", "lifecycle", "location",
        "logging", "objectMeta", "partNumber", "policy", "position", "qos", "referer", "replication", "requestPayment",
        "response-cache-control", "response-content-disposition", "response-content-encoding", "response-content-language",
        "response-content-type", "response-expires", "restore", "security-token", "sequential", "stat", "symlink", "tagging", "uploadId",
        "uploads", "versionId", "versioning", "versions", "website", "x-oss-process",
    )
)  # fmt: skip


def verify(request: Request, keys: Keys) -> Credential:
    """Whose request it is."""
    query, header = request.query, request.headers.get("authorization", "")
    in_url = sorted({"Signature", "x-oss-signature"} & set(query))
    if header and in_url:
        raise Refused("signed in the header and in the URL")
    if header.startswith("OSS4-HMAC-SHA256 "):
        return _v4_header(request, keys, _fields(header, "="))
    if header.startswith("OSS2 "):
        return _v2_header(request, keys, _fields(header, ":"))
    if header.startswith("OSS "):
        return _v1_header(request, keys, header)
    version = query.get("x-oss-signature-version", "")
    if version == "OSS4-HMAC-SHA256":
        return _v4_url(request, keys)
    if version == "OSS2":
        return _v2_url(request, keys)
    if in_url == ["Signature"]:
        return _v1_url(request, keys)
    raise Refused("not signed")


def way(request: Request) -> str:
    """How a request is signed, for tests that want to know that it is: ``v4 header``, ``v1 url``, and so on."""
    header, version = request.headers.get("authorization", ""), request.query.get("x-oss-signature-version", "")
    schemes = {"OSS4-HMAC-SHA256": "v4", "OSS2": "v2", "OSS": "v1"}
    return f"{schemes[header.partition(' ')[0]]} header" if header else f"{schemes[version or 'OSS']} url"


# --- version 1 ----------------------------------------------------------------------------------------------------------------------


def _v1_header(request: Request, keys: Keys, header: str) -> Credential:
    access_key_id, _, signature = header[len("OSS ") :].partition(":")
    # alibabacloud-oss-v2 sends the token of version 1 in a header that is not signed.
    token = request.headers.get("x-oss-security-token") or request.headers.get("security-token")
    found = keys.find(access_key_id, token)
    date = request.headers.get("date", "")
    check_time(date, DATE)
    return _same(found, _v1(request, date, found), signature)


def _v1_url(request: Request, keys: Keys) -> Credential:
    query = request.query
    found = keys.find(query.get("OSSAccessKeyId"), query.get("security-token"))
    expires = query.get("Expires", "")
    _not_over(_unix(expires))
    return _same(found, _v1(request, expires, found), query["Signature"])


def _v1(request: Request, date: str, credential: Credential) -> str:
    signed = {name: value for name, value in request.query.items() if name in SUB_RESOURCES}
    resource = unquote(request.path) + ("?" + _joined(signed) if signed else "")
    text = "\n".join([*_top(request, date), _lines(_oss_headers(request)) + resource])
    return hmac_sha1(credential.access_key_secret, text)


# --- version 2 ----------------------------------------------------------------------------------------------------------------------


def _v2_header(request: Request, keys: Keys, fields: Mapping[str, str]) -> Credential:
    found = keys.find(fields.get("AccessKeyId"), request.headers.get("x-oss-security-token"))
    date = request.headers.get("date", "")
    check_time(date, DATE)
    return _same(found, _v2(request, date, fields.get("AdditionalHeaders", ""), found), fields.get("Signature", ""))


def _v2_url(request: Request, keys: Keys) -> Credential:
    query = request.query
    found = keys.find(query.get("x-oss-access-key-id"), query.get("security-token"))
    expires = query.get("x-oss-expires", "")
    _not_over(_unix(expires))
    return _same(found, _v2(request, expires, query.get("x-oss-additional-headers", ""), found), query["x-oss-signature"])


def _v2(request: Request, date: str, additional: str, credential: Credential) -> str:
    names = [name for name in additional.split(";") if name]
    headers = {**_oss_headers(request), **{name: request.headers[name] for name in names}}
    query = {name: value for name, value in request.query.items() if name != "x-oss-signature"}
    resource = encoded(unquote(request.path)) + ("?" + _encoded_query(query) if query else "")
    text = "\n".join([*_top(request, date), _lines(headers) + additional, resource])
    return base64.b64encode(hmac_sha256(credential.access_key_secret.encode(), text)).decode()


# --- version 4 ----------------------------------------------------------------------------------------------------------------------


def _v4_header(request: Request, keys: Keys, fields: Mapping[str, str]) -> Credential:
    access_key_id, _, scope = fields.get("Credential", "").partition("/")
    found = keys.find(access_key_id, request.headers.get("x-oss-security-token"))
    moment = request.headers.get("x-oss-date", "")
    check_time(moment, ISO)
    if "x-oss-content-sha256" not in request.headers:
        raise Refused("version 4 wants x-oss-content-sha256")
    return _same(found, _v4(request, moment, scope, fields.get("AdditionalHeaders", ""), found), fields.get("Signature", ""))


def _v4_url(request: Request, keys: Keys) -> Credential:
    query = request.query
    access_key_id, _, scope = query.get("x-oss-credential", "").partition("/")
    found = keys.find(access_key_id, query.get("x-oss-security-token"))
    moment = query.get("x-oss-date", "")
    lasts = timedelta(seconds=int(query.get("x-oss-expires", "0")))
    if not timedelta(seconds=1) <= lasts <= LONGEST:
        raise Refused(f"a URL lasts for 1 second to {LONGEST.days} days, not {lasts}")
    begins = _iso(moment)
    if begins > datetime.now(timezone.utc) + WINDOW:
        raise Refused("a URL of the future")
    _not_over(begins + lasts)
    return _same(found, _v4(request, moment, scope, query.get("x-oss-additional-headers", ""), found), query["x-oss-signature"])


def _v4(request: Request, moment: str, scope: str, additional: str, credential: Credential) -> str:
    if scope != f"{moment[:8]}/{REGION}/oss/aliyun_v4_request":
        raise Refused(f"the scope is {scope!r}")
    names = [name for name in additional.split(";") if name]
    headers = {
        name: value
        for name, value in request.headers.items()
        if name.startswith("x-oss-") or name in ("content-type", "content-md5", *names)
    }
    query = {name: value for name, value in request.query.items() if name != "x-oss-signature"}
    canonical = "\n".join(
        [
            request.method,
            "/".join(encoded(part) for part in unquote(request.path).split("/")),
            _encoded_query(query),
            _lines(headers),
            ";".join(sorted(names)),
            request.headers.get("x-oss-content-sha256", "UNSIGNED-PAYLOAD"),
        ]
    )
    text = "\n".join(["OSS4-HMAC-SHA256", moment, scope, sha256(canonical.encode())])
    key = f"aliyun_v4{credential.access_key_secret}".encode()
    for part in scope.split("/"):
        key = hmac_sha256(key, part)
    return hmac_sha256(key, text).hex()


# --- what they share ----------------------------------------------------------------------------------------------------------------


def _fields(header: str, separator: str) -> dict[str, str]:
    """What stands behind the name of the scheme, such as ``Credential=..., Signature=...``."""
    pairs = (each.strip().partition(separator) for each in header.partition(" ")[2].split(","))
    return {name: value for name, _, value in pairs}


def _top(request: Request, date: str) -> list[str]:
    return [request.method, request.headers.get("content-md5", ""), request.headers.get("content-type", ""), date]


def _oss_headers(request: Request) -> dict[str, str]:
    return {name: value for name, value in request.headers.items() if name.startswith("x-oss-")}


def _lines(headers: Mapping[str, str]) -> str:
    return "".join(f"{name}:{value.strip()}\n" for name, value in sorted(headers.items()))


def _encoded_query(query: Mapping[str, str]) -> str:
    return _joined({encoded(name): encoded(value) for name, value in query.items()})


def _joined(query: Mapping[str, str]) -> str:
    return "&".join(f"{name}={value}" if value else name for name, value in sorted(query.items()))


def _iso(text: str) -> datetime:
    try:
        return datetime.strptime(text, ISO).replace(tzinfo=timezone.utc)
    except ValueError:
        raise Refused(f"{text!r} is no moment") from None


def _unix(text: str) -> datetime:
    if not text.isdigit():
        raise Refused(f"{text!r} is no moment")
    return datetime.fromtimestamp(int(text), timezone.utc)


def _not_over(end: datetime) -> None:
    if end < datetime.now(timezone.utc):
        raise Refused("the URL is over")


def _same(credential: Credential, expected: str, given: str) -> Credential:
    check_signature(expected, given)
    return credential


def ways(requests: Iterable[Request]) -> set[str]:
    """All of `way`."""
    return {way(request) for request in requests}
