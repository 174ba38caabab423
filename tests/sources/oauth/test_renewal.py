"""When the access token is renewed, and what a refused one leads to."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from alicred._internal.skew import Skew
from alicred.clock import SYSTEM_CLOCK
from alicred.errors import DeniedError, MalformedResponseError, TransientError
from alicred.sources.oauth import OAuthTokens
from alicred.testing import FakeCloud
from tests.recording_http import RecordingHttp, reply
from tests.sources.oauth.support import GOOD, KEY, LATER, LOG_IN, MINUTE, NEW_TOKENS, STALE, VALID, failure, of, provider, spent

NOW = SYSTEM_CLOCK.utcnow


# --- when the access token is renewed -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "is_renewed"),
    [
        (lambda: OAuthTokens("rt", "at", NOW() + 20 * MINUTE + MINUTE / 60), False),
        (lambda: OAuthTokens("rt", "at", NOW() + 20 * MINUTE), True),
        (lambda: OAuthTokens("rt", "at", NOW() - MINUTE), True),
        (lambda: OAuthTokens("rt", "at"), True),
        (lambda: OAuthTokens("rt", "", LATER), True),
        (lambda: OAuthTokens("rt", None), True),
        (lambda: OAuthTokens("", "at", NOW() - MINUTE), False),  # there is nothing to renew it with: let the site judge
        (lambda: OAuthTokens(None, "at"), False),
        (lambda: OAuthTokens(None, "at", LATER), False),
    ],
)
def test_it_is_renewed_when_twenty_minutes_are_left_and_there_is_a_refresh_token(tokens: Any, is_renewed: bool) -> None:
    saved: list[OAuthTokens] = []
    http = RecordingHttp(*([NEW_TOKENS] if is_renewed else []), KEY)
    assert provider(http=http, tokens=tokens(), on_tokens=saved.append).get() == GOOD
    assert [sent.headers.get("authorization") for sent in http.sent] == ([None, "Bearer at2"] if is_renewed else ["Bearer at"])
    assert len(saved) == is_renewed


def test_the_new_tokens_are_handed_over_before_they_are_used_and_then_kept() -> None:
    http = RecordingHttp(NEW_TOKENS, KEY)
    saved: list[tuple[int, OAuthTokens]] = []
    made = provider(http=http, tokens=STALE, on_tokens=lambda tokens: saved.append((len(http.sent), tokens)))
    before = NOW()
    made.get()
    made.get()
    ((requests, tokens),) = saved
    assert requests == 1
    assert (tokens.refresh_token, tokens.access_token) == ("rt2", "at2")
    assert tokens.access_token_expires_at is not None
    assert timedelta(0) <= tokens.access_token_expires_at - before - 60 * MINUTE < MINUTE
    assert [sent.url.rpartition("/")[2] for sent in http.sent] == ["token", "exchange", "exchange"]


@pytest.mark.parametrize(
    ("answer", "saved", "is_enough"),
    [
        ({"access_token": "at2", "expires_in": 3600}, ("rt", "at2", True), True),  # no new refresh token: the old one lives on
        ({**NEW_TOKENS, "expires_in": None}, ("rt2", "at2", False), True),
        ({**NEW_TOKENS, "expires_in": "soon"}, ("rt2", "at2", False), True),
        ({**NEW_TOKENS, "expires_in": 0}, ("rt2", "at2", False), True),
        ({**NEW_TOKENS, "expires_in": True}, ("rt2", "at2", False), True),
        ({**NEW_TOKENS, "expires_in": 10**400}, ("rt2", "at2", False), True),
        ({**NEW_TOKENS, "expires_in": 3600.5}, ("rt2", "at2", True), True),
        ({"refresh_token": "rt2", "expires_in": 3600}, ("rt2", None, False), False),
        ({**NEW_TOKENS, "access_token": "planted\nplanted"}, ("rt2", None, False), False),
        ({**NEW_TOKENS, "access_token": "é", "refresh_token": 7}, None, False),
        ({"access_token": "", "refresh_token": ""}, None, False),
        ({}, None, False),
    ],
)
def test_whatever_an_answer_has_is_kept_for_the_old_refresh_token_is_spent(
    answer: object, saved: tuple[str, str | None, bool] | None, is_enough: bool
) -> None:
    given: list[OAuthTokens] = []
    made = provider(answer, KEY, tokens=STALE, on_tokens=given.append)
    if is_enough:
        assert made.get() == GOOD
    else:
        error = failure(made, MalformedResponseError)
        failed = "oauth: the request to renew the access token at https://oauth.aliyun.com failed"
        assert str(error).startswith(f"{failed}: the answer lacks access_token. Check ")
        assert str(error).endswith(". [HTTP 200]")
    found = [(tokens.refresh_token, tokens.access_token, tokens.access_token_expires_at is not None) for tokens in given]
    assert found == ([] if saved is None else [saved])
    assert spent(made) == (given[0] if given else STALE)


def test_a_renewal_that_may_succeed_later_does_not_stop_a_token_that_still_lasts(caplog: pytest.LogCaptureFixture) -> None:
    http = RecordingHttp(reply(b"planted", 503), KEY)
    made = provider(http=http, tokens=OAuthTokens("rt", "planted", NOW() + 5 * MINUTE))
    assert made.get() == GOOD
    assert [sent.headers.get("authorization") for sent in http.sent] == [None, "Bearer planted"]
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "could not be renewed" in record.getMessage()
    assert "planted" not in record.getMessage()


@pytest.mark.parametrize("tokens", [STALE, OAuthTokens("rt", "at"), OAuthTokens("rt", "at", NOW() - MINUTE)])
def test_a_renewal_that_may_succeed_later_is_raised_when_no_token_lasts(tokens: OAuthTokens) -> None:
    made = provider(TransientError("down"), NEW_TOKENS, KEY, tokens=tokens)
    assert isinstance(failure(made), TransientError)
    assert made.get() == GOOD


def test_a_login_that_is_over_is_told_though_the_access_token_lasts_a_little() -> None:
    made = provider(reply({"error": "invalid_grant"}, 400), KEY, tokens=OAuthTokens("rt", "at", NOW() + 5 * MINUTE))
    assert LOG_IN in str(failure(made, DeniedError))


# --- an access token that the site does not take ------------------------------------------------------------------------------------


def test_one_that_ended_before_its_time_is_renewed_once() -> None:
    http = RecordingHttp(reply({"error": "invalid_token"}, 401), NEW_TOKENS, KEY)
    assert provider(http=http).get() == GOOD
    assert [sent.url.rpartition("/")[2] for sent in http.sent] == ["exchange", "token", "exchange"]


@pytest.mark.parametrize(
    ("tokens", "answers"),
    [
        (VALID, [reply(b"", 401), NEW_TOKENS, reply(b"", 401)]),
        (STALE, [NEW_TOKENS, reply(b"", 401)]),
        (OAuthTokens(None, "at"), [reply(b"", 401)]),
        (VALID, [reply({"error": "access_denied"}, 403)]),
    ],
)
def test_and_not_again(tokens: OAuthTokens, answers: list[object]) -> None:
    http = RecordingHttp(*answers)
    assert failure(provider(http=http, tokens=tokens), DeniedError)
    assert len(http.sent) == len(answers)


def test_a_machine_whose_clock_is_hours_behind_gets_keys(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SYSTEM_CLOCK, "_learned", Skew())  # restored afterwards
    made = of(cloud, cloud.add_oauth_login())
    cloud.skew = timedelta(hours=3)
    assert cloud.sts_client().get_caller_identity(made.get()).account_id
    assert [call.operation for call in cloud.calls[:3]] == ["OAuthExchange", "OAuthToken", "OAuthExchange"]
    assert timedelta(hours=2, minutes=59) < SYSTEM_CLOCK.skew < timedelta(hours=3, minutes=1)
