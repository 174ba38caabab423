from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from alicred._internal.skew import Skew
from alicred.clock import SYSTEM_CLOCK
from alicred.credential import Credential
from alicred.errors import AlicredError, ConfigurationError, DeniedError, MalformedResponseError, ProviderError, TransientError
from alicred.sources.cloud_sso import CloudSsoProvider
from alicred.testing import FakeCloud, faults
from alicred.testing.cloud.logins import CloudSsoLogin
from alicred.wire.http import HttpClient
from tests.recording_http import RecordingHttp, by_official, canned, in_those_words, reply
from tests.support import patience
from tests.wire.vectors import cases

LATER = datetime(2099, 1, 1, tzinfo=timezone.utc)
KEY = {"AccessKeyId": "STS.C", "AccessKeySecret": "SC", "SecurityToken": "TC", "Expiration": "2099-12-31T23:59:59Z"}
GOOD = Credential("STS.C", "SC", "TC", datetime(2099, 12, 31, 23, 59, 59, tzinfo=timezone.utc))
ARGUMENTS: dict[str, Any] = {
    "sign_in_url": "https://signin-cn-shanghai.alibabacloudsso.com/start/login",
    "account_id": "123",
    "access_configuration_id": "ac-1",
    "access_token": "tok",
    "access_token_expires_at": LATER,
}
LOG_IN = "Log in again with `alicred login --profile NAME` or `aliyun configure --mode CloudSSO`"


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as running:
        yield running


def provider(http: object = None, **changes: Any) -> CloudSsoProvider:
    return CloudSsoProvider(**{**ARGUMENTS, "http": http or RecordingHttp({"CloudCredential": KEY}), **changes})


def of(cloud: FakeCloud, login: CloudSsoLogin, **changes: Any) -> CloudSsoProvider:
    return provider(
        **{
            "http": cloud.http_client(),
            "sign_in_url": f"{cloud.endpoint}/start/login?planted#planted",
            "account_id": login.account_id,
            "access_configuration_id": login.access_configuration_id,
            "access_token": login.access_token,
            "access_token_expires_at": login.expires_at,
            **changes,
        },
    )


def failure(made: CloudSsoProvider, kind: type[AlicredError] = AlicredError) -> AlicredError:
    with pytest.raises(kind) as caught:
        made.get()
    assert caught.value.provider == "cloud_sso"
    assert "planted" not in f"{caught.value}{caught.value!r}{caught.value.__cause__}{caught.value.__context__}"
    return caught.value


@pytest.mark.parametrize("library", ["alibabacloud_credentials", "credentials-go"])
def test_it_sends_what_the_official_libraries_send(library: str) -> None:
    """But for ``accept``, which they send too, and the white space of the JSON."""
    (case,) = (case for case in cases("captured_login_requests") if case["name"].startswith("cloud_sso/"))
    http = canned(case)
    found = provider(http).get()
    assert (found, found.provider_name) == (GOOD, "cloud_sso")
    assert [in_those_words(sent) for sent in http.sent] == by_official(case, library)
    assert http.sent[0].headers["accept"] == "application/json"


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://h/start/login?a=b#c", "https://h"),
        ("https://h:8443/start", "https://h:8443"),  # Java drops the port
        ("https://user:password@h", "https://h"),
        ("http://127.0.0.1:8080/x", "http://127.0.0.1:8080"),
    ],
)
def test_of_the_sign_in_url_scheme_host_and_port_count(url: str, asked: str) -> None:
    http = RecordingHttp({"CloudCredential": KEY})
    provider(http, sign_in_url=url).get()
    assert [sent.url for sent in http.sent] == [f"{asked}/cloud-credentials"]


def test_an_access_token_never_goes_over_a_network_in_plain_text() -> None:
    with pytest.raises(ConfigurationError, match=r"^CloudSsoProvider\.sign_in_url: plain http is for loopback"):
        provider(sign_in_url="http://signin.example.com/")


@pytest.mark.parametrize("ends_at", [datetime(1970, 1, 1, tzinfo=timezone.utc), datetime.now(timezone(timedelta(hours=8)))])
def test_an_access_token_that_has_ended_is_not_sent(ends_at: datetime) -> None:
    http = RecordingHttp({"CloudCredential": KEY})
    error = failure(provider(http, access_token_expires_at=ends_at), ConfigurationError)
    assert str(error) == f"cloud_sso: the access token ended at {ends_at.isoformat()}. {LOG_IN}."
    assert http.sent == []


def test_it_goes_by_the_clock_that_has_learned_the_time(monkeypatch: pytest.MonkeyPatch, cloud: FakeCloud) -> None:
    monkeypatch.setattr(SYSTEM_CLOCK, "_learned", Skew())  # restored afterwards
    cloud.skew = timedelta(hours=3)
    login = cloud.add_cloud_sso_login()
    assert of(cloud, login).get().expires_at
    assert timedelta(hours=2, minutes=59) < SYSTEM_CLOCK.skew < timedelta(hours=3, minutes=1)
    failure(of(cloud, login, access_token_expires_at=datetime.now(timezone.utc) + timedelta(hours=2)), ConfigurationError)


# --- parameters ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sign_in_url": ""}, "sign_in_url is empty"),
        ({"sign_in_url": "signin.example.com"}, "sign_in_url: the URL must be http(s)://host"),
        ({"account_id": ""}, "account_id is empty"),
        ({"account_id": 123}, "account_id must be a string"),
        ({"access_configuration_id": None}, "access_configuration_id must be a string"),
        ({"access_token": ""}, f"access_token is empty. {LOG_IN}."),
        ({"access_token": None}, "access_token must be a string"),
        ({"access_token": "planted\n"}, "access_token holds a control character"),
        ({"access_token": "plantedé"}, "access_token holds a character that no token has"),
        ({"access_token_expires_at": 0}, "access_token_expires_at must be a datetime.datetime, not int"),
        ({"access_token_expires_at": datetime(2099, 1, 1)}, "access_token_expires_at has no time zone"),  # noqa: DTZ001
        ({"http": "planted"}, "http must be None or have a method request()"),
    ],
)
def test_a_bad_parameter_is_named(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        provider(**changes)
    assert f"CloudSsoProvider.{words}" in str(caught.value)
    assert "planted" not in str(caught.value)


def test_it_shows_no_token() -> None:
    shown = repr(provider(access_token="planted", sign_in_url="https://planted@h/"))
    assert shown == "CloudSsoProvider(account_id='123', access_configuration_id='ac-1')"


# --- answers ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        ({}, MalformedResponseError, "the answer lacks CloudCredential"),
        ({"CloudCredential": "planted"}, MalformedResponseError, "the answer lacks CloudCredential"),
        ({"CloudCredential": {**KEY, "SecurityToken": None}}, MalformedResponseError, "the answer lacks SecurityToken"),
        ({"CloudCredential": {**KEY, "Expiration": ""}}, MalformedResponseError, "the answer lacks Expiration"),
        ({"CloudCredential": KEY, "ErrorCode": "Odd", "ErrorMessage": "planted"}, ProviderError, "[Odd, HTTP 200]"),
        (reply({"ErrorCode": "NoPermission", "ErrorMessage": "planted"}, 403), DeniedError, "[NoPermission, HTTP 403]"),
        (
            reply({"ErrorCode": "InvalidAccessToken"}, 401),
            DeniedError,
            f"failed: the login is over. {LOG_IN}. [InvalidAccessToken, HTTP 401]",
        ),
        (reply(b"planted", 401), DeniedError, f"failed: the login is over. {LOG_IN}. [HTTP 401]"),
        (reply(b"planted", 503), TransientError, "HTTP 503"),
    ],
)
def test_a_bad_answer_has_a_type_of_its_own(answer: object, kind: type[ProviderError], words: str) -> None:
    error = failure(provider(RecordingHttp(answer), access_token="planted"), kind)
    assert type(error) is kind
    keys, site = f"the keys of the access configuration {ARGUMENTS['access_configuration_id']}", "signin-cn-shanghai.alibabacloudsso.com"
    assert str(error).startswith(f"cloud_sso: the request for {keys} at https://{site} failed: ")
    assert words in str(error)


def test_camel_case_will_do() -> None:
    answer = {"cloudCredential": {name[0].lower() + name[1:]: value for name, value in KEY.items()}}
    assert provider(RecordingHttp(answer)).get() == GOOD


# --- against a cloud ----------------------------------------------------------------------------------------------------------------


def test_a_login_gives_new_keys_at_every_call(cloud: FakeCloud) -> None:
    login = cloud.add_cloud_sso_login()
    made = pickle.loads(pickle.dumps(of(cloud, login)))
    first, second = made.get(), made.get()
    assert first != second
    assert cloud.sts_client().get_caller_identity(second).identity_type == "AssumedRoleUser"
    assert [request.line for request in cloud.raw[:2]] == ["POST /cloud-credentials HTTP/1.1"] * 2
    assert json.loads(cloud.raw[0].body) == {"AccountId": login.account_id, "AccessConfigurationId": login.access_configuration_id}


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"access_token": "no-token-of-this-cloud"}, "InvalidAccessToken", LOG_IN),
        ({"account_id": "another"}, "NoPermission", "the caller is not allowed to do this"),
    ],
)
def test_what_the_site_refuses_is_denied(cloud: FakeCloud, changes: dict[str, object], code: str, words: str) -> None:
    error = failure(of(cloud, cloud.add_cloud_sso_login(), **changes), DeniedError)
    assert isinstance(error, DeniedError)
    assert error.code == code
    assert error.request_id
    assert words in str(error)
    assert "no-token" not in str(error)


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (faults.Hang(), TransientError),
        (faults.Reset(), TransientError),
        (faults.Truncated(), TransientError),
        (faults.ServerError(500), TransientError),
        (faults.Throttling(), TransientError),
        (faults.Malformed(), MalformedResponseError),
        (faults.WrongContent(), MalformedResponseError),
        (faults.Oversized(), MalformedResponseError),
        (faults.Redirect("https://127.0.0.1:1/planted"), MalformedResponseError),
        (faults.MissingField("AccessKeySecret"), MalformedResponseError),
        (faults.MissingField("CloudCredential"), MalformedResponseError),
        (faults.Denied(), DeniedError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, faults.Fault) else "",
)
def test_what_goes_wrong_has_a_type_of_its_own(cloud: FakeCloud, fault: faults.Fault, kind: type[ProviderError]) -> None:
    http = HttpClient(read_timeout=patience(fault), trust_environment=False)
    made = of(cloud, cloud.add_cloud_sso_login(), http=http, sign_in_url=cloud.http_endpoint)
    with cloud.faulty(fault):
        assert type(failure(made, kind)) is kind
    assert cloud.wait_for()
    assert cloud.count() == 1, "nothing is sent twice, and no redirect is followed"
    assert made.get().access_key_id == cloud.sessions[-1].access_key_id
