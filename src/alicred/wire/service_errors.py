"""What a refusal of a service means, and what to do about it, in words of our own: the service's may quote what was sent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from alicred.errors import DeniedError, MalformedResponseError, ProviderError, TransientError

if TYPE_CHECKING:
    from alicred.wire.response import HttpResponse

TIME_STAMP_EXPIRED = "InvalidTimeStamp.Expired"
NONCE_USED = "SignatureNonceUsed"
LONGEST_RETRY_AFTER = timedelta(seconds=60)

# Words without digits, as every documented code is: neither a key nor a token passes for one.
_CODE = re.compile(r"[A-Za-z]{2,40}(?:[._][A-Za-z]{1,40}){0,4}", re.ASCII)
_REQUEST_ID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_SERVERS_STRING = "server string to sign is"

_BUSY = frozenset({"ServiceUnavailable", "ServiceUnavailableTemporary", "InternalError", "InternalFailure", "UnknownError", NONCE_USED})

_REMEDIES = {
    "NoPermission": "the caller may not do this: give it AliyunSTSAssumeRoleAccess, and check whom the role's trust policy names; "
    "a root account can assume no role",
    "AuthenticationFail.NoPermission": "the role's trust policy does not admit this identity, or there is no such identity provider",
    "AuthenticationFail.OIDCToken.Expired": "the OIDC token has expired: is its file still being renewed?",
    "AuthenticationFail.OIDCToken.Invalid": "the OIDC token is not one that the identity provider would issue",
    "AuthenticationFail.OIDCToken.AudienceNotMatch": "the OIDC token is meant for another audience: list it as a client ID of the provider",
    "AuthenticationFail.OIDCToken.IssuerNotMatch": "the OIDC token's issuer is not the one that the OIDC provider is set up for",
    "AuthenticationFail.SAMLAssertion.Expired": "the SAML assertion has expired: sign in anew",
    "AuthenticationFail.SAMLAssertion.Invalid": "the SAML assertion is not one that the identity provider would issue",
    "EntityNotExist.Role": "there is no such role: check role_arn",
    "EntityNotExist.RoleArn": "there is no such role: check role_arn",
    "EntityNotExist.SAMLProvider": "there is no such SAML provider: check saml_provider_arn",
    "InvalidAccessKeyId.NotFound": "the service does not know the access key id: it was deleted, belongs to another site, "
    "or to a temporary key that has expired",
    "InvalidAccessKeyId.Inactive": "the access key is disabled",
    "InvalidParameter.RoleArn": "role_arn is no ARN of a role: it looks like acs:ram::<account>:role/<name>",
    "InvalidParameter.RoleSessionName": "role_session_name must be 2 to 64 of A-Z a-z 0-9 . @ - _",
    "InvalidParameter.DurationSeconds": "duration is below 900 s or above what the role allows (MaxSessionDuration)",
    "InvalidParameter.PolicyGrammar": "policy is no valid policy document",
    "InvalidParameter.PolicySize": "policy is too long: 2048 characters at most",
    "InvalidSecurityToken.Expired": "the temporary key that signed the request has expired: get a new one",
    "InvalidSecurityToken.MismatchWithAccessKey": "the security token belongs to another access key",
    "InvalidSecurityToken.Malformed": "the security token is damaged",
    "MissingSecurityToken": "the access key is a temporary one, and its security token is missing",
    "SignatureDoesNotMatch": "the signature is wrong: most likely the access key secret is",
    TIME_STAMP_EXPIRED: "this machine's clock is more than 15 minutes off the service's: set it",
    NONCE_USED: "the service has seen this request before",
}
_SECRET_IS_WRONG = "the access key secret is wrong: the service signed the same text and came to another signature"
_SIGNED_TEXT_DIFFERS = (
    "the service signed another text than alicred did: something in between changed the request, or this is a bug in alicred, "
    "please report it"
)


def safe_code(found: Mapping[str, object]) -> str | None:
    """The error code of an answer, if it looks like one."""
    for name in ("Code", "code", "ErrorCode", "errorCode", "error"):
        value = found.get(name)
        if isinstance(value, str) and _CODE.fullmatch(value):
            return value
    return None


def safe_request_id(response: HttpResponse, found: Mapping[str, object]) -> str | None:
    """The service's id of the request, from the body or the header, if it looks like one."""
    for value in (found.get("RequestId"), found.get("requestId"), response.headers.get("x-acs-request-id")):
        if isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            return value
    return None


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """How long the service asks to be left alone, 60 s at most: ``x-acs-retry-after`` in milliseconds, else ``retry-after`` in seconds."""
    for name, unit in (("x-acs-retry-after", timedelta(milliseconds=1)), ("retry-after", timedelta(seconds=1))):
        text = headers.get(name, "").strip()
        if re.fullmatch("[0-9]{1,9}", text, re.ASCII):
            return min(int(text) * unit, LONGEST_RETRY_AFTER)
    return None


def refusal(response: HttpResponse, found: Mapping[str, object], *, doing: str, string_to_sign: str | None = None) -> ProviderError:
    """The error that an answer stands for which is not a success.

    Args:
        response: The answer.
        found: The JSON object in its body; empty if there is none.
        doing: What was being done.
        string_to_sign: What was signed; shows in no text.
    """
    code = safe_code(found)
    status = response.status
    remedy = _REMEDIES.get(code or "")
    if code == "NoPermission" and not doing.startswith("AssumeRole"):
        remedy = "the caller may not do this: ask who manages its permissions"
    if code in ("invalid_client", "unauthorized_client"):
        remedy = "the site does not know this client: check client_id and the site"
    if code is None and status == 404:
        remedy = "there is nothing at this address: check it"
    if code == "SignatureDoesNotMatch" and string_to_sign is not None:
        remedy = _signature_remedy(found, string_to_sign) or remedy
    throttled = status == 429 or (code or "").split(".")[0] == "Throttling"
    kind: type[ProviderError]
    if throttled or status == 408 or status >= 500 or code in _BUSY:
        kind = TransientError
        remedy = remedy or ("too many requests: slow down" if throttled else "the service is out of order")
    elif (code is not None and (status >= 400 or code in _REMEDIES)) or status in (401, 403):
        kind = DeniedError
    else:
        kind = MalformedResponseError if code is None and status < 400 else ProviderError
    return kind(
        f"{doing}: {remedy or 'the service refused'}",
        code=code,
        request_id=safe_request_id(response, found),
        status=status,
        retry_after=retry_after(response.headers) if kind is TransientError else None,
    )


def _signature_remedy(found: Mapping[str, object], string_to_sign: str) -> str | None:
    message = next((value for name in ("Message", "message") if isinstance(value := found.get(name), str)), "")
    _, marker, servers = message.partition(_SERVERS_STRING)
    if not marker:
        return None
    return _SECRET_IS_WRONG if string_to_sign in servers else _SIGNED_TEXT_DIFFERS
