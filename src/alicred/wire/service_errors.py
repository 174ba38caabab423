"""What a service means when it says no, and what to do about it.

A new error code, of STS or of another service, is one line in `_MEANINGS`: ``"Code": ("cause in one clause", "What to do, as an
instruction")``. Where a code means something else for some operations, the line goes into `_MEANINGS_FOR` instead. A code that stands in
neither still shows, with the service's own message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from alicred.errors import DeniedError, MalformedResponseError, ProviderError, TransientError
from alicred.wire.operation import Kind, Operation
from alicred.wire.service_message import clean

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

_Meaning = tuple[str, str]  # the cause, in one clause; what to do, as an instruction

_MEANINGS: Mapping[str, _Meaning] = {
    "AuthenticationFail.IDPMetadata.Invalid": (
        "the SAML provider's metadata is invalid",
        "Upload the identity provider's metadata in RAM again",
    ),
    "AuthenticationFail.NoPermission": (
        "the role's trust policy does not admit this identity, or there is no such identity provider",
        "Check that the role's trust policy names the identity provider and the token's subject, and check the provider's ARN",
    ),
    "AuthenticationFail.OIDCToken.AudienceNotMatch": (
        "the OIDC token is meant for another audience",
        "Add the token's audience to the client IDs of the OIDC provider",
    ),
    "AuthenticationFail.OIDCToken.Expired": ("the OIDC token has expired", "Check that its file is still being renewed"),
    "AuthenticationFail.OIDCToken.Invalid": ("the OIDC token is invalid", "Check that the token file holds a token of this OIDC provider"),
    "AuthenticationFail.OIDCToken.IssuerConfigurationBroken": (
        "the OIDC provider's issuer publishes no usable configuration",
        "Check that the issuer's URL can be reached from the internet and serves /.well-known/openid-configuration",
    ),
    "AuthenticationFail.OIDCToken.IssuerNotMatch": (
        "the OIDC token comes from another issuer than the OIDC provider's",
        "Check oidc_provider_arn, and the issuer's URL in RAM",
    ),
    "AuthenticationFail.OIDCToken.PublicKeyFingerprintMismatch": (
        "the certificate of the OIDC provider's issuer is not the one that RAM knows",
        "Add its fingerprint to the OIDC provider in RAM",
    ),
    "AuthenticationFail.SAMLAssertion.Expired": ("the SAML assertion has expired", "Sign in again"),
    "AuthenticationFail.SAMLAssertion.Invalid": (
        "the SAML assertion is invalid",
        "Check that it comes from this SAML provider, whole and in base64",
    ),
    "EntityNotExist.Role": ("the role does not exist", "Check role_arn"),
    "EntityNotExist.RoleArn": ("the role does not exist", "Check role_arn"),
    "EntityNotExist.SAMLProvider": ("the SAML provider does not exist", "Check saml_provider_arn"),
    "IncompleteSignature": ("the service finds the signature incomplete", "Check that no proxy changes the request's headers"),
    "InvalidAccessKeyId": ("the service does not accept the access key id", "Check the access key id"),
    "InvalidAccessKeyId.Inactive": ("the access key is disabled", "Enable it in RAM, or use another one"),
    "InvalidAccessKeyId.NotFound": (
        "the service does not know the access key id",
        "Check whether the key was deleted, belongs to another site, or is a temporary one that has expired",
    ),
    "InvalidParameter.DurationSeconds": (
        "the service does not accept the duration",
        "Set a duration of at least 900 s and at most the role's MaxSessionDuration",
    ),
    "InvalidParameter.PolicyGrammar": ("the session policy is no valid policy document", "Correct session_policy"),
    "InvalidParameter.PolicySize": ("the session policy is too long", "Shorten session_policy to 2048 characters or fewer"),
    "InvalidParameter.RoleArn": ("role_arn is no ARN of a role", "Set role_arn to acs:ram::<account>:role/<name>"),
    "InvalidParameter.RoleSessionName": (
        "the service does not accept the session's name",
        "Set role_session_name to 2 to 64 of A-Z a-z 0-9 . @ - _",
    ),
    "InvalidSecurityToken.Expired": ("the temporary key that signed the request has expired", "Get a new one"),
    "InvalidSecurityToken.Malformed": (
        "the security token is damaged",
        "Copy it again, whole and on one line. If it was left over from another key, unset ALIBABA_CLOUD_SECURITY_TOKEN",
    ),
    "InvalidSecurityToken.MismatchWithAccessKey": (
        "the security token belongs to another access key",
        "Set access key id, secret and security token from the same answer. If the token was left over, unset ALIBABA_CLOUD_SECURITY_TOKEN",
    ),
    TIME_STAMP_EXPIRED: ("this machine's clock is more than 15 minutes off the service's", "Set the clock"),
    "MissingSecurityToken": ("the access key is a temporary one, and its security token is missing", "Set the security token too"),
    "NoPermission": ("the caller is not allowed to do this", "Ask the account's administrator for the permission"),
    "SignatureDoesNotMatch": ("the signature is wrong", "Check the access key secret first"),
    NONCE_USED: ("the service has seen this request before", "Try again"),
    "invalid_client": ("the site does not know this client", "Check client_id and the site"),
    "unauthorized_client": ("the site does not know this client", "Check client_id and the site"),
    "HTTP 404": ("there is nothing at this address", "Check the address"),
}

_MEANINGS_FOR: Mapping[Kind, Mapping[str, _Meaning]] = {
    Kind.ASSUME_ROLE: {
        "NoPermission": (
            "the caller is not allowed to assume the role",
            "Grant the caller sts:AssumeRole (AliyunSTSAssumeRoleAccess), and check that the role's trust policy names it; "
            "a root account cannot assume a role",
        ),
    },
    Kind.METADATA: {
        "HTTP 401": ("the metadata service does not accept the token", "Check that no proxy or firewall changes requests to it"),
        "HTTP 403": (
            "the metadata service refused the request",
            "Check the instance's metadata options, and that no firewall is in between",
        ),
    },
}

# Where no line of the tables says more.
_THROTTLED = ("too many requests were sent", "Send fewer requests, and cache what they bring")
_OUT_OF_ORDER = ("the service is out of order", "Try again later")
_UNKNOWN_CODE = ("the service refused the request", "Look the code up in the service's documentation")
_NO_CODE = ("the service refused the request without a code of an error", "Check that this is the address of the service")

_SECRET_IS_WRONG = (
    "the access key secret is wrong, as the service signed the same text and came to another signature",
    "Check that id and secret belong together, and that the secret is whole",
)
_SIGNED_TEXT_DIFFERS = (
    "the service signed another text than alicred did",
    "Check that no proxy changes the request; if none does, report this as a bug in alicred",
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


def service_error(
    response: HttpResponse,
    found: Mapping[str, object],
    *,
    operation: Operation,
    secrets: Iterable[str] = (),
    string_to_sign: str | None = None,
) -> ProviderError:
    """The error that an answer stands for which is not a success.

    Args:
        response: The answer.
        found: The JSON object in its body; empty if there is none.
        operation: What was being done.
        secrets: What was sent and must not show, in case the service's own message quotes it.
        string_to_sign: What was signed; shows in no text.
    """
    code = safe_code(found)
    status = response.status
    throttled = status == 429 or (code or "").split(".")[0] == "Throttling"
    meaning = _meaning(code, status, operation.kind)
    if code == "SignatureDoesNotMatch" and string_to_sign is not None:
        meaning = _signature_meaning(found, string_to_sign) or meaning
    kind: type[ProviderError]
    if throttled or status == 408 or status >= 500 or code in _BUSY:
        kind = TransientError
        meaning = meaning or (_THROTTLED if throttled else _OUT_OF_ORDER)
    elif (code is not None and (status >= 400 or meaning is not None)) or status in (401, 403):
        kind = DeniedError
    else:
        kind = MalformedResponseError if code is None and status < 400 else ProviderError
    cause, instruction = meaning or (_NO_CODE if code is None else _UNKNOWN_CODE)
    hidden = secrets if string_to_sign is None else (*secrets, string_to_sign)
    return kind(
        operation.failed(cause, instruction) + own_words(found, hidden),
        code=code,
        request_id=safe_request_id(response, found),
        status=status,
        retry_after=retry_after(response.headers) if kind is TransientError else None,
    )


def own_words(found: Mapping[str, object], secrets: Iterable[str]) -> str:
    """A sentence with the service's own message, a space in front; empty if it has none."""
    names = ("Message", "message", "ErrorMessage", "errorMessage", "error_description")
    message = next((value for name in names if isinstance(value := found.get(name), str) and value.strip()), None)
    if message is None:
        return ""
    cleaned = clean(message, secrets)
    if cleaned is None:
        return " The service's own message is left out, because it may hold a secret."
    return f' The service said "{cleaned}"'


def _meaning(code: str | None, status: int, kind: Kind) -> _Meaning | None:
    name = f"HTTP {status}" if code is None else code
    return _MEANINGS_FOR.get(kind, {}).get(name) or _MEANINGS.get(name)


def _signature_meaning(found: Mapping[str, object], string_to_sign: str) -> _Meaning | None:
    message = next((value for name in ("Message", "message") if isinstance(value := found.get(name), str)), "")
    _, marker, servers = message.partition(_SERVERS_STRING)
    if not marker:
        return None
    return _SECRET_IS_WRONG if string_to_sign in servers else _SIGNED_TEXT_DIFFERS
