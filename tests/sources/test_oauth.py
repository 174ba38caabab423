from __future__ import annotations

import copy
import logging
import pickle
import threading
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import attrs
import pytest

from alicred._internal import owned_lock
from alicred._internal.skew import Skew
from alicred.clock import SYSTEM_CLOCK
from alicred.credential import Credential
from alicred.errors import AlicredError, ConfigurationError, DeniedError, MalformedResponseError, ProviderError, TransientError
from alicred.sources import oauth
from alicred.sources.oauth import OAUTH_SITES, OAuthProvider, OAuthTokens
from alicred.testing import FakeCloud, faults
from alicred.testing.cloud.logins import OAuthLogin
from alicred.wire.http import HttpClient
from tests.adversities import interrupted_at
from tests.raw_fork import in_raw_child
from tests.recording_http import RecordingHttp, by_official, canned, in_those_words, reply
from tests.refresh.test_cache_fork import in_child
from tests.support import in_threads, patience, wait_until
from tests.wire.vectors import cases

NOW = SYSTEM_CLOCK.utcnow
LATER = datetime(2099, 1, 1, tzinfo=timezone.utc)
KEY = {"accessKeyId": "STS.O", "accessKeySecret": "SO", "securityToken": "TO", "expiration": "2099-12-31T23:59:59Z", "requestId": "R"}
GOOD = Credential("STS.O", "SO", "TO", datetime(2099, 12, 31, 23, 59, 59, tzinfo=timezone.utc))
NEW_TOKENS = {"access_token": "at2", "refresh_token": "rt2", "expires_in": 3600, "token_type": "Bearer"}
VALID = OAuthTokens("rt", "at", LATER)
STALE = OAuthTokens("rt")
LOG_IN = "log in again with `aliyun configure --mode OAuth`"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as running:
        yield running


def provider(*answers: object, tokens: object = VALID, http: object = None, **changes: Any) -> OAuthProvider:
    site = OAUTH_SITES["CN"]
    arguments = {"client_id": site.client_id, "sign_in_url": site.sign_in_url, "tokens": tokens}
    return OAuthProvider(**{**arguments, "http": http or RecordingHttp(*answers), **changes})  # type: ignore[arg-type]  # stand-ins


def of(cloud: FakeCloud, login: OAuthLogin, **changes: Any) -> OAuthProvider:
    tokens = OAuthTokens(login.refresh_token, login.access_token, login.expires_at)
    return provider(
        **{"client_id": login.client_id, "sign_in_url": cloud.endpoint, "http": cloud.http_client(), "tokens": tokens, **changes}
    )


def spent(made: OAuthProvider) -> OAuthTokens:
    """What it would go on with."""
    return made._tokens


def failure(made: OAuthProvider, kind: type[AlicredError] = AlicredError) -> AlicredError:
    with pytest.raises(kind) as caught:
        made.get()
    assert caught.value.provider == "oauth"
    seen: BaseException | None = caught.value
    while seen is not None:
        assert "planted" not in f"{seen}{seen!r}"
        seen = seen.__cause__ or seen.__context__
    return caught.value


# --- what the official libraries do -------------------------------------------------------------------------------------------------

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
        assert str(error) == "oauth: asking https://oauth.aliyun.com to renew the access token: the answer lacks access_token (HTTP 200)"
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


# --- many callers -------------------------------------------------------------------------------------------------------------------


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
    assert f"were not saved: on_tokens ended with {type(raised).__name__}" in record.getMessage()
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


# --- other processes ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fork", [in_child, in_raw_child])
@pytest.mark.parametrize("has_access_token", [True, False])
def test_a_child_forked_during_a_renewal_is_not_stuck_and_spends_nothing(
    cloud: FakeCloud, has_access_token: bool, fork: Callable[[Callable[[], str]], object]
) -> None:
    login = cloud.add_oauth_login(lasts=10 * MINUTE)
    access = (login.access_token, login.expires_at) if has_access_token else ()
    made = of(cloud, login, tokens=OAuthTokens(login.refresh_token, *access), sign_in_url=cloud.http_endpoint)
    with cloud.faulty(faults.Hang(), operation="OAuthToken", times=1):
        thread = threading.Thread(target=made.get)
        thread.start()
        assert cloud.wait_for("OAuthToken")
        copied = pickle.loads(pickle.dumps(made))
        for copy_of_it in (fork(lambda: _outcome(made)), _outcome(copied)):
            if has_access_token:
                assert copy_of_it == "credential"
            else:
                assert str(copy_of_it).startswith(
                    "ConfigurationError: oauth: there is no access token, and the refresh token was being spent"
                )
    thread.join()
    assert cloud.count("OAuthToken") == 1
    assert cloud.rejected == ()
    assert made.get().access_key_id


def _outcome(made: OAuthProvider) -> str:
    try:
        made.get()
    except AlicredError as error:
        return f"{type(error).__name__}: {error}"
    return "credential"


def test_a_child_that_is_forked_while_nobody_renews_them_renews_them_itself(cloud: FakeCloud) -> None:
    login = cloud.add_oauth_login()
    made = of(cloud, login, tokens=OAuthTokens(login.refresh_token), sign_in_url=cloud.http_endpoint)
    assert in_child(lambda: _outcome(made)) == "credential"
    assert cloud.rejected == ()
    assert LOG_IN in str(failure(made, DeniedError)), "and the parent has lost them: only one can have them"


@pytest.mark.parametrize("ended", [KeyboardInterrupt, MemoryError, RecursionError])
def test_a_renewal_whose_clean_up_fails_keeps_no_other_waiting(
    cloud: FakeCloud, ended: type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    login = cloud.add_oauth_login(lasts=MINUTE)
    made = of(cloud, login)

    def failing(*_: object) -> None:
        raise ended

    with monkeypatch.context() as patch:
        patch.setattr(owned_lock._Turn, "end", failing)
        with pytest.raises(ended):
            made.get()
    assert [type(found) for found in in_threads(2, made.get)] == [Credential] * 2
    assert cloud.rejected == ()


def test_an_interrupt_at_any_step_of_a_renewal_keeps_no_other_waiting() -> None:
    """What it was about to send may be lost with it; the next caller goes on all the same."""
    for number in range(1, 3000):
        made = provider(reply({**NEW_TOKENS, **KEY}), tokens=STALE)
        more = interrupted_at(number, made.get, oauth.__file__)
        assert in_threads(1, made.get) == [attrs.evolve(GOOD, provider_name="oauth")], f"an interrupt at step {number}"
        if not more:
            break
    assert 100 < number < 2999


def test_a_pickle_and_a_copy_take_the_tokens_of_the_moment_along(cloud: FakeCloud) -> None:
    login = cloud.add_oauth_login(lasts=MINUTE)
    made = of(cloud, login)
    made.get()
    made = pickle.loads(pickle.dumps(made))
    made.get()
    made = copy.copy(made)
    made.get()
    assert cloud.rejected == ()
    assert cloud.count("OAuthToken") == 3


# --- values and parameters ----------------------------------------------------------------------------------------------------------


def test_tokens_are_values_that_show_no_token() -> None:
    tokens = OAuthTokens("planted", "planted", LATER)
    assert repr(tokens) == f"OAuthTokens(access_token_expires_at={LATER!r})"
    assert tokens == pickle.loads(pickle.dumps(tokens)) == attrs.evolve(tokens)
    assert len({tokens, OAuthTokens("planted", "planted", LATER)}) == 1
    assert OAuthTokens("", "at") == OAuthTokens(None, "at")
    assert repr(provider(tokens=tokens)) == "OAuthProvider(client_id='4038181954557748008')"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((None,), " needs a refresh_token or an access_token"),
        (("", ""), " needs a refresh_token or an access_token"),
        ((7,), ".refresh_token must be a string"),
        ((" ",), ".refresh_token is empty"),
        (("planted\n",), ".refresh_token holds a control character"),
        (("plantedé",), ".refresh_token holds a character that no token has"),
        (("rt", b"planted"), ".access_token must be a string"),
        (("rt", "planted\x7f"), ".access_token holds a control character"),
        (("rt", "at", 4070908800), ".access_token_expires_at must be a datetime.datetime, not int"),
        (("rt", "at", datetime(2099, 1, 1)), ".access_token_expires_at has no time zone"),  # noqa: DTZ001
    ],
)
def test_tokens_that_cannot_be_are_refused(arguments: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        OAuthTokens(*arguments)
    assert f"OAuthTokens{words}" in str(caught.value)
    assert "planted" not in str(caught.value)


async def save_later(tokens: OAuthTokens) -> None: ...


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_id": ""}, "client_id is empty"),
        ({"sign_in_url": None}, "sign_in_url must be a string"),
        ({"sign_in_url": "oauth.aliyun.com"}, "sign_in_url: the URL must be http(s)://host"),
        ({"tokens": "planted"}, "tokens must be a OAuthTokens, not a str"),
        ({"on_tokens": "planted"}, "on_tokens must be a function, not str"),
        ({"on_tokens": save_later}, "on_tokens is a coroutine function"),
        ({"http": "planted"}, "http must be None or have a method request()"),
    ],
)
def test_a_bad_parameter_is_named(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        provider(**changes)
    assert f"OAuthProvider.{words}" in str(caught.value)
    assert "planted" not in str(caught.value)


# --- answers ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "answers", "kind", "words"),
    [
        (VALID, [{}], MalformedResponseError, "for keys: the answer lacks AccessKeyId, AccessKeySecret, SecurityToken, Expiration"),
        (VALID, [{**KEY, "expiration": "planted"}], MalformedResponseError, "Expiration in the answer is no time"),
        (VALID, [{"error": "access_denied", "error_description": "planted"}], ProviderError, "code access_denied, HTTP 200"),
        (VALID, [reply({"error": "access_denied", "error_description": "planted"}, 403)], DeniedError, "code access_denied, HTTP 403"),
        (VALID, [reply(b"planted", 500)], TransientError, "HTTP 500"),
        (STALE, [b"planted"], MalformedResponseError, "to renew the access token: the answer is not a JSON object"),
        (STALE, [reply({"error": "invalid_grant"}, 400)], DeniedError, f"the login is over: {LOG_IN} (code invalid_grant, HTTP 400)"),
        (STALE, [reply({"error": "invalid_client"}, 401)], DeniedError, "this client: check client_id and the site (code invalid_client,"),
        (STALE, [reply({"error": "invalid_request"}, 400)], DeniedError, "the service refused (code invalid_request, HTTP 400)"),
        (STALE, [reply(b"planted", 502)], TransientError, "HTTP 502"),
    ],
)
def test_a_bad_answer_has_a_type_of_its_own(tokens: OAuthTokens, answers: list[object], kind: type[ProviderError], words: str) -> None:
    error = failure(provider(*answers, tokens=tokens), kind)
    assert type(error) is kind
    assert str(error).startswith("oauth: asking https://oauth.aliyun.com ")
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
