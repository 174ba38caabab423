"""Many callers, and interrupts."""

from __future__ import annotations

import logging
import threading
from asyncio import CancelledError
from datetime import timedelta
from typing import Any

import pytest

from alicred.credential import Credential
from alicred.errors import AlicredError
from alicred.sources.oauth import OAuthProvider, OAuthTokens
from alicred.testing import FakeCloud, faults
from tests.recording_http import RecordingHttp
from tests.sources.oauth.support import GOOD, KEY, LOG_IN, MINUTE, NEW_TOKENS, STALE, of, provider, spent
from tests.support import in_threads, wait_until


@pytest.mark.parametrize("lasts", [60 * MINUTE, MINUTE])
def test_threads_spend_one_refresh_token_together(cloud: FakeCloud, lasts: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if the new access token is no better than the old one: who has waited for it uses it."""
    saved: list[OAuthTokens] = []
    entered: list[OAuthTokens] = []
    renewed = OAuthProvider._renewed

    def counted(self: OAuthProvider, known: OAuthTokens) -> OAuthTokens:
        entered.append(known)
        return renewed(self, known)

    monkeypatch.setattr(OAuthProvider, "_renewed", counted)
    login = cloud.add_oauth_login(lasts=lasts)
    made = of(cloud, login, tokens=OAuthTokens(login.refresh_token), on_tokens=saved.append)
    with cloud.faulty(faults.Hang(), operation="OAuthToken", times=1):
        threads = [threading.Thread(target=made.get) for _ in range(6)]
        for thread in threads:
            thread.start()
        assert cloud.wait_for("OAuthToken")
        wait_until(lambda: len(entered) == 6)
    for thread in threads:
        thread.join()
    assert cloud.rejected == ()
    assert (cloud.count("OAuthToken"), cloud.count("OAuthExchange"), len(saved)) == (1, 6, 1)


def test_threads_use_each_new_refresh_token_once(cloud: FakeCloud) -> None:
    login = cloud.add_oauth_login(lasts=MINUTE)  # so short that every call renews it
    saved: list[OAuthTokens] = []
    made = of(cloud, login, on_tokens=saved.append, sign_in_url=cloud.http_endpoint)

    def work() -> list[Credential]:
        return [made.get() for _ in range(5)]

    assert all(isinstance(each, list) for each in in_threads(4, work))
    assert cloud.rejected == ()
    assert len(saved) == len({tokens.refresh_token for tokens in saved}) == cloud.count("OAuthToken")
    assert spent(made) == saved[-1]


@pytest.mark.parametrize("lasts", [60 * MINUTE, MINUTE])
def test_on_tokens_may_call_get(cloud: FakeCloud, lasts: timedelta) -> None:
    login = cloud.add_oauth_login(lasts=lasts)
    found: list[Credential] = []
    made = of(cloud, login, tokens=OAuthTokens(login.refresh_token), on_tokens=lambda _: found.append(made.get()))
    assert made.get() not in found
    assert (len(found), cloud.count("OAuthToken"), cloud.rejected) == (1, 1, ())


@pytest.mark.parametrize(
    "raised", [OSError("planted"), ValueError("planted"), AlicredError("planted"), SystemExit("planted"), CancelledError("planted")]
)
def test_keys_are_served_if_the_tokens_could_not_be_saved_and_the_log_says_so(
    raised: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    def save(tokens: OAuthTokens) -> None:
        raise raised

    made = provider(NEW_TOKENS, KEY, tokens=OAuthTokens("planted"), on_tokens=save)
    with caplog.at_level(logging.DEBUG):
        assert made.get() == GOOD
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("alicred", logging.WARNING)
    assert f"were not saved (on_tokens ended with {type(raised).__name__}" in record.getMessage()
    assert LOG_IN in record.getMessage()
    assert "planted" not in record.getMessage()
    assert record.exc_info is None
    assert spent(made).refresh_token == "rt2"
    assert made.get() == GOOD


def test_an_interrupt_while_they_are_saved_loses_nothing() -> None:
    def save(tokens: OAuthTokens) -> None:
        raise KeyboardInterrupt

    made = provider(NEW_TOKENS, KEY, tokens=STALE, on_tokens=save)
    with pytest.raises(KeyboardInterrupt):
        made.get()
    assert spent(made).refresh_token == "rt2"
    assert made.get() == GOOD
    assert in_threads(1, made.get) == [GOOD], "the lock is free again"


def test_an_interrupt_while_they_are_asked_for_leaves_it_usable() -> None:
    class Interrupting(RecordingHttp):
        def request(self, method: str, url: str, **more: Any) -> Any:
            if not self.sent:
                super().request(method, url, **more)
                raise KeyboardInterrupt
            return super().request(method, url, **more)

    made = provider(http=Interrupting(NEW_TOKENS, NEW_TOKENS, KEY), tokens=STALE)
    with pytest.raises(KeyboardInterrupt):
        made.get()
    assert in_threads(1, made.get) == [GOOD]
