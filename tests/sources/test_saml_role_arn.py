from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from alicred.errors import AlicredError, ConfigurationError, DeniedError, MalformedResponseError, ProviderError, TransientError
from alicred.sources.saml_role_arn import SamlRoleArnProvider
from alicred.testing import FakeCloud, faults
from alicred.wire.http import HttpClient
from alicred.wire.sts import StsClient
from tests.recording_sts import HOUR, SESSION, RecordingSts
from tests.support import patience

ROLE, IDP = "acs:ram::1:role/test", "acs:ram::1:saml-provider/test"


def an_assertion() -> str:
    return "plantedassertion=="


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as running:
        yield running


def provider(assertion: object = an_assertion, sts: object = None, **changes: Any) -> SamlRoleArnProvider:
    arguments = {"role_arn": ROLE, "saml_provider_arn": IDP, "assertion": assertion, "sts": sts or RecordingSts()}
    return SamlRoleArnProvider(**{**arguments, **changes})


def of(cloud: FakeCloud, assertion: Callable[[], str], **changes: Any) -> SamlRoleArnProvider:
    return provider(
        assertion, **{"sts": cloud.sts_client(), "role_arn": cloud.role_arn, "saml_provider_arn": cloud.saml_provider_arn, **changes}
    )


def failure(made: SamlRoleArnProvider, kind: type[AlicredError] = AlicredError) -> AlicredError:
    with pytest.raises(kind) as caught:
        made.get()
    assert caught.value.provider == "saml_role_arn"
    assert "planted" not in f"{caught.value}{caught.value!r}{caught.value.__cause__}{caught.value.__context__}"
    return caught.value


def test_it_sends_the_assertion_and_what_the_session_is_to_be() -> None:
    sts = RecordingSts()
    made = provider(sts=sts, duration=timedelta(minutes=15), session_policy={"Version": "1"})
    found = made.get()
    assert found == SESSION
    assert (found.provider_name, made.name) == ("saml_role_arn", "saml_role_arn")
    assert sts.calls == [
        {
            "operation": "assume_role_with_saml",
            "role_arn": ROLE,
            "saml_provider_arn": IDP,
            "saml_assertion": "plantedassertion==",
            "duration": timedelta(minutes=15),
            "session_policy": '{"Version":"1"}',
        }
    ]


def test_the_assertion_is_asked_for_at_every_call() -> None:
    sts = RecordingSts()
    answers = iter(["first", "second"])
    made = provider(lambda: next(answers), sts)
    made.get()
    made.get()
    assert [call["saml_assertion"] for call in sts.calls] == ["first", "second"]
    assert sts.calls[0]["duration"] == HOUR


def test_white_space_in_base64_does_not_count() -> None:
    sts = RecordingSts()
    provider(lambda: " plan\r\nted+/\n==\n", sts).get()
    assert sts.calls[0]["saml_assertion"] == "planted+/=="


@pytest.mark.parametrize("size", [4, 100_000])
def test_an_assertion_of_the_shortest_and_longest_length_is_sent(size: int) -> None:
    assert provider(lambda: "x" * size).get() == SESSION


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "a text that is empty: it must be 4 to 100000 characters long"),
        (" \n", "a text that is empty"),
        ("abc", "a text of 3 characters: it must be 4 to 100000"),
        ("planted" * 15_000, "a text of 105000 characters: it must be 4 to 100000"),
        (None, "must return a string, not NoneType"),
        (b"planted", "must return a string, not bytes"),
        ("<planted/>", "in base64, not as XML"),
        ("planted%3D%3D", "not encoded for a URL"),
        ("planted\x07", "what assertion() returned holds a control character"),
    ],
)
def test_what_is_no_assertion_is_not_sent(given: object, words: str) -> None:
    sts = RecordingSts()
    made = provider(lambda: given, StsClient("http://127.0.0.1:1") if "\x07" in str(given) else sts)
    assert words in str(failure(made, ConfigurationError))
    assert sts.calls == []


@pytest.mark.parametrize("raised", [ValueError("planted"), KeyError("planted"), type("Own", (Exception,), {})("planted")])
def test_what_the_function_raises_is_named_by_its_type_alone(raised: Exception) -> None:
    def assertion() -> str:
        try:
            raise RuntimeError("planted")
        except RuntimeError as error:
            raise raised from error

    sts = RecordingSts()
    error = failure(provider(assertion, sts), ProviderError)
    assert str(error) == f"saml_role_arn: assertion() raised {type(raised).__name__}: no SAML assertion, so nothing was sent"
    assert (error.__cause__, error.__context__) == (None, None)
    assert sts.calls == []


def test_an_error_of_alicreds_own_is_raised_as_it_is() -> None:
    raised = TransientError("the identity provider is down", provider="idp")

    def assertion() -> str:
        raise raised

    with pytest.raises(TransientError) as caught:
        provider(assertion).get()
    assert caught.value is raised
    assert caught.value.provider == "idp"


def test_an_interrupt_goes_through() -> None:
    def assertion() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        provider(assertion).get()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"role_arn": ""}, "role_arn is empty"),
        ({"role_arn": "planted"}, "role_arn is no ARN of a role"),
        ({"session_policy": "planted"}, "session_policy is no JSON object"),
        ({"saml_provider_arn": 7}, "saml_provider_arn must be a string"),
        ({"assertion": "planted"}, "assertion must be a function, not str"),
        ({"assertion": None}, "assertion must be a function, not NoneType"),
        ({"duration": timedelta(seconds=899)}, "duration must be a datetime.timedelta of 900 s to 43200 s"),
        ({"duration": timedelta(seconds=43201)}, "duration must be a datetime.timedelta of 900 s to 43200 s"),
        ({"session_policy": ""}, "session_policy is empty"),
        ({"sts": "planted"}, "sts must be None or have a method assume_role_with_saml()"),
    ],
)
def test_a_bad_parameter_is_named_with_its_range(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        provider(**changes)
    assert f"SamlRoleArnProvider.{words}" in str(caught.value)
    assert "planted" not in str(caught.value)


def test_it_shows_its_role_only() -> None:
    assert repr(provider(session_policy='{"planted": 1}')) == f"SamlRoleArnProvider(role_arn='{ROLE}')"


# --- against a cloud ----------------------------------------------------------------------------------------------------------------


def test_an_assertion_becomes_keys_and_stands_in_no_url(cloud: FakeCloud) -> None:
    assertion = cloud.add_saml_assertion()
    made = of(cloud, lambda: assertion, session_policy={"planted": "*"}, duration=timedelta(minutes=20))
    found = made.get()
    assert cloud.sts_client().get_caller_identity(found).identity_type == "AssumedRoleUser"
    assert cloud.raw[0].line == "POST / HTTP/1.1"
    assert {name: values[0] for name, values in parse_qs(cloud.raw[0].body.decode()).items()} == {
        "RoleArn": cloud.role_arn,
        "SAMLProviderArn": cloud.saml_provider_arn,
        "SAMLAssertion": assertion,
        "DurationSeconds": "1200",
        "Policy": json.dumps({"planted": "*"}, separators=(",", ":")),
        "Format": "JSON",
    }
    assert assertion not in repr(cloud.raw[0].headers)


def test_the_host_is_the_one_that_the_environment_names(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_STS_ENDPOINT", cloud.http_endpoint)
    made = SamlRoleArnProvider(role_arn=cloud.role_arn, saml_provider_arn=cloud.saml_provider_arn, assertion=cloud.add_saml_assertion)
    assert made.get().access_key_id == cloud.sessions[0].access_key_id


def test_a_pickle_takes_the_function_along(cloud: FakeCloud) -> None:
    error = failure(pickle.loads(pickle.dumps(of(cloud, an_assertion))), DeniedError)
    assert isinstance(error, DeniedError)
    assert error.code == "AuthenticationFail.SAMLAssertion.Invalid"


@pytest.mark.parametrize(
    ("lasts", "changes", "code"),
    [
        (-1, {}, "AuthenticationFail.SAMLAssertion.Expired"),
        (1, {"saml_provider_arn": IDP}, "EntityNotExist.SAMLProvider"),
        (1, {"role_arn": ROLE}, "EntityNotExist.RoleArn"),
    ],
)
def test_what_the_service_refuses_is_denied_with_its_code(cloud: FakeCloud, lasts: int, changes: dict[str, object], code: str) -> None:
    assertion = cloud.add_saml_assertion(lasts=lasts * HOUR)
    error = failure(of(cloud, lambda: assertion, **changes), DeniedError)
    assert isinstance(error, DeniedError)
    assert error.code == code
    assert assertion not in str(error)


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
        (faults.MissingField("Credentials"), MalformedResponseError),
        (faults.MissingField("SecurityToken"), MalformedResponseError),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, faults.Fault) else "",
)
def test_what_goes_wrong_has_a_type_of_its_own(cloud: FakeCloud, fault: faults.Fault, kind: type[ProviderError]) -> None:
    sts = StsClient(cloud.http_endpoint, http=HttpClient(read_timeout=patience(fault), trust_environment=False))
    made = of(cloud, cloud.add_saml_assertion, sts=sts)
    with cloud.faulty(fault):
        assert type(failure(made, kind)) is kind
    assert cloud.wait_for()
    assert cloud.count() == 1
    assert made.get().access_key_id == cloud.sessions[-1].access_key_id
