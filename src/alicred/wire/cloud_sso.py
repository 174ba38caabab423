"""The site that a CloudSSO user logs in at: with a device code, in a browser on any machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, TypeGuard

import attrs

from alicred.clock import SYSTEM_CLOCK, Clock
from alicred.errors import ConfigurationError, DeniedError
from alicred.wire import answers, signing
from alicred.wire.login_site import LoginSite, seconds
from alicred.wire.pkce import METHOD
from alicred.wire.service_errors import own_words, safe_code, safe_request_id
from alicred.wire.url import safe_target

if TYPE_CHECKING:
    from alicred.credential import Credential
    from alicred.wire.http import HttpClient
    from alicred.wire.operation import Operation

CLIENT_ID = "app-vaz16tltdxs96audqf35"
"""The application that logs in: the command line tool."""

_CREDENTIALS, _DEVICE, _TOKEN = "/cloud-credentials", "/device-authorization", "/token"
_ACCOUNTS, _CONFIGURATIONS = "/access-assignments/accounts", "/access-assignments/access-configurations"
_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_JSON = {"content-type": "application/json"}
_PAGE = {"MaxResults": "100"}
_MOST_PAGES = 1000
_NO_LOGIN = "the site does not take the request"
_INTERVAL, _LONGEST_INTERVAL = timedelta(seconds=5), timedelta(seconds=60)

# Codes of the answers to polls, in small letters without underscores. Only the first and the one of expiry are known for certain.
_PENDING = ("authorizationpending",)
_SLOW_DOWN = ("slowdown",)
_EXPIRED = ("invaliddevicecodeerror", "expiredtoken")
_DENIED = ("accessdenied", "accessdeniederror", "authorizationdenied")


class Pending(Enum):
    """What the site says for as long as there is no token."""

    WAIT = "the user has not confirmed yet"
    SLOW_DOWN = "the user has not confirmed yet, and the polls come too fast"
    EXPIRED = "the user can no longer confirm"


@attrs.frozen(kw_only=True)
class DeviceLogin:
    """A login that a user is to confirm in a browser. A value; the device code shows in no ``repr``.

    Args:
        device_code: What the token is asked for with.
        user_code: What the user compares with what the browser shows, or types in there.
        verification_uri: Where.
        verification_uri_complete: The same with the user code in it.
        interval: How long to wait between two polls.
        lasts: How long the user has; ``None`` if it is not known.
    """

    device_code: str = attrs.field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    interval: timedelta
    lasts: timedelta | None


@attrs.frozen
class AccessToken:
    """What a confirmed login gives. A value; the token shows in no ``repr``.

    Args:
        token: Gets lists and keys.
        expires_at: When it ends; ``None`` if it is not known.
    """

    token: str = attrs.field(repr=False)
    expires_at: datetime | None


@attrs.frozen
class Choice:
    """An account, or an access configuration in one. A value.

    Args:
        id: Its id.
        name: What people call it; its id if it has no name.
    """

    id: str
    name: str


class CloudSsoClient(LoginSite):
    """Asks the site of a CloudSSO login. As safe as `LoginSite`; a method blocks for one request, or one for each page of a list.

    Args:
        sign_in_url: As in `LoginSite`.
        http: As in `LoginSite`.
        clock: As in `LoginSite`.
        owner: As in `LoginSite`.

    Raises:
        ConfigurationError: A parameter is wrong; the text names it.
    """

    def __init__(
        self, sign_in_url: str, *, http: HttpClient | None = None, clock: Clock = SYSTEM_CLOCK, owner: str = "CloudSsoClient"
    ) -> None:
        super().__init__(owner, sign_in_url, http, "CloudSSO", clock)
        self._sign_in_url = sign_in_url

    def begin(self, challenge: str, *, client_id: str = CLIENT_ID) -> DeviceLogin:
        """Ask for a login.

        Args:
            challenge: The public half of a proof.
            client_id: The application that logs in.

        Raises:
            MalformedResponseError: The answer lacks something, or asks to open what is no ``https`` URL.
            ProviderError: There is no login; the type says whether trying again may help.
        """
        asked = {"PortalUrl": self._sign_in_url, "CodeChallenge": challenge, "ClientId": client_id, "CodeChallengeMethod": METHOD}
        operation = self._operation("for a login")
        response, found = self._send("POST", _DEVICE, _JSON, _body(asked))
        found = self._success(response, found, operation=operation, secrets=(), over=_NO_LOGIN)
        names = ("DeviceCode", "UserCode", "VerificationUri", "VerificationUriComplete")
        device_code, user_code, *pages = answers.texts(found, *names, operation=operation, status=response.status)
        if not user_code.isprintable() or not all(map(_is_page, pages)):
            raise operation.malformed("the answer holds no user code, or asks to open what is no https URL", status=response.status)
        interval = seconds(answers.member(found, "Interval")) or _INTERVAL
        return DeviceLogin(
            device_code=device_code,
            user_code=user_code,
            verification_uri=pages[0],
            verification_uri_complete=pages[1],
            interval=min(interval, _LONGEST_INTERVAL),
            lasts=seconds(answers.member(found, "ExpiresIn")),
        )

    def poll(self, login: DeviceLogin, verifier: str, *, client_id: str = CLIENT_ID) -> AccessToken | Pending:
        """The token of *login*, if the user has confirmed it.

        Args:
            login: What `begin` has returned.
            verifier: The secret half of the proof that it began with.
            client_id: The application that it began with.

        Raises:
            DeniedError: The user, or the site, said no.
            ProviderError: No answer came, or another one than promised; the type says whether trying again may help.
        """
        asked = {"CodeVerifier": verifier, "ClientId": client_id, "DeviceCode": login.device_code, "GrantType": _GRANT}
        secrets = (verifier, login.device_code)
        operation = self._operation("for the token of the login")
        response, found = self._send("POST", _TOKEN, _JSON, _body(asked))
        code = safe_code(found)
        plain = (code or "").replace("_", "").lower()
        if plain in _PENDING:
            return Pending.WAIT
        if plain in _SLOW_DOWN:
            return Pending.SLOW_DOWN
        if plain in _EXPIRED:
            return Pending.EXPIRED
        if plain in _DENIED:
            text = operation.failed("the login was denied in the browser", "Start again, and confirm it there") + own_words(found, secrets)
            raise DeniedError(text, code=code, request_id=safe_request_id(response, found), status=response.status)
        found = self._success(response, found, operation=operation, secrets=secrets, over=_NO_LOGIN)
        (token,) = answers.texts(found, "AccessToken", operation=operation, status=response.status)
        if not (token.isascii() and token.isprintable()):
            raise operation.malformed("the answer holds an unusable AccessToken", status=response.status)
        lasts = seconds(answers.member(found, "ExpiresIn"))
        return AccessToken(token, None if lasts is None else self._clock.utcnow() + lasts)

    def accounts(self, access_token: str) -> tuple[Choice, ...]:
        """The accounts that the user may work in.

        Raises:
            DeniedError: The login is over; the text says how to log in again.
            ProviderError: No list came; the type says whether trying again may help.
        """
        operation = self._operation("for the accounts of the user")
        return tuple(self._listed(_ACCOUNTS, _PAGE, access_token, "Accounts", ("AccountId", "DisplayName"), operation))

    def access_configurations(self, access_token: str, account_id: str) -> tuple[Choice, ...]:
        """The access configurations that the user may work with in an account.

        Raises:
            DeniedError: The login is over; the text says how to log in again.
            ProviderError: No list came; the type says whether trying again may help.
        """
        operation = self._operation(f"for the access configurations of the user in the account {account_id}")
        names = ("AccessConfigurationId", "AccessConfigurationName")
        query = {**_PAGE, "AccountId": account_id}
        return tuple(self._listed(_CONFIGURATIONS, query, access_token, "AccessConfigurationsForAccount", names, operation))

    def _listed(
        self, path: str, query: Mapping[str, str], access_token: str, key: str, names: tuple[str, str], operation: Operation
    ) -> Iterator[Choice]:
        seen = {""}  # a list that says that it goes on, and not where, has ended
        page = query
        for _ in range(_MOST_PAGES):
            headers = {**_JSON, "authorization": f"Bearer {access_token}"}
            response, found = self._send("GET", f"{path}?{signing.canonical_query(page)}", headers)
            found = self._success(response, found, operation=operation, secrets=(access_token,))
            listed = answers.member(found, key)
            if not _is_list(listed):
                raise operation.malformed(f"the answer lacks {key}", status=response.status)
            for each in listed:
                yield _choice(each, *names, operation=operation)
            following = answers.member(found, "NextToken")
            if answers.member(found, "IsTruncated") is not True or not isinstance(following, str) or following in seen:
                return
            seen.add(following)
            page = {**query, "NextToken": following}

    def credential(self, access_token: str, *, account_id: str, access_configuration_id: str) -> Credential:
        """New keys of an access configuration; their ``provider_name`` is empty.

        Args:
            access_token: What the login gave.
            account_id: The account to work in.
            access_configuration_id: ``ac-…``.

        Raises:
            DeniedError: The site does not take the access token, or the user may not use the access configuration.
            ProviderError: No keys came; the type says whether trying again may help.
        """
        body = _body({"AccountId": account_id, "AccessConfigurationId": access_configuration_id})
        headers = {**_JSON, "authorization": f"Bearer {access_token}"}
        operation = self._operation(f"for the keys of the access configuration {access_configuration_id}")
        found = self._post(_CREDENTIALS, headers, body, operation=operation, secrets=(access_token,))
        return answers.credential(answers.nested(found, "CloudCredential", operation=operation), operation=operation)


def _body(values: Mapping[str, str]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode("ascii")


def _choice(found: object, id_name: str, name_name: str, *, operation: Operation) -> Choice:
    if not answers.is_object(found):
        raise operation.malformed(f"the answer lacks {id_name}")
    (identity,) = answers.texts(found, id_name, operation=operation)
    if not (identity.isascii() and identity.isprintable()):
        raise operation.malformed(f"the answer holds an unusable {id_name}")
    name = answers.member(found, name_name)
    shown = "".join(c for c in name if c.isprintable()).strip() if isinstance(name, str) else ""
    return Choice(identity, shown or identity)


def _is_page(url: str) -> bool:
    """Whether a browser may be sent to *url*."""
    try:
        safe_target("the page", url)
    except ConfigurationError:
        return False
    return True


def _is_list(value: object) -> TypeGuard[list[object]]:
    return isinstance(value, list)
