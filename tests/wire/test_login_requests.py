"""What goes to the sites when a person logs in, and what their answers mean."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from alicred.errors import AlicredError, DeniedError, MalformedResponseError, ProviderError, TransientError
from alicred.testing import FakeClock
from alicred.wire.cloud_sso import CLIENT_ID, AccessToken, CloudSsoClient, DeviceLogin, Pending
from alicred.wire.oauth import OAuthClient, authorization_url
from tests.recording_http import RecordingHttp, reply

SITE = "https://signin-cn-shanghai.alibabacloudsso.com"
BACK = "http://127.0.0.1:12345/cli/callback"
TOKENS = {"access_token": "at", "refresh_token": "rt", "expires_in": 3600, "token_type": "Bearer"}


def oauth(*answers: object) -> tuple[OAuthClient, RecordingHttp]:
    http = RecordingHttp(*answers)
    return OAuthClient("https://oauth.aliyun.com", "client", http=http, clock=FakeClock()), http  # type: ignore[arg-type]  # a stand-in


def sso(*answers: object) -> tuple[CloudSsoClient, RecordingHttp]:
    http = RecordingHttp(*answers)
    return CloudSsoClient(f"{SITE}/start/login", http=http, clock=FakeClock()), http  # type: ignore[arg-type]  # a stand-in


def test_the_authorization_url_has_the_six_parameters_in_the_order_of_the_tool_and_no_other() -> None:
    url = authorization_url("https://signin.aliyun.com/oauth2/v1/auth", client_id="id", redirect_uri=BACK, state="s", challenge="c")
    assert url.startswith("https://signin.aliyun.com/oauth2/v1/auth?response_type=code&client_id=id&redirect_uri=http%3A%2F%2F127.0.0.1%3A")
    assert parse_qsl(urlsplit(url).query) == [
        ("response_type", "code"), ("client_id", "id"), ("redirect_uri", BACK), ("state", "s"), ("code_challenge", "c"),
        ("code_challenge_method", "S256"),
    ]  # fmt: skip


# --- OAuth ------------------------------------------------------------------------------------------------------------------------------


def test_a_code_goes_in_a_form_without_a_secret_and_gives_tokens() -> None:
    client, http = oauth({**TOKENS, "id_token": "x", "scope": "openid", "request_id": "R"})
    tokens = client.tokens_for("the-code", redirect_uri=BACK, verifier="v" * 43)
    (sent,) = http.sent
    assert (sent.method, sent.url) == ("POST", "https://oauth.aliyun.com/v1/token")
    assert sent.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in sent.headers
    assert parse_qs(sent.body.decode()) == {
        "grant_type": ["authorization_code"], "code": ["the-code"], "client_id": ["client"], "redirect_uri": [BACK],
        "code_verifier": ["v" * 43],
    }  # fmt: skip
    assert (tokens.access_token, tokens.refresh_token) == ("at", "rt")
    assert tokens.access_token_expires_at == FakeClock().utcnow() + timedelta(hours=1)


@pytest.mark.parametrize(
    ("expires_in", "seconds"),
    [(3599, 3599), ("3599", 3599), (3599.5, 3599.5), ("", None), (None, None), ("soon", None), (True, None), (-1, None)],
)
def test_the_span_of_a_token_may_be_a_number_or_digits(expires_in: object, seconds: float | None) -> None:
    client, _ = oauth({**TOKENS, "expires_in": expires_in})
    end = client.tokens_for("c", redirect_uri=BACK, verifier="v" * 43).access_token_expires_at
    assert end == (None if seconds is None else FakeClock().utcnow() + timedelta(seconds=seconds))


@pytest.mark.parametrize("refresh_token", ["", None])
def test_a_login_without_a_refresh_token_is_one_too(refresh_token: object) -> None:
    client, _ = oauth({**TOKENS, "refresh_token": refresh_token})
    assert client.tokens_for("c", redirect_uri=BACK, verifier="v" * 43).refresh_token is None


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (reply({"error": "invalid_grant"}, 400), DeniedError, "the site does not take the code that the browser has brought"),
        (reply({"error": "invalid_client"}, 401), DeniedError, "the site does not know this client"),
        (reply({"error": "slow", "error_description": "code the-planted-code"}, 500), TransientError, "out of order"),
        (reply(b"<html>", 200), MalformedResponseError, "not a JSON object"),
        (reply({}, 200), MalformedResponseError, "lacks access_token"),
        (reply({"access_token": "a\nb"}, 200), MalformedResponseError, "lacks access_token"),
    ],
)
def test_what_goes_wrong_with_a_code_has_a_type_and_shows_no_secret(answer: object, kind: type[AlicredError], words: str) -> None:
    client, _ = oauth(answer)
    with pytest.raises(kind) as caught:
        client.tokens_for("the-planted-code", redirect_uri=BACK, verifier="planted" * 8)
    assert words in str(caught.value)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(("status", "body"), [(200, b""), (204, b""), (200, b"ok")])
def test_a_login_is_revoked_by_its_refresh_token(status: int, body: bytes) -> None:
    client, http = oauth(reply(body, status))
    client.revoke("rt/+")
    assert (http.sent[0].method, http.sent[0].url) == ("POST", "https://oauth.aliyun.com/v1/revoke")
    assert parse_qs(http.sent[0].body.decode()) == {"token": ["rt/+"], "client_id": ["client"]}


def test_a_login_that_the_site_does_not_revoke_is_an_error() -> None:
    client, _ = oauth(reply({"error": "invalid_request"}, 400))
    with pytest.raises(DeniedError, match="to end the login"):
        client.revoke("planted")


# --- CloudSSO ---------------------------------------------------------------------------------------------------------------------------

DEVICE = {
    "DeviceCode": "planted-device-code",
    "UserCode": "ABCD-EFGH",
    "VerificationUri": f"{SITE}/device/code",
    "VerificationUriComplete": f"{SITE}/device/code?user_code=ABCD-EFGH",
    "Interval": 3,
}
LOGIN = DeviceLogin(
    device_code="planted-device-code",
    user_code="U",
    verification_uri=SITE,
    verification_uri_complete=SITE,
    interval=timedelta(seconds=1),
    lasts=None,
)


def test_a_device_login_begins_with_the_whole_sign_in_url() -> None:
    client, http = sso(DEVICE)
    login = client.begin("challenge")
    assert (http.sent[0].method, http.sent[0].url) == ("POST", f"{SITE}/device-authorization")
    assert json.loads(http.sent[0].body) == {
        "PortalUrl": f"{SITE}/start/login", "CodeChallenge": "challenge", "ClientId": CLIENT_ID, "CodeChallengeMethod": "S256",
    }  # fmt: skip
    assert (login.user_code, login.verification_uri, login.interval, login.lasts) == (
        "ABCD-EFGH", f"{SITE}/device/code", timedelta(seconds=3), None,
    )  # fmt: skip
    assert "planted" not in repr(login)


@pytest.mark.parametrize(("interval", "seconds"), [(1, 1), (7, 7), ("7", 7), (None, 5), (0, 5), (-3, 5), ("soon", 5), (10**6, 60)])
def test_the_pause_between_polls_is_what_the_site_says_within_reason(interval: object, seconds: int) -> None:
    assert sso({**DEVICE, "Interval": interval})[0].begin("c").interval == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "change",
    [
        {"VerificationUriComplete": "javascript:alert(1)"},
        {"VerificationUri": "http://example.com/device"},
        {"VerificationUriComplete": "file:///etc/passwd"},
        {"VerificationUriComplete": "https://x/\x1b[2J"},
        {"UserCode": "AB\x1b[2J"},
        {"UserCode": ""},
        {"DeviceCode": None},
    ],
)
def test_an_answer_that_would_have_the_person_open_something_else_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedResponseError):
        sso({**DEVICE, **change})[0].begin("c")


def test_a_poll_sends_the_verifier_and_gets_the_token() -> None:
    client, http = sso(reply({"AccessToken": "planted-token", "ExpiresIn": 28800}, 201))
    found = client.poll(LOGIN, "v" * 43)
    assert (http.sent[0].method, http.sent[0].url) == ("POST", f"{SITE}/token")
    assert json.loads(http.sent[0].body) == {
        "CodeVerifier": "v" * 43, "ClientId": CLIENT_ID, "DeviceCode": "planted-device-code",
        "GrantType": "urn:ietf:params:oauth:grant-type:device_code",
    }  # fmt: skip
    assert found == AccessToken("planted-token", FakeClock().utcnow() + timedelta(hours=8))
    assert "planted" not in repr(found)


@pytest.mark.parametrize("status", [400, 401, 428, 200])
@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("AuthorizationPending", Pending.WAIT),
        ("authorization_pending", Pending.WAIT),
        ("SlowDown", Pending.SLOW_DOWN),
        ("slow_down", Pending.SLOW_DOWN),
        ("InvalidDeviceCodeError", Pending.EXPIRED),
        ("expired_token", Pending.EXPIRED),
    ],
)
def test_a_poll_before_the_confirmation(code: str, meaning: Pending, status: int) -> None:
    assert sso(reply({"ErrorCode": code, "ErrorMessage": "x"}, status))[0].poll(LOGIN, "v" * 43) is meaning


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (reply({"ErrorCode": "AccessDenied"}, 400), DeniedError, "was denied in the browser"),
        (reply({"ErrorCode": "access_denied"}, 403), DeniedError, "was denied in the browser"),
        (reply({"ErrorCode": "SomethingNew", "ErrorMessage": "of planted-device-code"}, 400), DeniedError, "SomethingNew"),
        (reply({"ErrorCode": "SomethingNew"}, 401), DeniedError, "does not take the request"),
        (reply({}, 500), TransientError, "out of order"),
        (reply({"ErrorCode": "Throttling"}, 429), TransientError, "too many requests"),
        (reply({}, 400), ProviderError, "without a code"),
        (reply({}, 200), MalformedResponseError, "lacks AccessToken"),
        (reply({"AccessToken": "ä"}, 200), MalformedResponseError, "unusable AccessToken"),
        (reply(b"<html>", 200), MalformedResponseError, "not a JSON object"),
    ],
)
def test_a_poll_that_ends_the_login_has_a_type_and_shows_no_secret(answer: object, kind: type[AlicredError], words: str) -> None:
    with pytest.raises(kind) as caught:
        sso(answer)[0].poll(LOGIN, "planted" * 8)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert "planted" not in str(caught.value)


def test_lists_are_read_to_their_end_and_the_next_page_is_asked_for_percent_encoded() -> None:
    client, http = sso(
        {"Accounts": [{"AccountId": "1", "DisplayName": "one"}], "IsTruncated": True, "NextToken": "+/=& ä"},
        {"Accounts": [{"AccountId": "2"}, {"AccountId": "3", "DisplayName": "th\x1b[2Jree"}], "IsTruncated": False, "NextToken": "more"},
    )
    assert [(each.id, each.name) for each in client.accounts("planted")] == [("1", "one"), ("2", "2"), ("3", "th[2Jree")]
    first, second = http.sent
    assert first.url == f"{SITE}/access-assignments/accounts?MaxResults=100"
    assert second.url == f"{SITE}/access-assignments/accounts?MaxResults=100&NextToken=%2B%2F%3D%26%20%C3%A4"
    assert first.method == second.method == "GET"
    assert first.headers["authorization"] == second.headers["authorization"] == "Bearer planted"


@pytest.mark.parametrize("token", ["", None, 7, "same"])
def test_a_list_that_never_ends_is_left(token: object) -> None:
    page = {"AccessConfigurationsForAccount": [{"AccessConfigurationId": "ac-1"}], "IsTruncated": True, "NextToken": token}
    client, http = sso(page)
    assert {each.id for each in client.access_configurations("t", "a&b")} == {"ac-1"}
    assert len(http.sent) == (2 if token == "same" else 1)
    assert http.sent[0].url.endswith("/access-configurations?AccountId=a%26b&MaxResults=100")


@pytest.mark.parametrize("listed", [None, "x", ["x"], [{}], [{"AccountId": "ä"}], [{"AccountId": 5}]])
def test_a_list_that_is_none_is_an_error(listed: object) -> None:
    with pytest.raises(MalformedResponseError):
        sso({"Accounts": listed})[0].accounts("t")


def test_a_login_that_is_over_says_so_when_a_list_is_asked_for() -> None:
    with pytest.raises(DeniedError, match="the login is over"):
        sso(reply({"ErrorCode": "InvalidToken"}, 401))[0].accounts("planted")


@pytest.mark.parametrize("status", [500, 503])
def test_an_answer_that_is_an_error_of_the_site_is_no_empty_list(status: int) -> None:
    with pytest.raises(TransientError):
        sso(reply({"Accounts": []}, status))[0].accounts("t")
