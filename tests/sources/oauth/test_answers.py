"""Answers that are bad, and what goes wrong."""

from __future__ import annotations

import pytest

from alicred.errors import DeniedError, MalformedResponseError, ProviderError, TransientError
from alicred.sources.oauth import OAuthTokens
from alicred.testing import FakeCloud, faults
from alicred.wire.http import HttpClient
from tests.recording_http import reply
from tests.sources.oauth.support import KEY, LOG_IN, STALE, VALID, failure, of, provider
from tests.support import patience

FAILED = " at https://oauth.aliyun.com failed"
LOOK_UP = "Look the code up in the service's documentation"


@pytest.mark.parametrize(
    ("tokens", "answers", "kind", "words"),
    [
        (
            VALID,
            [{}],
            MalformedResponseError,
            f"for keys{FAILED}: the answer lacks AccessKeyId, AccessKeySecret, SecurityToken, Expiration",
        ),
        (VALID, [{**KEY, "expiration": "planted"}], MalformedResponseError, "Expiration in the answer is no time"),
        (VALID, [{"error": "access_denied", "error_description": "planted"}], ProviderError, "[access_denied, HTTP 200]"),
        (VALID, [reply({"error": "access_denied", "error_description": "planted"}, 403)], DeniedError, "[access_denied, HTTP 403]"),
        (VALID, [reply(b"planted", 500)], TransientError, "HTTP 500"),
        (
            STALE,
            [b"planted"],
            MalformedResponseError,
            f"to renew the access token{FAILED}: the answer is not a JSON object",
        ),
        (STALE, [reply({"error": "invalid_grant"}, 400)], DeniedError, f"failed: the login is over. {LOG_IN}. [invalid_grant, HTTP 400]"),
        (STALE, [reply({"error": "invalid_client"}, 401)], DeniedError, "this client. Check client_id and the site. [invalid_client,"),
        (
            STALE,
            [reply({"error": "invalid_request"}, 400)],
            DeniedError,
            f"{FAILED}: the service refused the request. {LOOK_UP}. [invalid_request, HTTP 400]",
        ),
        (STALE, [reply(b"planted", 502)], TransientError, "HTTP 502"),
    ],
)
def test_a_bad_answer_has_a_type_of_its_own(tokens: OAuthTokens, answers: list[object], kind: type[ProviderError], words: str) -> None:
    error = failure(provider(*answers, tokens=tokens), kind)
    assert type(error) is kind
    assert str(error).startswith("oauth: the request ")
    assert words in str(error)


@pytest.mark.parametrize("operation", ["OAuthToken", "OAuthExchange"])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.Hang(), TransientError),
        (faults.Reset(), TransientError),
        (faults.Truncated(), TransientError),
        (faults.ServerError(), TransientError),
        (faults.Malformed(), MalformedResponseError),
        (faults.WrongContent(), MalformedResponseError),
        (faults.Oversized(), MalformedResponseError),
        (faults.Redirect(), MalformedResponseError),
        (faults.Denied("access_denied"), DeniedError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, faults.Fault) else "",
)
def test_what_goes_wrong_has_a_type_of_its_own(cloud: FakeCloud, operation: str, fault: faults.Fault, kind: type[ProviderError]) -> None:
    http = HttpClient(read_timeout=patience(fault), trust_environment=False)
    login = cloud.add_oauth_login()
    made = of(cloud, login, http=http, sign_in_url=cloud.http_endpoint, tokens=OAuthTokens(login.refresh_token))
    with cloud.faulty(fault, operation=operation):
        assert type(failure(made, kind)) is kind
    assert cloud.wait_for(operation)
    assert [call.operation for call in cloud.calls][-1] == operation
    assert cloud.count(operation) == 1


def test_no_token_stands_in_a_url(cloud: FakeCloud) -> None:
    saved: list[OAuthTokens] = []
    login = cloud.add_oauth_login()
    of(cloud, login, tokens=OAuthTokens(login.refresh_token), on_tokens=saved.append).get()
    assert [request.line for request in cloud.raw] == ["POST /v1/token HTTP/1.1", "POST /v1/exchange HTTP/1.1"]
    assert cloud.raw[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert cloud.raw[1].body == b""
