"""The Security Token Service."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import timedelta

import attrs

import alicred._internal.checks as check
from alicred._internal.public import public
from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.credential import Credential
from alicred.errors import ConfigurationError
from alicred.wire import answers, role_session, signing
from alicred.wire.http import HttpClient
from alicred.wire.operation import Kind, Operation
from alicred.wire.response import HttpResponse, learn_time
from alicred.wire.service_errors import NONCE_USED, TIME_STAMP_EXPIRED, safe_code
from alicred.wire.url import Endpoint

_VERSION = "2015-04-01"
_HOUR = timedelta(hours=1)
_PUBLIC = frozenset({"RoleArn", "RoleSessionName", "DurationSeconds", "OIDCProviderArn", "SAMLProviderArn"})
CENTRAL = "https://sts.aliyuncs.com"
_REGION = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)


@public("alicred")
@attrs.frozen
class CallerIdentity:
    """Who a credential belongs to. A value; nothing in it is secret.

    Args:
        account_id: The account.
        arn: The user, role session or account itself.
        identity_type: For example ``"RAMUser"`` or ``"AssumedRoleUser"``.
        principal_id: The service's id for the identity.
        user_id: Id of the RAM user, if it is one.
        role_id: Id of the role, if it is a role session.
    """

    account_id: str
    arn: str
    identity_type: str
    principal_id: str
    user_id: str | None = None
    role_id: str | None = None


@attrs.frozen
class _Request:
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)
    secrets: tuple[str, ...] = attrs.field(repr=False)
    """What of all this must show in no text."""
    string_to_sign: Callable[[], str] | None = attrs.field(default=None, repr=False)
    """What was signed: needed only to explain an error."""


@public("alicred")
class StsClient:
    """Asks the Security Token Service. Thread-, task- and fork-safe, and picklable.

    Each method blocks for one request (see `HttpClient` for how long), and for a second one if the service rejected the first for its
    time stamp or its nonce. Everything that an operation is given goes in the body, nothing in the URL. The credentials that come
    back have an empty ``provider_name``.

    Args:
        endpoint: ``https://host[:port]``; ``http://`` for a service on this machine.
        http: What sends the requests; ``None`` means an `HttpClient` with its defaults, which uses no proxy for an ``http`` endpoint.
        clock: Gives the time stamps, and learns the time from answers that came over TLS.
        allow_http: Whether ``http`` may go to any host. Everyone on the way can then read the keys: for a private network only.

    Raises:
        ConfigurationError: A parameter is of the wrong type or form; the text names it.
    """

    def __init__(
        self, endpoint: str = CENTRAL, *, http: HttpClient | None = None, clock: Clock = SYSTEM_CLOCK, allow_http: bool = False
    ) -> None:
        parsed = Endpoint.parse(endpoint, name="StsClient.endpoint")
        self._endpoint = parsed if check.flag("StsClient.allow_http", allow_http) else safe_endpoint("StsClient.endpoint", parsed)
        check.client("StsClient.http", http, "request")
        check.clock("StsClient.clock", clock)
        self._http = HttpClient(trust_environment=self._endpoint.scheme == "https") if http is None else http
        self._clock = clock

    @classmethod
    def for_region(cls, region: str, *, vpc: bool = False, http: HttpClient | None = None) -> StsClient:
        """A client of the service in *region*.

        Args:
            region: For example ``"cn-hangzhou"``.
            vpc: Whether to use the address inside the region's VPCs, which nothing outside can reach.
            http: What sends the requests.
        """
        return cls(str(regional_endpoint("StsClient.region", region, vpc=check.flag("StsClient.vpc", vpc))), http=http)

    @property
    def endpoint(self) -> str:
        """``scheme://host[:port]`` of the service."""
        return str(self._endpoint)

    def assume_role(
        self,
        credential: Credential,
        *,
        role_arn: str,
        role_session_name: str,
        duration: timedelta = _HOUR,
        session_policy: str | Mapping[str, object] | None = None,
        external_id: str | None = None,
    ) -> Credential:
        """A temporary key of the role *role_arn*, asked for with *credential*.

        Args:
            credential: Signs the request.
            role_arn: ``acs:ram::<account>:role/<name>``.
            role_session_name: 2 to 64 of ``A-Z a-z 0-9 . @ - _``.
            duration: 900 s up to what the role allows, 43200 s at most.
            session_policy: Narrows what the key may do: a JSON text or a mapping, 2048 characters at most.
            external_id: What the role's trust policy may ask for.

        Raises:
            ConfigurationError: A parameter is empty, of the wrong type or out of its range.
            ProviderError: No key came; the type says whether trying again may help.
        """
        form = _form(
            RoleArn=check.text("role_arn", role_arn),
            RoleSessionName=check.text("role_session_name", role_session_name),
            DurationSeconds=str(role_session.check_duration("duration", duration)),
            Policy=role_session.policy_text("session_policy", session_policy, any_form=True),
            ExternalId=None if external_id is None else check.text("external_id", external_id),
        )
        operation = self._operation("AssumeRole", role_arn=role_arn, access_key_id=credential.access_key_id)
        return self._credentials(operation, lambda: self._signed(operation.name, credential, form))

    def assume_role_with_oidc(
        self,
        *,
        role_arn: str,
        oidc_provider_arn: str,
        oidc_token: str,
        role_session_name: str,
        duration: timedelta = _HOUR,
        session_policy: str | Mapping[str, object] | None = None,
    ) -> Credential:
        """A temporary key of the role *role_arn* for the holder of an OIDC token. The request is not signed.

        Args:
            role_arn: ``acs:ram::<account>:role/<name>``.
            oidc_provider_arn: ``acs:ram::<account>:oidc-provider/<name>``.
            oidc_token: The token as it is, without white space around it.
            role_session_name: 2 to 64 of ``A-Z a-z 0-9 . @ - _``.
            duration: 900 s up to what the role allows, 43200 s at most.
            session_policy: Narrows what the key may do: a JSON text or a mapping, 2048 characters at most.

        Raises:
            ConfigurationError: A parameter is empty, of the wrong type or out of its range.
            ProviderError: No key came; the type says whether trying again may help.
        """
        form = _form(
            RoleArn=check.text("role_arn", role_arn),
            OIDCProviderArn=check.text("oidc_provider_arn", oidc_provider_arn),
            OIDCToken=check.text("oidc_token", oidc_token),
            RoleSessionName=check.text("role_session_name", role_session_name),
            DurationSeconds=str(role_session.check_duration("duration", duration)),
            Policy=role_session.policy_text("session_policy", session_policy, any_form=True),
        )
        operation = self._operation("AssumeRoleWithOIDC", role_arn=role_arn)
        return self._credentials(operation, lambda: self._unsigned(operation.name, form))

    def assume_role_with_saml(
        self,
        *,
        role_arn: str,
        saml_provider_arn: str,
        saml_assertion: str,
        duration: timedelta = _HOUR,
        session_policy: str | Mapping[str, object] | None = None,
    ) -> Credential:
        """A temporary key of the role *role_arn* for the holder of a SAML assertion. The request is not signed.

        Args:
            role_arn: ``acs:ram::<account>:role/<name>``.
            saml_provider_arn: ``acs:ram::<account>:saml-provider/<name>``.
            saml_assertion: Base64 of the whole SAML response, on one line.
            duration: 900 s up to what the role allows, 43200 s at most.
            session_policy: Narrows what the key may do: a JSON text or a mapping, 2048 characters at most.

        Raises:
            ConfigurationError: A parameter is empty, of the wrong type or out of its range.
            ProviderError: No key came; the type says whether trying again may help.
        """
        form = _form(
            RoleArn=check.text("role_arn", role_arn),
            SAMLProviderArn=check.text("saml_provider_arn", saml_provider_arn),
            SAMLAssertion=check.text("saml_assertion", saml_assertion),
            DurationSeconds=str(role_session.check_duration("duration", duration)),
            Policy=role_session.policy_text("session_policy", session_policy, any_form=True),
        )
        operation = self._operation("AssumeRoleWithSAML", role_arn=role_arn)
        return self._credentials(operation, lambda: self._unsigned(operation.name, form))

    def generate_session_access_key(self, *, public_key_id: str, private_key: str | bytes, duration: timedelta = _HOUR) -> Credential:
        """A temporary key, without a security token, for the holder of an RSA key pair.

        Args:
            public_key_id: The service's id of the public key.
            private_key: PEM (PKCS #1 or PKCS #8) or the bare base64 text of either, without a password.
            duration: 900 s to 3600 s.

        Raises:
            ConfigurationError: A parameter is empty, of the wrong type or out of its range, or the private key cannot be read.
            ProviderError: No key came; the type says whether trying again may help.
        """
        from alicred.wire.rsa import load_private_key, rpc_sha256_with_rsa

        action = "GenerateSessionAccessKey"
        key = load_private_key(private_key)
        form = _form(
            Action=action,
            Version=_VERSION,
            Format="JSON",
            AccessKeyId=check.text("public_key_id", public_key_id),
            DurationSeconds=str(role_session.check_duration("duration", duration, role_session.LONGEST_KEY_PAIR_SESSION)),
            SignatureMethod="SHA256withRSA",
            SignatureType="PRIVATEKEY",
            SignatureVersion="1.0",
        )

        def request() -> _Request:
            now = {"Timestamp": signing.timestamp(self._clock.utcnow()), "SignatureNonce": signing.nonce()}
            string_to_sign = signing.rpc_string_to_sign("POST", {**form, **now})
            signature = rpc_sha256_with_rsa(key, string_to_sign)
            return _Request(_headers(), _encode({**form, **now, "Signature": signature}), (signature,), lambda: string_to_sign)

        operation = self._operation(action, access_key_id=public_key_id)
        session = answers.nested(self._call(operation, request), "SessionAccessKey", operation=operation)
        return answers.credential(session, operation=operation, prefix="Session", token=False)

    def get_caller_identity(self, credential: Credential) -> CallerIdentity:
        """Who *credential* belongs to.

        Raises:
            ProviderError: No answer came, or the service does not accept the credential.
        """
        operation = self._operation("GetCallerIdentity", access_key_id=credential.access_key_id)
        found = self._call(operation, lambda: self._signed(operation.name, credential, {}))
        names = ("AccountId", "Arn", "IdentityType", "PrincipalId")
        account_id, arn, identity_type, principal_id = answers.texts(found, *names, operation=operation)
        user_id, role_id = (value if isinstance(value, str) and value else None for value in map(found.get, ("UserId", "RoleId")))
        return CallerIdentity(account_id, arn, identity_type, principal_id, user_id, role_id)

    def __repr__(self) -> str:
        return f"StsClient('{self._endpoint}')"

    def _operation(self, action: str, *, role_arn: str = "", access_key_id: str = "") -> Operation:
        kind = Kind.ASSUME_ROLE if role_arn else Kind.STS
        return Operation(action, kind=kind, endpoint=str(self._endpoint), role_arn=role_arn, access_key_id=access_key_id)

    def _credentials(self, operation: Operation, request: Callable[[], _Request]) -> Credential:
        found = self._call(operation, request)
        return answers.credential(answers.nested(found, "Credentials", operation=operation), operation=operation)

    def _call(self, operation: Operation, request: Callable[[], _Request]) -> Mapping[str, object]:
        """The answer to *request*, which is made again for each attempt, as time stamp and nonce are."""
        sent = request()
        response = self._send(sent)
        code = safe_code(answers.parse_object(response.body) or {}) if response.status >= 400 else None
        # The clock has learned from a time stamp that was refused only if the answer could be trusted.
        if code == NONCE_USED or (code == TIME_STAMP_EXPIRED and response.secure):
            sent = request()
            response = self._send(sent)
        string_to_sign = sent.string_to_sign() if response.status >= 400 and sent.string_to_sign is not None else None
        return answers.successful(response, operation=operation, secrets=sent.secrets, string_to_sign=string_to_sign)

    def _send(self, request: _Request) -> HttpResponse:
        began = self._clock.monotonic()
        response = self._http.request("POST", f"{self._endpoint}/", headers=request.headers, body=request.body)
        learn_time(self._clock, response, self._clock.monotonic() - began)
        return response

    def _signed(self, action: str, credential: Credential, form: Mapping[str, str]) -> _Request:
        body = _encode(form)
        headers = signing.acs3_headers(
            credential,
            method="POST",
            host=self._endpoint.authority,
            headers=_headers(),
            body=body,
            action=action,
            version=_VERSION,
            now=self._clock.utcnow(),
            nonce=signing.nonce(),
        )

        def string_to_sign() -> str:
            signed = signing.parse_acs3_authorization(headers["Authorization"])[1]
            canonical = signing.acs3_canonical_request("POST", "/", {}, headers, signed, headers["x-acs-content-sha256"])
            return signing.acs3_string_to_sign(canonical)

        own = (credential.access_key_secret, credential.security_token or "", headers["Authorization"].rpartition("=")[2])
        return _Request(headers, body, (*own, *_secrets(form)), string_to_sign)

    def _unsigned(self, action: str, form: Mapping[str, str]) -> _Request:
        headers = {
            **_headers(),
            "x-acs-action": action,
            "x-acs-version": _VERSION,
            "x-acs-date": signing.timestamp(self._clock.utcnow()),
            "x-acs-signature-nonce": signing.nonce(),
        }
        return _Request(headers, _encode({**form, "Format": "JSON"}), _secrets(form))


def safe_endpoint(name: str, endpoint: Endpoint) -> Endpoint:
    """*endpoint*, if what goes there and comes back cannot be read on the way: ``https``, or ``http`` on this machine.

    Raises:
        ConfigurationError: It is anything else; the text begins with *name*.
    """
    if endpoint.scheme == "https" or endpoint.is_loopback:
        return endpoint
    why = "plain http is for loopback addresses (and localhost) only, because the answers hold keys"
    raise ConfigurationError(f"{name}: {why}. Use https, or StsClient(..., allow_http=True) in a private network")


def regional_endpoint(name: str, region: object, *, vpc: bool) -> Endpoint:
    """Where the service is in *region*; with *vpc*, inside its VPCs.

    Raises:
        ConfigurationError: It is no id of a region; the text begins with *name*.
    """
    region = check.text(name, region)
    if not _REGION.fullmatch(region) or len(region) > 50:
        raise ConfigurationError(f"{name} must be the id of a region, such as cn-hangzhou: a-z, 0-9 and hyphens")
    return Endpoint("https", f"sts{'-vpc' if vpc else ''}.{region}.aliyuncs.com")


def _form(**values: str | None) -> dict[str, str]:
    return {name: value for name, value in values.items() if value is not None}


def _secrets(form: Mapping[str, str]) -> tuple[str, ...]:
    """What of *form* must show in no text: a parameter that is new here counts among it until it is named."""
    return tuple(value for name, value in form.items() if name not in _PUBLIC)


def _encode(form: Mapping[str, str]) -> bytes:
    return signing.canonical_query(form).encode("ascii")


def _headers() -> dict[str, str]:
    return {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
