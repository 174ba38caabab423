"""The signed services of a fake cloud: STS, and every other product with an answer that says nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from alicred.testing.cloud.account import Account, Key, Role, caller_identity, credentials
from alicred.testing.cloud.exchange import Answer, Exchange, Json, Refused, Request, json_answer
from alicred.testing.cloud.issued_tokens import IssuedTokens
from alicred.testing.cloud.verify import Scheme, Verifier, scheme_of

_STS = "2015-04-01"
_STS_OPERATIONS = frozenset({"AssumeRole", "AssumeRoleWithOIDC", "AssumeRoleWithSAML", "GenerateSessionAccessKey", "GetCallerIdentity"})
_SESSION_NAME = re.compile(r"[A-Za-z0-9.@_-]{2,64}", re.ASCII)
_ROLE_ARN = re.compile(r"acs:ram::\d+:role/[^/\s]+", re.ASCII)


class Api:
    """STS and the products. Thread-safe; nothing blocks.

    Args:
        account: Whose keys and roles count.
        issued_tokens: The OIDC tokens, SAML assertions and bearer tokens that count.
        now: The cloud's clock.
    """

    def __init__(self, account: Account, issued_tokens: IssuedTokens, now: Callable[[], datetime]) -> None:
        self._account = account
        self._issued_tokens = issued_tokens
        self._verifier = Verifier(account, now)
        self.products: dict[str, Mapping[str, Json]] = {}

    def operation(self, request: Request) -> str | None:
        return request.headers.get("x-acs-action") or request.params.get("Action")

    def error_answer(self, refused: Refused, request_id: str) -> Answer:
        payload: dict[str, Json] = {
            "RequestId": request_id,
            "HostId": "127.0.0.1",
            "Code": refused.code,
            "Message": refused.message,
            "Recommend": "https://api.aliyun.com/troubleshoot?q=" + refused.code,
        }
        return json_answer(payload, refused.status, (("x-acs-request-id", request_id), *refused.headers))

    def handle(self, exchange: Exchange) -> Answer:
        request = exchange.request
        params = request.params
        version = request.headers.get("x-acs-version") or params.get("Version")
        if not version:
            raise Refused(400, "MissingVersion", "Version is mandatory for this action.")
        if exchange.operation not in _STS_OPERATIONS:
            payload = self._product(exchange)
        elif version != _STS:
            raise Refused(400, "InvalidVersion", "Specified parameter Version is not valid.")
        else:
            payload = self._sts(exchange, params)
        return json_answer({"RequestId": exchange.request_id, **payload}, headers=(("x-acs-request-id", exchange.request_id),))

    def _caller(self, exchange: Exchange) -> Key:
        scheme = scheme_of(exchange.request)
        if scheme is Scheme.ACS3:
            return self._verifier.acs3(exchange)
        if scheme is Scheme.RPC_V1:
            return self._verifier.rpc(exchange)
        raise Refused(400, "MissingAccessKeyId", "AccessKeyId is mandatory for this action.")

    def _product(self, exchange: Exchange) -> Mapping[str, Json]:
        request = exchange.request
        if scheme_of(request) is Scheme.BEARER:
            token = request.headers.get("x-acs-bearer-token") or request.params.get("BearerToken", "")
            self._issued_tokens.check_bearer(token)
        else:
            self._caller(exchange)
        return self.products.get(exchange.operation, {"Data": {}})

    def _sts(self, exchange: Exchange, params: Mapping[str, str]) -> Mapping[str, Json]:
        if exchange.operation == "AssumeRoleWithOIDC":
            return self._assume_role_with_oidc(params)
        if exchange.operation == "AssumeRoleWithSAML":
            return self._assume_role_with_saml(params)
        caller = self._caller(exchange)
        if exchange.operation == "GetCallerIdentity":
            return caller_identity(caller)
        by_key_pair = not caller.access_key_secret
        if by_key_pair != (exchange.operation == "GenerateSessionAccessKey"):
            raise Refused(403, "NoPermission", "This action does not take this kind of key.")
        if by_key_pair:
            return self._generate_session_access_key(caller, params)
        return self._assume_role(caller, params)

    def _assume_role(self, caller: Key, params: Mapping[str, str]) -> Mapping[str, Json]:
        role = self._role(params, caller.access_key_id, caller.trusted_as, missing="EntityNotExist.Role")
        if role.external_id is not None and params.get("ExternalId") != role.external_id:
            raise _no_permission()
        return self._session("AssumeRole", role, _session_name(params), params)

    def _assume_role_with_oidc(self, params: Mapping[str, str]) -> Mapping[str, Json]:
        provider, token = _needed(params, "OIDCProviderArn"), _needed(params, "OIDCToken")
        name = _session_name(params)
        subject, ends_at = self._issued_tokens.check_oidc(provider, token)
        role = self._role(params, subject, provider, missing="EntityNotExist.Role")
        info: dict[str, Json] = {"Subject": subject, "Issuer": "https://127.0.0.1/issuer", "ExpirationTime": ends_at}
        return {**self._session("AssumeRoleWithOIDC", role, name, params), "OIDCTokenInfo": info}

    def _assume_role_with_saml(self, params: Mapping[str, str]) -> Mapping[str, Json]:
        provider, assertion = _needed(params, "SAMLProviderArn"), _needed(params, "SAMLAssertion")
        subject = self._issued_tokens.check_saml(provider, assertion)
        role = self._role(params, subject, provider, missing="EntityNotExist.RoleArn")
        info: dict[str, Json] = {"Subject": subject, "Issuer": "https://127.0.0.1/issuer"}
        return {**self._session("AssumeRoleWithSAML", role, subject, params), "SAMLAssertionInfo": info}

    def _generate_session_access_key(self, owner: Key, params: Mapping[str, str]) -> Mapping[str, Json]:
        session = credentials(self._account.open_key_session("GenerateSessionAccessKey", owner, _duration(params, 3600)))
        return {
            "SessionAccessKey": {
                "SessionAccessKeyId": session["AccessKeyId"],
                "SessionAccessKeySecret": session["AccessKeySecret"],
                "Expiration": session["Expiration"],
            }
        }

    def _role(self, params: Mapping[str, str], caller: str, caller_arn: str, *, missing: str) -> Role:
        arn = _needed(params, "RoleArn")
        if not _ROLE_ARN.fullmatch(arn):
            raise Refused(400, "InvalidParameter.RoleArn", "The parameter RoleArn is wrongly formed.")
        role = self._account.role(arn)
        if role is None:
            raise Refused(404, missing, "The specified Role not exists.")
        if not role.admits(caller, caller_arn):
            raise _no_permission()
        return role

    def _session(self, operation: str, role: Role, name: str, params: Mapping[str, str]) -> dict[str, Json]:
        _check_policy(params.get("Policy"))
        key = self._account.open_role_session(operation, role, name, _duration(params, 43200))
        return {"AssumedRoleUser": {"Arn": key.arn, "AssumedRoleId": key.principal_id}, "Credentials": credentials(key)}


def _no_permission() -> Refused:
    return Refused(403, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM.")


def _needed(params: Mapping[str, str], name: str) -> str:
    value = params.get(name)
    if not value:
        raise Refused(400, f"MissingParameter.{name}", f"The parameter {name} is mandatory for this action.")
    return value


def _session_name(params: Mapping[str, str]) -> str:
    name = _needed(params, "RoleSessionName")
    if not _SESSION_NAME.fullmatch(name):
        raise Refused(400, "InvalidParameter.RoleSessionName", "The parameter RoleSessionName is wrongly formed.")
    return name


def _duration(params: Mapping[str, str], longest: int) -> timedelta:
    text = params.get("DurationSeconds", "3600")
    if not (text.isascii() and text.isdigit() and 900 <= int(text) <= longest):
        raise Refused(400, "InvalidParameter.DurationSeconds", "The Min/Max value of DurationSeconds is 15min/12hr.")
    return timedelta(seconds=int(text))


def _check_policy(policy: str | None) -> None:
    if policy is None:
        return
    if len(policy) > 2048:
        raise Refused(400, "InvalidParameter.PolicySize", "The size of Policy must be smaller than 2048 bytes.")
    try:
        parsed: object = json.loads(policy)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise Refused(400, "InvalidParameter.PolicyGrammar", "The parameter Policy has not passed grammar check.")
