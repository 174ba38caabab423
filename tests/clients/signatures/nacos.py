"""How Nacos verifies a request that comes with an access key: one way for configurations and prompts, another for services."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timezone

from alicred import Credential
from alicred.testing.cloud.exchange import Request
from tests.clients.signatures.common import WINDOW, check_signature, hmac_sha1
from tests.clients.support import Keys, Refused


def verify(request: Request, keys: Keys) -> Credential:
    """Whose request it is. Over gRPC the path is the type of the request, and the body what it holds."""
    path, headers = request.path, request.headers
    if path.startswith("/nacos/v3/"):
        return spas(headers, keys, request.query["namespaceId"], "DEFAULT_GROUP")
    if path.startswith("/nacos/v1/cs/"):
        return spas(headers, keys, request.params.get("tenant", ""), request.params.get("group", ""))
    if path.startswith("/nacos/v1/ns/"):
        sent = {name.lower(): value for name, value in request.query.items()}
        return service(sent, keys, request.query["groupName"], request.query["serviceName"])
    body = json.loads(request.body)
    if path.startswith("Config"):
        return spas(headers, keys, body["tenant"], body["group"])
    if "Prompt" in path:
        return spas(headers, keys, body["namespaceId"], "DEFAULT_GROUP")
    return service(headers, keys, body["groupName"], body["serviceName"])


def spas(sent: Mapping[str, str], keys: Keys, *resource: str) -> Credential:
    """``Spas-Signature`` is over namespace and group, as far as there are any, and ``Timestamp``."""
    credential = keys.find(sent.get("spas-accesskey"), token(sent))
    moment = sent.get("timestamp", "")
    check_moment(moment)
    text = "+".join(part for part in (*resource, moment) if part)
    check_signature(hmac_sha1(credential.access_key_secret, text), sent.get("spas-signature"))
    return credential


def service(sent: Mapping[str, str], keys: Keys, *name: str) -> Credential:
    """``signature`` is over ``data``, which is the time, the group and the service."""
    credential = keys.find(sent.get("ak"), token(sent))
    moment, _, about = sent.get("data", "").partition("@@")
    check_moment(moment)
    if about != "@@".join(name):
        raise Refused(f"{about!r} is not what the request is about")
    check_signature(hmac_sha1(credential.access_key_secret, sent["data"]), sent.get("signature"))
    return credential


def token(sent: Mapping[str, str]) -> str | None:
    if sent.get("spas-securitytoken") == "":
        raise Refused("a security token that is none")
    return sent.get("spas-securitytoken")


def check_moment(text: str) -> None:
    """That *text*, milliseconds since 1970, is not 15 minutes off."""
    if not text.isdecimal():
        raise Refused(f"{text!r} is no time in milliseconds")
    if abs(datetime.now(timezone.utc) - datetime.fromtimestamp(int(text) / 1000, timezone.utc)) > WINDOW:
        raise Refused(f"{text} is more than {WINDOW} off")
