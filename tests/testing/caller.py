"""A signing client for the tests of the fake cloud, with a place to put something wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import attrs
import urllib3

from alicred import Credential
from alicred.testing import FakeCloud
from alicred.wire import signing

FORM = "application/x-www-form-urlencoded"
STS = "2015-04-01"

Alter = Callable[[dict[str, str]], None]


@attrs.frozen
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def payload(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.payload.get("Code", ""))


def send(method: str, url: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None, ca_file: str | None = None) -> Response:
    with urllib3.PoolManager(retries=False, timeout=30, ca_certs=ca_file) as pool:
        answer = pool.request(method, url, body=body or None, headers=headers, redirect=False)
        return Response(answer.status, answer.headers, answer.data)


def acs3(
    cloud: FakeCloud,
    credential: Credential,
    action: str = "GetCallerIdentity",
    params: Mapping[str, str] | None = None,
    *,
    version: str = STS,
    method: str = "POST",
    path: str = "/",
    in_query: bool = False,
    off: timedelta = timedelta(0),
    now: datetime | None = None,
    nonce: str | None = None,
    extra: Mapping[str, str] | None = None,
    alter: Alter = lambda headers: None,
    body: bytes | None = None,
    over_tls: bool = False,
) -> Response:
    """One ACS3 call.

    *extra* headers are signed with the rest; *alter* changes the headers after that, and *body* is sent instead of what was signed.
    """
    query = dict(params or {}) if in_query else {}
    form = signing.canonical_query(params or {}).encode() if not in_query else b""
    base = cloud.endpoint if over_tls else cloud.http_endpoint
    headers = signing.acs3_headers(
        credential,
        method=method,
        host=base.partition("://")[2],
        path=path,
        query=query,
        headers={**({"content-type": FORM} if form else {}), **(extra or {})},
        body=form,
        action=action,
        version=version,
        now=(now or cloud.now()) + off,
        nonce=nonce or signing.nonce(),
    )
    alter(headers)
    url = base + path + ("?" + signing.canonical_query(query) if query else "")
    return send(method, url, body=form if body is None else body, headers=headers, ca_file=cloud.ca_file if over_tls else None)


def rpc(
    cloud: FakeCloud,
    credential: Credential,
    action: str = "GetCallerIdentity",
    params: Mapping[str, str] | None = None,
    *,
    form: Mapping[str, str] | None = None,
    method: str = "POST",
    sign: Callable[[str], str] | None = None,
    common: Mapping[str, str] | None = None,
) -> Response:
    """One RPC v1 call: *params* in the query, *form* in the body, the signature in the query. *sign* stands in for HMAC-SHA1."""
    query = {
        "Action": action,
        "Version": STS,
        "Format": "JSON",
        "AccessKeyId": credential.access_key_id,
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureNonce": signing.nonce(),
        "Timestamp": signing.timestamp(cloud.now()),
        **({"SecurityToken": credential.security_token} if credential.security_token else {}),
        **(params or {}),
        **(common or {}),
    }
    string = signing.rpc_string_to_sign(method, {**query, **(form or {})})
    query["Signature"] = sign(string) if sign else signing.rpc_hmac_sha1(credential.access_key_secret, string)
    body = signing.canonical_query(form or {}).encode()
    headers = {"content-type": FORM} if body else {}
    return send(method, f"{cloud.http_endpoint}/?{signing.canonical_query(query)}", body=body, headers=headers)


def role_params(cloud: FakeCloud, **more: str) -> dict[str, str]:
    return {"RoleArn": cloud.role_arn, "RoleSessionName": "tester", **more}


def assume(cloud: FakeCloud, credential: Credential | None = None, **more: str) -> Credential:
    """A session of the cloud's role."""
    answer = acs3(cloud, credential or cloud.access_key, "AssumeRole", role_params(cloud, **more))
    assert answer.status == 200, answer.payload
    return as_credential(answer.payload["Credentials"])


def as_credential(fields: Mapping[str, str]) -> Credential:
    ends_at = datetime.fromisoformat(fields["Expiration"].replace("Z", "+00:00"))
    return Credential(fields["AccessKeyId"], fields["AccessKeySecret"], fields["SecurityToken"], ends_at)
