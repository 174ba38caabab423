from __future__ import annotations

import pickle
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from alicred.credential import Credential
from alicred.errors import (
    AlicredError,
    ConfigurationError,
    DeniedError,
    MalformedResponseError,
    NotConfiguredError,
    ProviderError,
    TransientError,
)
from alicred.sources.credentials_uri import CredentialsUriProvider
from alicred.testing import FakeCloud, faults
from alicred.wire.http import HttpClient
from tests.recording_http import RecordingHttp, by_official, canned, in_those_words, reply
from tests.support import patience
from tests.wire.vectors import cases

ENDS = datetime(2099, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
ANSWER = {"AccessKeyId": "STS.I", "AccessKeySecret": "SI", "SecurityToken": "TI", "Expiration": "2099-12-31T23:59:59Z", "Code": "Success"}
GOOD = Credential("STS.I", "SI", "TI", ENDS)
URI = "http://127.0.0.1:7002/api/v1/credentials/0"
VARIABLE, DISABLED = "ALIBABA_CLOUD_CREDENTIALS_URI", "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS"


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as running:
        yield running


def provider(http: object, uri: str = URI, **more: Any) -> CredentialsUriProvider:
    return CredentialsUriProvider(uri, http=http, **more)  # type: ignore[arg-type]  # a stand-in


def without(*names: str, **changes: object) -> dict[str, object]:
    return {name: value for name, value in {**ANSWER, **changes}.items() if name not in names}


def failure(made: CredentialsUriProvider, kind: type[AlicredError] = AlicredError) -> AlicredError:
    with pytest.raises(kind) as caught:
        made.get()
    assert caught.value.provider == "credentials_uri"
    assert "planted" not in f"{caught.value}{caught.value!r}{caught.value.__cause__}{caught.value.__context__}"
    return caught.value


# --- what the official libraries do -------------------------------------------------------------------------------------------------

URIS = {"ok": f"{URI}?user=a%20b&x=1", "no_code_field": "http://127.0.0.1:7002/x", "no_expiration": "http://127.0.0.1:7002/x"}
CASES = [case for case in cases("captured_login_requests") if case["name"].startswith("credentials_uri/")]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
@pytest.mark.parametrize("library", ["alibabacloud_credentials", "credentials-go"])
def test_it_sends_what_the_official_libraries_send(case: dict[str, Any], library: str) -> None:
    http = canned(case)
    provider(http, URIS[case["name"].partition("/")[2]]).get()
    assert [in_those_words(sent) for sent in http.sent] == by_official(case, library)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_it_takes_what_one_of_them_takes(case: dict[str, Any]) -> None:
    """An answer without a ``Code`` (Go takes it, Python does not), one without an ``Expiration`` (the command line tool takes it)."""
    assert len(CASES) == 3
    found = provider(canned(case), URIS[case["name"].partition("/")[2]]).get()
    ends_at = None if case["name"].endswith("/no_expiration") else ENDS
    assert (found, found.provider_name) == (Credential("STS.I", "SI", "TI", ends_at), "credentials_uri")


@pytest.mark.parametrize(
    "uri",
    [
        "https://planted-user:planted-password@keys.example.com:8443/a%20b/c?user=a%20b&x=1&x=2",  # the Python library: a+b, and x once
        "http://127.0.0.1/?x",
        "http://[::1]:7002/",
    ],
)
def test_the_uri_is_sent_as_it_is_given(uri: str) -> None:
    http = RecordingHttp(ANSWER)
    assert provider(http, uri).get() == GOOD
    assert [(sent.method, sent.url, sent.body) for sent in http.sent] == [("GET", uri, b"")]


# --- where http may go --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.8.9.10:7002", "localhost", "LocalHost:7002", "169.254.1.2", "10.0.0.1", "172.16.0.1", "172.31.255.255",
        "192.168.1.1", "100.100.100.200", "[::1]", "[fe80::1]", "[fd00::1]", "[::ffff:10.0.0.1]",
    ],
)  # fmt: skip
def test_http_may_go_nearby(host: str) -> None:
    assert provider(RecordingHttp(ANSWER), f"http://planted@{host}/planted").get() == GOOD


@pytest.mark.parametrize(
    "host",
    [
        "keys.example.com", "8.8.8.8", "11.0.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1", "100.128.0.1", "0.0.0.0", "[2001:db8::1]",
        "[::]", "[::ffff:8.8.8.8]", "localhost.example.com", "127.0.0.1.example.com", "127.1", "2130706433", "0x7f000001", "010.0.0.1",
    ],
)  # fmt: skip
def test_http_may_go_nowhere_else_unless_it_is_allowed(host: str) -> None:
    uri = f"http://planted:planted@{host}/path?planted"
    with pytest.raises(ConfigurationError, match=r"^CredentialsUriProvider\.uri: plain http is for loopback") as caught:
        CredentialsUriProvider(uri)
    assert "planted" not in str(caught.value)
    http = RecordingHttp(ANSWER)
    assert failure(CredentialsUriProvider.from_environment({VARIABLE: uri}, http=http))  # type: ignore[arg-type]
    assert http.sent == []
    assert provider(http, uri, allow_http=True).get() == GOOD
    assert provider(http, uri.replace("http:", "https:")).get() == GOOD


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1@keys.example.com/", "http://127.0.0.1\\@keys.example.com/", "http://10.0.0.1%2f@8.8.8.8/"]
)
def test_it_is_the_host_that_counts(uri: str) -> None:
    with pytest.raises(ConfigurationError, match="plain http"):
        CredentialsUriProvider(uri)


def test_plain_http_goes_through_no_proxy_that_the_environment_names(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    assert CredentialsUriProvider(f"{cloud.http_endpoint}/credentials").get().access_key_id
    given = CredentialsUriProvider(f"{cloud.http_endpoint}/credentials", http=HttpClient())
    assert "through the proxy" in str(failure(given, TransientError))  # what a caller gives is used as it is


def test_https_goes_through_the_proxy_that_the_environment_names(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{closed_port}")
    assert "through the proxy" in str(failure(CredentialsUriProvider("https://keys.example.com/"), TransientError))


# --- answers ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        ANSWER,
        {name[0].lower() + name[1:]: value for name, value in ANSWER.items()},
        without("Code"),
        without(Expiration="2099-12-31T23:59:59.000Z"),
        without(LastUpdated="x", RequestId=1),
    ],
)
def test_a_good_answer_becomes_a_credential(answer: object) -> None:
    assert provider(RecordingHttp(answer)).get() == GOOD


@pytest.mark.parametrize("answer", [without("Expiration"), without(Expiration=None), without(Expiration="")])
def test_without_an_expiration_the_credential_does_not_say_when_it_ends(answer: object) -> None:
    assert provider(RecordingHttp(answer)).get() == Credential("STS.I", "SI", "TI")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"", "is not a JSON object"),
        (b"[]", "is not a JSON object"),
        (b'{"AccessKeyId": "planted', "is not a JSON object"),
        (without("AccessKeyId"), "lacks AccessKeyId"),
        (without("SecurityToken", "AccessKeySecret", Expiration="planted"), "lacks AccessKeySecret, SecurityToken"),
        (without(SecurityToken=""), "lacks SecurityToken"),
        (without(AccessKeySecret=7), "lacks AccessKeySecret"),
        (without(Expiration=4102444799), "lacks Expiration"),
        (without(Expiration="planted"), "Expiration in the answer is no time"),
        (without(Expiration="2099-12-31"), "Expiration in the answer is no time"),
        (without(AccessKeySecret="planted\nplanted"), "unusable key (Credential.access_key_secret holds a control character"),
        (reply(ANSWER, 204), "none of the promised statuses"),
    ],
)
def test_a_bad_answer_is_named_and_not_quoted(answer: object, words: str) -> None:
    error = failure(provider(RecordingHttp(answer), "http://planted@10.0.0.1/keys?planted"), MalformedResponseError)
    assert str(error).startswith("credentials_uri: the request to the credentials URI http://10.0.0.1/keys failed: ")
    assert words in str(error)


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (without(Code="Failed"), ProviderError, "Failed"),
        (without(Code="planted secret"), MalformedResponseError, None),
        (without(Code=7), MalformedResponseError, None),
        (reply({"Code": "Forbidden.RAM", "Message": "planted"}, 403), DeniedError, "Forbidden.RAM"),
        (reply(b"planted", 401), DeniedError, None),
        (reply(b"planted", 404), ProviderError, None),
        (reply(b"planted", 429), TransientError, None),
        (reply(b"planted", 500), TransientError, None),
        (reply({"Code": "Throttling.User"}, 400), TransientError, "Throttling.User"),
    ],
)
def test_an_error_of_the_service_has_its_type_and_code(answer: object, kind: type[ProviderError], code: str | None) -> None:
    error = failure(provider(RecordingHttp(answer)), kind)
    assert isinstance(error, ProviderError)
    assert (type(error), error.code) == (kind, code)


# --- from the environment -----------------------------------------------------------------------------------------------------------


def from_environment(http: object, environ: dict[str, str] | None = None) -> CredentialsUriProvider:
    return CredentialsUriProvider.from_environment(environ, http=http)  # type: ignore[arg-type]  # a stand-in


def test_the_variable_is_read_at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    http = RecordingHttp(ANSWER)
    made = from_environment(http)
    for uri in (URI, f" {URI}/1\n"):
        monkeypatch.setenv(VARIABLE, uri)
        assert made.get() == GOOD
    assert [sent.url for sent in http.sent] == [URI, f"{URI}/1"]


@pytest.mark.parametrize("environ", [{}, {VARIABLE: ""}, {VARIABLE: " \n"}])
def test_without_the_variable_it_is_not_set_up(environ: dict[str, str]) -> None:
    error = failure(from_environment(RecordingHttp(ANSWER), environ), NotConfiguredError)
    assert str(error) == f"credentials_uri: {VARIABLE} is not set"


@pytest.mark.parametrize(
    "value", ["planted", "ftp://planted", "http://[planted", "https://a b/", "http://10.0.0.1:planted/", "https://h/\x07"]
)
def test_a_variable_that_holds_no_url_is_wrong(value: str) -> None:
    error = failure(from_environment(RecordingHttp(ANSWER), {VARIABLE: value}), ConfigurationError)
    assert VARIABLE in str(error)


@pytest.mark.parametrize(("value", "is_asked"), [("true", False), ("1", False), ("TRUE", False), ("false", True), ("0", True), ("", True)])
def test_the_variable_that_forbids_programs_forbids_it_too(value: str, is_asked: bool) -> None:
    http = RecordingHttp(ANSWER)
    made = from_environment(http, {VARIABLE: URI, DISABLED: value})
    if is_asked:
        assert made.get() == GOOD
    else:
        assert DISABLED in str(failure(made, NotConfiguredError))
    assert len(http.sent) == is_asked


def test_a_uri_of_ones_own_is_asked_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DISABLED, "true")
    assert provider(RecordingHttp(ANSWER)).get() == GOOD


# --- parameters ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"uri": ""}, "uri is empty"),
        ({"uri": None}, "uri must be a string"),
        ({"uri": b"planted"}, "uri must be a string"),
        ({"uri": "https://h/\nplanted"}, "uri holds a control character"),
        ({"uri": "planted"}, "uri: the URL must be http(s)://host"),
        ({"uri": "https:///planted"}, "uri: the URL must be http(s)://host"),
        ({"uri": "https://h/é"}, "uri: the URL must be http(s)://host"),
        ({"http": "planted"}, "http must be None or have a method request()"),
        ({"allow_http": 1}, "allow_http must be True or False"),
    ],
)
def test_a_bad_parameter_is_named(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        CredentialsUriProvider(**{"uri": URI, **arguments})
    assert f"CredentialsUriProvider.{words}" in str(caught.value)
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("arguments", [{"environ": "planted"}, {"http": "planted"}])
def test_a_bad_argument_of_from_environment_is_named(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=rf"CredentialsUriProvider\.{next(iter(arguments))} must"):
        CredentialsUriProvider.from_environment(**arguments)


def test_it_shows_where_the_keys_are_and_nothing_else() -> None:
    assert (
        repr(CredentialsUriProvider("https://planted:planted@h:8443/keys?planted#planted"))
        == "CredentialsUriProvider('https://h:8443/keys')"
    )
    assert repr(CredentialsUriProvider.from_environment({VARIABLE: URI})) == "CredentialsUriProvider.from_environment()"


# --- against a cloud ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("over_tls", [True, False])
def test_a_url_hands_out_new_keys_at_every_call(cloud: FakeCloud, over_tls: bool) -> None:
    uri = f"{cloud.endpoint if over_tls else cloud.http_endpoint}/credentials?planted=%2B"
    made = pickle.loads(pickle.dumps(CredentialsUriProvider(uri, http=cloud.http_client())))
    first, second = made.get(), made.get()
    assert first != second
    assert cloud.sts_client().get_caller_identity(second).identity_type == "AssumedRoleUser"
    assert second.expires_at == cloud.sessions[-1].ends_at
    assert [call.over_tls for call in cloud.calls[:2]] == [over_tls] * 2
    assert cloud.raw[0].line == "GET /credentials?planted=%2B HTTP/1.1"


def test_user_and_password_go_in_a_header_and_not_in_the_request_line(cloud: FakeCloud) -> None:
    CredentialsUriProvider(f"{cloud.http_endpoint}/credentials".replace("//", "//planted:p%40ss@")).get()
    assert cloud.raw[0].line == "GET /credentials HTTP/1.1"
    assert cloud.raw[0].headers["authorization"] == "Basic cGxhbnRlZDpwQHNz"


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (faults.Hang(), TransientError, "no complete answer came within 1 s"),
        (faults.Reset(), TransientError, "the connection broke"),
        (faults.Truncated(), TransientError, "the connection broke"),
        (faults.ServerError(), TransientError, "ServiceUnavailable"),
        (faults.Throttling(), TransientError, "Send fewer requests"),
        (faults.Malformed(), MalformedResponseError, "not a JSON object"),
        (faults.WrongContent(), MalformedResponseError, "not a JSON object"),
        (faults.Oversized(), MalformedResponseError, "larger than 1048576 bytes"),
        (faults.Redirect("http://127.0.0.1:1/planted"), MalformedResponseError, "redirect"),
        (faults.MissingField("SecurityToken"), MalformedResponseError, "lacks SecurityToken"),
        (faults.Denied(), DeniedError, "NoPermission"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, faults.Fault) else "",
)
def test_what_goes_wrong_has_a_type_of_its_own(cloud: FakeCloud, fault: faults.Fault, kind: type[ProviderError], words: str) -> None:
    http = HttpClient(read_timeout=patience(fault), trust_environment=False)
    made = CredentialsUriProvider(f"{cloud.http_endpoint}/credentials?planted", http=http)
    with cloud.faulty(fault):
        error = failure(made, kind)
    assert type(error) is kind
    assert words in str(error)
    assert cloud.wait_for()
    assert cloud.count() == 1, "nothing is sent twice, and no redirect is followed"
    assert made.get().access_key_id == cloud.sessions[-1].access_key_id
