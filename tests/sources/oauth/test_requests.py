"""It sends what the official libraries send."""

from __future__ import annotations

from typing import Any

import pytest

from alicred.errors import ConfigurationError
from alicred.sources.oauth import OAUTH_SITES
from tests.recording_http import RecordingHttp, by_official, canned, in_those_words
from tests.sources.oauth.support import GOOD, KEY, NEW_TOKENS, STALE, VALID, provider
from tests.wire.vectors import cases

CASES = [case for case in cases("captured_login_requests") if case["name"].startswith("oauth/")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
@pytest.mark.parametrize("library", ["alibabacloud_credentials", "credentials-go"])
def test_it_sends_what_the_official_libraries_send(case: dict[str, Any], library: str) -> None:
    """But for ``accept: application/json``, which they do not send here. Of the keys of the answer, Python takes PascalCase alone."""
    http = canned(case)
    tokens = STALE if "refresh" in case["name"] else VALID
    found = provider(http=http, tokens=tokens).get()
    assert (found, found.provider_name) == (GOOD, "oauth")
    assert [in_those_words(sent) for sent in http.sent] == by_official(case, library)


def test_the_cases_are_all_there() -> None:
    assert len(CASES) == 3


def test_the_sites_are_those_of_the_command_line_tool() -> None:
    assert {name: (site.sign_in_url, site.client_id) for name, site in OAUTH_SITES.items()} == {
        "CN": ("https://oauth.aliyun.com", "4038181954557748008"),
        "INTL": ("https://oauth.alibabacloud.com", "4103531455503354461"),
    }


@pytest.mark.parametrize(("url", "asked"), [("https://h/a?b#c", "https://h"), ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080")])
def test_of_the_sign_in_url_scheme_host_and_port_count(url: str, asked: str) -> None:
    http = RecordingHttp(NEW_TOKENS, KEY)
    provider(http=http, tokens=STALE, sign_in_url=url).get()
    assert [sent.url for sent in http.sent] == [f"{asked}/v1/token", f"{asked}/v1/exchange"]


def test_a_token_never_goes_over_a_network_in_plain_text() -> None:
    with pytest.raises(ConfigurationError, match=r"^OAuthProvider\.sign_in_url: plain http is for loopback"):
        provider(sign_in_url="http://oauth.example.com/")
