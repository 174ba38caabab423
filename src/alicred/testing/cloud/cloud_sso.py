"""The CloudSSO site: device codes, its page for the browser, accounts and access configurations, and keys."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import quote

import attrs

from alicred.testing.cloud.account import Account, Role, credentials, random_text, random_token
from alicred.testing.cloud.exchange import Answer, Exchange, Json, Refused, Request, json_answer
from alicred.testing.cloud.login_pages import LoginRules, SignIn, page, question
from alicred.testing.cloud.logins import CloudSsoLogin, bearer, must_be_post, proves

DEVICE, TOKEN, ACCOUNTS, CONFIGURATIONS, CREDENTIAL, PAGE = (
    f"CloudSso{each}" for each in ("Device", "Token", "Accounts", "AccessConfigurations", "Credential", "Page")
)  # names of operations

_PAGE = "/device/code"
_OPERATIONS = {
    "/device-authorization": DEVICE,
    "/token": TOKEN,
    "/access-assignments/accounts": ACCOUNTS,
    "/access-assignments/access-configurations": CONFIGURATIONS,
    "/cloud-credentials": CREDENTIAL,
    _PAGE: PAGE,
}
_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
_SLOWER = timedelta(seconds=5)


@attrs.define
class _Device:
    """A login that a device has asked for."""

    client_id: str
    challenge: str
    user_code: str
    ends_at: datetime
    interval: timedelta
    asked_at: datetime | None = None
    is_allowed: bool | None = None
    pending: int = 0
    slow_down: int = 0


@attrs.frozen
class _Place:
    """An account of the directory."""

    id: str
    name: str
    configurations: Mapping[str, str]  # names by ids


class CloudSso:
    """Everything below one sign-in URL. Thread-safe; nothing blocks."""

    def __init__(self, account: Account, role: Role, now: Callable[[], datetime], rules: LoginRules) -> None:
        self._account = account
        self._role = role
        self._now = now
        self._rules = rules
        self._lock = threading.Lock()
        self._logins: dict[str, CloudSsoLogin] = {}
        self._tokens: dict[str, datetime] = {}  # those of device codes
        self._devices: dict[str, _Device] = {}
        self._places: list[_Place] = []

    def login(self, span: timedelta) -> CloudSsoLogin:
        """A new login whose access token lasts *span*."""
        new = CloudSsoLogin(
            account_id=f"2{random_text(7)}",
            access_configuration_id=f"ac-{random_text(8)}",
            access_token=random_token(60),
            expires_at=self._now() + span,
        )
        with self._lock:
            self._logins[new.access_token] = new
        return new

    def add_account(self, name: str, configurations: Sequence[str]) -> str:
        """A new account of the directory, in which every user may work; its id."""
        with self._lock:
            new = _Place(f"2{len(self._places):015d}", name, {f"ac-{random_text(8)}": each for each in configurations})
            self._places.append(new)
        return new.id

    def operation(self, request: Request) -> str | None:
        return _OPERATIONS.get(request.path)

    def error_answer(self, refused: Refused, request_id: str) -> Answer:
        payload: dict[str, Json] = {"ErrorCode": refused.code, "ErrorMessage": refused.message, "RequestId": request_id}
        return json_answer(payload, refused.status, refused.headers)

    def handle(self, exchange: Exchange) -> Answer:
        request = exchange.request
        if exchange.operation == PAGE:
            return self._page(request)
        if exchange.operation in (ACCOUNTS, CONFIGURATIONS):
            return json_answer({**self._list(exchange.operation, request), "RequestId": exchange.request_id})
        must_be_post(request)
        if exchange.operation == DEVICE:
            return json_answer(self._begin(request))
        if exchange.operation == TOKEN:
            return json_answer({**self._token(request), "RequestId": exchange.request_id})
        return self._keys(exchange)

    # --- a login ------------------------------------------------------------------------------------------------------------------

    def _begin(self, request: Request) -> dict[str, Json]:
        asked = _object(request.body)
        lacking = [name for name in ("PortalUrl", "CodeChallenge", "ClientId") if not asked.get(name)]
        if lacking or asked.get("CodeChallengeMethod") != "S256":
            raise Refused(400, "InvalidParameter", f"Wrong or missing: {', '.join([*lacking, 'CodeChallengeMethod'])}")
        rules = self._rules
        user_code = f"{random_text(2)}-{random_text(2)}".upper()
        new = _Device(str(asked["ClientId"]), str(asked["CodeChallenge"]), user_code, self._now() + rules.device_code_lasts, rules.interval)
        new.pending, new.slow_down = rules.pending, rules.slow_down
        new.is_allowed = {SignIn.ASK: None, SignIn.NOTHING: None, SignIn.DENY: False}.get(rules.sign_in, True)
        device_code = random_token(30)
        with self._lock:
            self._devices[device_code] = new
        where = f"{'https' if request.over_tls else 'http'}://{request.headers.get('host', '')}{_PAGE}"
        return {
            "DeviceCode": device_code,
            "UserCode": user_code,
            "VerificationUri": where,
            "VerificationUriComplete": f"{where}?user_code={quote(user_code)}",
            "Interval": rules.interval // timedelta(seconds=1),
            "ExpiresIn": rules.device_code_lasts // timedelta(seconds=1),
        }

    def _token(self, request: Request) -> dict[str, Json]:
        asked = _object(request.body)
        if asked.get("GrantType") != _GRANT:
            raise Refused(400, "InvalidParameter", "The grant type is unknown.")
        device_code = str(asked.get("DeviceCode"))
        with self._lock:
            device = self._devices.get(device_code)
            is_known = device is not None and device.client_id == asked.get("ClientId") and self._now() < device.ends_at
            if device is None or not is_known or not proves(str(asked.get("CodeVerifier")), device.challenge):
                raise Refused(400, "InvalidDeviceCodeError", "The device code is invalid or has expired.")
            self._must_wait(device)
            del self._devices[device_code]
            token = random_token(60)
            self._tokens[token] = self._now() + self._rules.lasts
        return {"AccessToken": token, "ExpiresIn": self._rules.lasts // timedelta(seconds=1), "TokenType": "Bearer"}

    def _must_wait(self, device: _Device) -> None:
        """Refuse a poll that comes too fast, or before the person has decided."""
        now, before = self._now(), device.asked_at
        device.asked_at = now
        if device.slow_down > 0 or (before is not None and now - before < device.interval):
            device.slow_down = max(0, device.slow_down - 1)
            device.interval += _SLOWER
            raise Refused(400, "SlowDown", "The polls come too fast.")
        if device.is_allowed is False:
            raise Refused(400, "AccessDenied", "The user has denied the request.")
        if device.is_allowed is None or device.pending > 0:
            device.pending = max(0, device.pending - 1)
            raise Refused(400, "AuthorizationPending", "The user has not confirmed the request yet.")

    def _page(self, request: Request) -> Answer:
        if request.method == "GET":
            user_code = request.query.get("user_code", "")
            if self._rules.sign_in is not SignIn.ASK:
                return page("Nothing to do", "<p>This login needs no click, or gets none.")
            hidden = {"user_code": user_code} if user_code else {}
            return question(f"Is this your code? {user_code}", _PAGE, hidden, typed="" if user_code else "user_code")
        is_allowed = request.form.get("decision") == "allow"
        with self._lock:
            for device in self._devices.values():
                if device.user_code == request.form.get("user_code", "").strip().upper() and device.is_allowed is None:
                    device.is_allowed = is_allowed
                    return page("Confirmed" if is_allowed else "Denied", "<p>You can close this window.")
        return page("There is no such code", "", 400)

    # --- what it gives access to ----------------------------------------------------------------------------------------------------

    def _list(self, operation: str, request: Request) -> dict[str, Json]:
        self._must_be_logged_in(request)
        query = request.query
        listed: list[Json]
        if operation == ACCOUNTS:
            name = "Accounts"
            listed = [{"AccountId": place.id, "DisplayName": place.name} for place in self._places]
        else:
            name = "AccessConfigurationsForAccount"
            place = next((each for each in self._places if each.id == query.get("AccountId")), None)
            if place is None:
                raise Refused(403, "NoPermission", "The user may not work in this account.")
            listed = [
                {"AccessConfigurationId": each, "AccessConfigurationName": title, "AccessConfigurationDescription": ""}
                for each, title in place.configurations.items()
            ]
        start = _start(query.get("NextToken"))
        end = start + self._rules.page_size
        more = end < len(listed)
        return {name: listed[start:end], "IsTruncated": more or self._rules.endless, "NextToken": f"{_MARK}{end}" if more else ""}

    def _must_be_logged_in(self, request: Request) -> None:
        ends_at = self._tokens.get(bearer(request))
        if ends_at is None or self._now() >= ends_at:
            raise Refused(401, "InvalidAccessToken", "The access token is invalid or has expired.")

    def _keys(self, exchange: Exchange) -> Answer:
        asked = _object(exchange.request.body)
        login = self._logins.get(bearer(exchange.request))
        if login is None:
            self._must_be_logged_in(exchange.request)
            is_allowed = any(
                asked == {"AccountId": place.id, "AccessConfigurationId": each} for place in self._places for each in place.configurations
            )
        else:
            if self._now() >= login.expires_at:
                raise Refused(401, "InvalidAccessToken", "The access token is invalid or has expired.")
            is_allowed = asked == {"AccountId": login.account_id, "AccessConfigurationId": login.access_configuration_id}
        if not is_allowed:
            raise Refused(403, "NoPermission", "The user may not use this access configuration in this account.")
        key = self._account.open_role_session(CREDENTIAL, self._role, "cloud-sso")
        return json_answer({"CloudCredential": credentials(key), "RequestId": exchange.request_id})


_MARK = "+/=&page "  # what a client must encode


def _start(token: str | None) -> int:
    if token is None:
        return 0
    digits = token.removeprefix(_MARK)
    if not token.startswith(_MARK) or not digits.isdigit():
        raise Refused(400, "InvalidParameter", "NextToken is none that was handed out.")
    return int(digits)


def _object(body: bytes) -> dict[str, Json]:
    try:
        parsed: Json = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
