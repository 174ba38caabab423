"""The fake cloud's side of a login in a browser: what it verifies, and each of its switches."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from alicred import ConfigurationError
from alicred.testing import FakeClock, FakeCloud, LoginRules, SignIn
from tests.testing.caller import FORM, Response, acs3, as_credential, send

BACK = "http://127.0.0.1:12349/cli/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
ASKED = {
    "response_type": "code",
    "client_id": "client",
    "redirect_uri": BACK,
    "state": "the state",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture
def cloud(alicred_cloud: FakeCloud) -> FakeCloud:
    alicred_cloud.login_rules.sign_in = SignIn.ALLOW
    return alicred_cloud


def page(cloud: FakeCloud, **changes: str) -> Response:
    return send("GET", f"{cloud.http_endpoint}/oauth2/v1/auth?{urlencode({**ASKED, **changes})}")


def back(answer: Response) -> dict[str, str]:
    assert answer.status == 302, answer.body
    location = urlsplit(answer.headers["location"])
    assert f"{location.scheme}://{location.netloc}{location.path}" == BACK
    return {name: values[0] for name, values in parse_qs(location.query).items()}


def form(cloud: FakeCloud, path: str, values: Mapping[str, str]) -> Response:
    return send("POST", cloud.http_endpoint + path, body=urlencode(values).encode(), headers={"content-type": FORM})


def tokens(cloud: FakeCloud, code: str, **changes: str) -> Response:
    asked = {"grant_type": "authorization_code", "code": code, "client_id": "client", "redirect_uri": BACK, "code_verifier": VERIFIER}
    return form(cloud, "/v1/token", {**asked, **changes})


def renewed(cloud: FakeCloud, refresh_token: str) -> Response:
    return form(cloud, "/v1/token", {"grant_type": "refresh_token", "refresh_token": refresh_token, "client_id": "client"})


def exchanged(cloud: FakeCloud, token: str) -> Response:
    return send("POST", f"{cloud.http_endpoint}/v1/exchange", headers={"Authorization": f"Bearer {token}"})


# --- OAuth ------------------------------------------------------------------------------------------------------------------------------


def test_an_allowed_login_gives_tokens_that_get_keys(cloud: FakeCloud) -> None:
    found = back(page(cloud))
    assert found["state"] == "the state"
    answer = tokens(cloud, found["code"]).payload
    assert set(answer) == {
        "access_token", "refresh_token", "expires_in", "token_type", "id_token", "scope", "request_id",
    }  # fmt: skip
    assert answer["expires_in"] == 3600
    session = exchanged(cloud, answer["access_token"]).payload
    assert acs3(cloud, as_credential({name[0].upper() + name[1:]: value for name, value in session.items()})).status == 200
    assert renewed(cloud, answer["refresh_token"]).payload["refresh_token"] != answer["refresh_token"]
    assert [call.operation for call in cloud.calls][:3] == ["OAuthPage", "OAuthToken", "OAuthExchange"]


@pytest.mark.parametrize(
    "change",
    [
        {"response_type": "token"},
        {"client_id": ""},
        {"redirect_uri": "http://localhost:12345/cli/callback"},
        {"redirect_uri": "http://127.0.0.1:12344/cli/callback"},
        {"redirect_uri": "https://127.0.0.1:12345/cli/callback"},
        {"state": ""},
        {"code_challenge": VERIFIER[:-1]},
        {"code_challenge_method": "plain"},
    ],
)
def test_a_request_that_is_not_as_promised_gets_no_code(cloud: FakeCloud, change: dict[str, str]) -> None:
    answer = page(cloud, **change)
    assert answer.status == 400
    assert next(iter(change)).encode() in answer.body


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": BACK.replace("9/", "8/")}, "invalid_grant"),
        ({"client_id": "other"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_code_is_for_what_began_the_login(cloud: FakeCloud, change: dict[str, str], code: str) -> None:
    assert tokens(cloud, back(page(cloud))["code"], **change).payload["error"] == code


def test_a_code_that_was_made_up_counts_for_nothing(cloud: FakeCloud) -> None:
    assert tokens(cloud, "made-up").payload["error"] == "invalid_grant"


def test_a_code_counts_once(cloud: FakeCloud) -> None:
    code = back(page(cloud))["code"]
    assert tokens(cloud, code).status == 200
    assert tokens(cloud, code).payload["error"] == "invalid_grant"


def test_a_code_lasts_five_minutes(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        cloud.login_rules.sign_in = SignIn.ALLOW
        code = back(page(cloud))["code"]
        alicred_clock.advance(timedelta(minutes=5))
        assert tokens(cloud, code).payload["error"] == "invalid_grant"


def test_the_page_has_two_buttons_and_each_counts_once(cloud: FakeCloud) -> None:
    cloud.login_rules.sign_in = SignIn.ASK
    for decision, key in (("allow", "code"), ("deny", "error")):
        shown = page(cloud).body.decode()
        assert 'id="allow"' in shown
        assert 'id="deny"' in shown
        (request,) = re.findall('name="request" value="([^"]+)"', shown)
        clicked = {"request": request, "decision": decision}
        assert key in back(form(cloud, "/oauth2/v1/auth/decision", clicked))
        assert form(cloud, "/oauth2/v1/auth/decision", clicked).status == 400


def test_the_switches_of_the_redirect(cloud: FakeCloud) -> None:
    rules = cloud.login_rules
    rules.sign_in = SignIn.DENY
    assert back(page(cloud)) == {"state": "the state", "error": "access_denied", "error_description": "The user has denied the request."}
    rules.sign_in = SignIn.WRONG_STATE
    assert back(page(cloud))["state"] != "the state"
    rules.sign_in = SignIn.NO_CODE
    assert back(page(cloud)) == {"state": "the state"}
    rules.sign_in = SignIn.NOTHING
    assert page(cloud).status == 200
    rules.sign_in = SignIn.TWICE
    assert page(cloud).body.count(b"code=") == 3  # an image, and a page to go to


def test_the_switches_of_the_answers(cloud: FakeCloud) -> None:
    cloud.login_rules.expires_in_as_text = cloud.login_rules.pascal_case = True
    cloud.login_rules.rotate = False
    answer = tokens(cloud, back(page(cloud))["code"]).payload
    assert answer["expires_in"] == "3600"
    assert exchanged(cloud, answer["access_token"]).payload["AccessKeyId"].startswith("STS.")
    for _ in range(2):
        again = renewed(cloud, answer["refresh_token"]).payload
        assert "refresh_token" not in again
        assert exchanged(cloud, again["access_token"]).status == 200


def test_a_revoked_login_is_over(cloud: FakeCloud) -> None:
    answer = tokens(cloud, back(page(cloud))["code"]).payload
    revoked = {"token": answer["refresh_token"], "client_id": "client"}
    assert form(cloud, "/v1/revoke", {**revoked, "client_id": "other"}).payload["error"] == "invalid_client"
    assert form(cloud, "/v1/revoke", {**revoked, "token": ""}).status == 400
    for _ in range(2):
        done = form(cloud, "/v1/revoke", revoked)
        assert (done.status, done.body) == (200, b"")
    assert exchanged(cloud, answer["access_token"]).status == 401
    assert renewed(cloud, answer["refresh_token"]).payload["error"] == "invalid_grant"


# --- CloudSSO ---------------------------------------------------------------------------------------------------------------------------


def post(cloud: FakeCloud, path: str, values: Mapping[str, object], token: str = "") -> Response:
    headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
    return send("POST", cloud.http_endpoint + path, body=json.dumps(values).encode(), headers=headers)


def device(cloud: FakeCloud, **changes: str) -> Response:
    asked = {"PortalUrl": f"{cloud.http_endpoint}/start", "CodeChallenge": CHALLENGE, "ClientId": "client", "CodeChallengeMethod": "S256"}
    return post(cloud, "/device-authorization", {**asked, **changes})


def poll(cloud: FakeCloud, device_code: str, **changes: str) -> Any:
    asked = {"CodeVerifier": VERIFIER, "ClientId": "client", "DeviceCode": device_code}
    grant = {"GrantType": "urn:ietf:params:oauth:grant-type:device_code"}
    return post(cloud, "/token", {**asked, **grant, **changes}).payload


def confirm(cloud: FakeCloud, user_code: str, decision: str) -> Response:
    return form(cloud, "/device/code", {"user_code": user_code, "decision": decision})


def logged_in(cloud: FakeCloud) -> str:
    token: str = poll(cloud, device(cloud).payload["DeviceCode"])["AccessToken"]
    return token


def get(cloud: FakeCloud, path: str, token: str, **query: str) -> Response:
    return send("GET", f"{cloud.http_endpoint}/access-assignments/{path}?{urlencode(query)}", headers={"authorization": f"Bearer {token}"})


@pytest.mark.parametrize("change", [{"PortalUrl": ""}, {"CodeChallenge": ""}, {"ClientId": ""}, {"CodeChallengeMethod": "plain"}])
def test_a_device_login_needs_all_four(cloud: FakeCloud, change: dict[str, str]) -> None:
    assert device(cloud, **change).status == 400


def test_a_device_code_waits_for_a_click(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        asked = device(cloud).payload
        assert asked["VerificationUri"] == f"{cloud.http_endpoint}/device/code"
        assert asked["UserCode"] in asked["VerificationUriComplete"]
        assert b'id="allow"' in send("GET", asked["VerificationUriComplete"]).body
        assert b'id="user_code"' in send("GET", asked["VerificationUri"]).body
        assert poll(cloud, asked["DeviceCode"])["ErrorCode"] == "AuthorizationPending"
        assert confirm(cloud, "WRONG", "allow").status == 400
        assert confirm(cloud, f" {asked['UserCode'].lower()}", "allow").status == 200
        assert confirm(cloud, asked["UserCode"], "deny").status == 400
        alicred_clock.advance(timedelta(seconds=1))
        assert poll(cloud, asked["DeviceCode"])["ExpiresIn"] == 3600
        assert poll(cloud, asked["DeviceCode"])["ErrorCode"] == "InvalidDeviceCodeError", "a code gives one token"


def test_a_device_code_that_was_denied_gives_none(cloud: FakeCloud) -> None:
    cloud.login_rules.sign_in = SignIn.ASK
    asked = device(cloud).payload
    assert confirm(cloud, asked["UserCode"], "deny").status == 200
    assert poll(cloud, asked["DeviceCode"])["ErrorCode"] == "AccessDenied"
    cloud.login_rules.sign_in = SignIn.DENY
    assert poll(cloud, device(cloud).payload["DeviceCode"])["ErrorCode"] == "AccessDenied"


def test_polls_that_come_too_fast_get_slow_down(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        cloud.login_rules.sign_in = SignIn.NOTHING
        code = device(cloud).payload["DeviceCode"]
        seen = []
        for seconds in (0, 0.5, 1, 6):
            alicred_clock.advance(timedelta(seconds=seconds))
            seen.append(poll(cloud, code)["ErrorCode"])
        assert seen == ["AuthorizationPending", "SlowDown", "SlowDown", "SlowDown"]
        alicred_clock.advance(timedelta(seconds=16))
        assert poll(cloud, code)["ErrorCode"] == "AuthorizationPending"
        alicred_clock.advance(timedelta(minutes=10))
        assert poll(cloud, code)["ErrorCode"] == "InvalidDeviceCodeError"


def test_the_switches_of_a_poll(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        rules = cloud.login_rules
        rules.sign_in, rules.pending, rules.slow_down = SignIn.ALLOW, 2, 1
        code = device(cloud).payload["DeviceCode"]
        seen = []
        for _ in range(4):
            seen.append(poll(cloud, code).get("ErrorCode"))
            alicred_clock.advance(timedelta(seconds=6))
        assert seen == ["SlowDown", "AuthorizationPending", "AuthorizationPending", None]


@pytest.mark.parametrize("change", [{"CodeVerifier": "w" * 43}, {"ClientId": "other"}, {"DeviceCode": "made-up"}])
def test_a_device_code_is_for_what_began_the_login(cloud: FakeCloud, change: dict[str, str]) -> None:
    assert poll(cloud, device(cloud).payload["DeviceCode"], **change)["ErrorCode"] == "InvalidDeviceCodeError"


def test_accounts_and_configurations_come_in_pages(cloud: FakeCloud) -> None:
    ids = [cloud.add_cloud_sso_account(name, configurations=["a", "b", "c"]) for name in ("one", "two", "three")]
    token = logged_in(cloud)
    first = get(cloud, "accounts", token).payload
    second = get(cloud, "accounts", token, NextToken=first["NextToken"]).payload
    assert [each["AccountId"] for page in (first, second) for each in page["Accounts"]] == ids
    assert (first["IsTruncated"], second["IsTruncated"], second["NextToken"]) == (True, False, "")
    assert get(cloud, "accounts", token, NextToken="made-up").status == 400
    configurations = get(cloud, "access-configurations", token, AccountId=ids[1]).payload["AccessConfigurationsForAccount"]
    assert [each["AccessConfigurationName"] for each in configurations] == ["a", "b"]
    assert get(cloud, "access-configurations", token, AccountId="2").status == 403
    cloud.login_rules.endless = True
    assert get(cloud, "accounts", token, NextToken=first["NextToken"]).payload["IsTruncated"] is True
    asked = {"AccountId": ids[1], "AccessConfigurationId": configurations[0]["AccessConfigurationId"]}
    key = post(cloud, "/cloud-credentials", asked, token).payload["CloudCredential"]
    assert acs3(cloud, as_credential(key)).status == 200
    assert post(cloud, "/cloud-credentials", {**asked, "AccountId": ids[0]}, token).status == 403


def test_a_token_of_a_login_ends(alicred_clock: FakeClock) -> None:
    with FakeCloud(clock=alicred_clock) as cloud:
        cloud.login_rules.sign_in = SignIn.ALLOW
        cloud.add_cloud_sso_account("one")
        token = logged_in(cloud)
        assert get(cloud, "accounts", token).status == 200
        alicred_clock.advance(timedelta(hours=1))
        assert get(cloud, "accounts", token).payload["ErrorCode"] == "InvalidAccessToken"
        assert post(cloud, "/cloud-credentials", {}, token).status == 401


@pytest.mark.parametrize(
    "change", [{"sign_in": "allow"}, {"lasts": timedelta(0)}, {"rotate": 1}, {"pending": -1}, {"slow_down": True}, {"interval": 1}]
)
def test_a_rule_out_of_range_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"LoginRules.{next(iter(change))}"):
        LoginRules(**change)
    rules = LoginRules()
    with pytest.raises(ConfigurationError):
        setattr(rules, *next(iter(change.items())))
