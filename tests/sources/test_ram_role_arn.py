from __future__ import annotations

import json
import pickle
import re
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

from alicred.credential import BearerToken, Credential
from alicred.errors import AlicredError, ConfigurationError, DeniedError, NotConfiguredError, ProviderError
from alicred.sources import EnvironmentProvider, RamRoleArnProvider, StaticProvider
from alicred.testing import FakeCloud
from alicred.wire.http import HttpClient
from alicred.wire.sts import StsClient
from tests.recording_sts import ENDS_AT, HOUR, SESSION, RecordingSts

ROLE = "acs:ram::1:role/test"
SOURCE = StaticProvider(Credential("source-id", "planted-secret"))
NAME_VARIABLE = "ALIBABA_CLOUD_ROLE_SESSION_NAME"


def provider(sts: object = None, **changes: Any) -> RamRoleArnProvider:
    return RamRoleArnProvider(**{"source": SOURCE, "role_arn": ROLE, "sts": sts or RecordingSts(), **changes})


def test_it_asks_the_source_and_then_the_service_with_what_it_was_given() -> None:
    sts = RecordingSts()
    made = provider(
        sts,
        role_session_name="me.@_-9",
        duration=timedelta(minutes=20),
        session_policy='{"Version": "1"}',
        external_id="partner",
    )
    found = made.get()
    assert found == SESSION
    assert (found.provider_name, found.expires_at, made.name) == ("ram_role_arn/static_ak", ENDS_AT, "ram_role_arn")
    assert sts.calls == [
        {
            "operation": "assume_role",
            "credential": SOURCE.get(),
            "role_arn": ROLE,
            "role_session_name": "me.@_-9",
            "duration": timedelta(minutes=20),
            "session_policy": '{"Version": "1"}',
            "external_id": "partner",
        }
    ]


def test_what_is_not_given_is_an_hour_without_policy_and_external_id() -> None:
    sts = RecordingSts()
    provider(sts).get()
    (call,) = sts.calls
    assert (call["duration"], call["session_policy"], call["external_id"]) == (HOUR, None, None)


def test_it_asks_both_at_every_call_and_keeps_nothing() -> None:
    class Counting:
        name = "counting"
        calls = 0

        def get(self) -> Credential:
            self.calls += 1
            return Credential(f"id-{self.calls}", "secret")

    source, sts = Counting(), RecordingSts()
    made = provider(sts, source=source)
    made.get()
    made.get()
    assert [call["credential"].access_key_id for call in sts.calls] == ["id-1", "id-2"]


# --- the session's name -------------------------------------------------------------------------------------------------------------


def test_the_session_is_named_after_the_millisecond_for_as_long_as_the_provider_lives() -> None:
    sts = RecordingSts()
    made = provider(sts)
    made.get()
    made.get()
    again = pickle.loads(pickle.dumps(provider(StsClient())))
    names = {call["role_session_name"] for call in sts.calls}
    assert len(names) == 1
    assert re.fullmatch(r"alicred-1[0-9]{12}", names.pop())
    assert re.fullmatch(r"alicred-1[0-9]{12}", again._session.resolve({}))
    assert again._session.resolve({}) == pickle.loads(pickle.dumps(again))._session.resolve({})


def test_the_argument_names_the_session_before_the_variable_does(monkeypatch: pytest.MonkeyPatch) -> None:
    sts = RecordingSts()
    made, named = provider(sts), provider(sts, role_session_name="argument")
    monkeypatch.setenv(NAME_VARIABLE, " variable\n")
    made.get()
    named.get()
    monkeypatch.setenv(NAME_VARIABLE, "")
    made.get()
    assert [call["role_session_name"] for call in sts.calls[:2]] == ["variable", "argument"]
    assert sts.calls[2]["role_session_name"].startswith("alicred-")


BAD_NAMES = ["x", "x" * 65, "a b", "a/b", "é" * 3, "aa\n", "a:b"]


@pytest.mark.parametrize("name", [*BAD_NAMES, "", 7, b"name"])
def test_a_session_name_outside_its_range_is_refused(name: object) -> None:
    with pytest.raises(ConfigurationError, match=r"RamRoleArnProvider\.role_session_name must be 2 to 64 characters"):
        provider(role_session_name=name)


@pytest.mark.parametrize("name", ["x", "x" * 65, "a b", "a/b", "é" * 3])
def test_a_variable_with_such_a_name_is_refused_when_it_counts(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sts = RecordingSts()
    made = provider(sts)
    monkeypatch.setenv(NAME_VARIABLE, name)
    with pytest.raises(ConfigurationError, match=rf"^ram_role_arn: {NAME_VARIABLE} must be 2 to 64 characters"):
        made.get()
    assert sts.calls == []
    provider(sts, role_session_name="argument").get()


@pytest.mark.parametrize("name", ["xy", "x" * 64, "A.z@_-0"])
def test_a_session_name_inside_its_range_is_taken(name: str) -> None:
    sts = RecordingSts()
    provider(sts, role_session_name=name).get()
    assert sts.calls[0]["role_session_name"] == name


# --- the policy ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "sent"),
    [
        ('{ "Version": "1" }', '{ "Version": "1" }'),
        ({"Version": "1", "Statement": [{"Resource": "é"}]}, '{"Version":"1","Statement":[{"Resource":"é"}]}'),
        (MappingProxyType({"Version": "1"}), '{"Version":"1"}'),
    ],
)
def test_a_policy_is_sent_as_it_is_or_as_json(policy: object, sent: str) -> None:
    sts = RecordingSts()
    provider(sts, session_policy=policy).get()
    assert sts.calls[0]["session_policy"] == sent


def test_a_mapping_is_written_once() -> None:
    sts = RecordingSts()
    policy = {"Version": "1"}
    made = provider(sts, session_policy=policy)
    policy["Version"] = "2"
    made.get()
    assert json.loads(sts.calls[0]["session_policy"]) == {"Version": "1"}


# --- bad parameters -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"role_arn": ""}, r"\.role_arn is empty"),
        ({"role_arn": " "}, r"\.role_arn is empty"),
        ({"role_arn": None}, r"\.role_arn must be a string, not NoneType"),
        ({"role_arn": "planted\nplanted"}, r"\.role_arn holds a control character"),
        ({"duration": timedelta(seconds=899)}, r"\.duration must be a datetime\.timedelta of 900 s to 43200 s"),
        ({"duration": timedelta(seconds=43201)}, r"\.duration must be a datetime\.timedelta of 900 s to 43200 s"),
        ({"duration": 3600}, r"\.duration must be a datetime\.timedelta of 900 s to 43200 s"),
        ({"duration": None}, r"\.duration must be a datetime\.timedelta of 900 s to 43200 s"),
        ({"session_policy": ""}, r"\.session_policy is empty"),
        ({"session_policy": " \n"}, r"\.session_policy is empty"),
        ({"session_policy": ["planted"]}, r"\.session_policy must be a JSON string, a mapping or None, not list"),
        ({"session_policy": "planted"}, r"\.session_policy is no JSON object"),
        ({"session_policy": '["planted"]'}, r"\.session_policy is no JSON object"),
        ({"session_policy": '{"planted": 1'}, r"\.session_policy is no JSON object"),
        ({"session_policy": "[" * 100_000 + "planted"}, r"\.session_policy is no JSON object"),
        ({"role_arn": "planted"}, r"\.role_arn is no ARN of a role\. Give acs:ram::<account>:role/<name>"),
        ({"role_arn": "acs:ram::planted:role/x"}, r"\.role_arn is no ARN of a role"),
        ({"role_arn": "acs:ram::1:user/planted"}, r"\.role_arn is no ARN of a role"),
        ({"role_arn": "acs:ram::1:role/"}, r"\.role_arn is no ARN of a role"),
        ({"role_arn": f" {ROLE}"}, r"\.role_arn is no ARN of a role"),
        ({"session_policy": {"planted": {1, 2}}}, r"\.session_policy cannot be written as JSON"),
        ({"session_policy": '{"planted": NaN}'}, r"\.session_policy is no JSON object"),
        ({"role_arn": "acs:ram::1:role/planted\u200b"}, r"\.role_arn is no ARN of a role"),
        ({"role_arn": "acs:ram::1:role/.."}, r"\.role_arn is no ARN of a role"),
        ({"session_policy": {"planted": float("nan")}}, r"\.session_policy cannot be written as JSON"),
        ({"session_policy": {"planted": "\ud800"}}, r"\.session_policy holds half a character"),
        ({"external_id": ""}, r"\.external_id is empty"),
        ({"external_id": 7}, r"\.external_id must be a string, not int"),
        ({"source": None}, r"\.source must be a provider, an object with a name and a get\(\) method, not None"),
        ({"source": Credential("id", "planted")}, r"\.source must be a provider"),
        ({"sts": "https://planted"}, r"\.sts must be None or have a method assume_role\(\)"),
    ],
)
def test_a_bad_parameter_is_named_with_its_range(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^RamRoleArnProvider" + words) as caught:
        provider(**changes)
    assert "planted" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("seconds", [900, 43200])
def test_the_shortest_and_the_longest_duration_are_taken(seconds: int) -> None:
    sts = RecordingSts()
    provider(sts, duration=timedelta(seconds=seconds)).get()
    assert sts.calls[0]["duration"] == timedelta(seconds=seconds)


# --- failures -----------------------------------------------------------------------------------------------------------------------


def test_a_source_that_is_not_set_up_says_so_itself() -> None:
    with pytest.raises(NotConfiguredError, match=r"^env: ALIBABA_CLOUD_ACCESS_KEY_ID") as caught:
        provider(source=EnvironmentProvider({})).get()
    assert caught.value.__cause__ is None


class Broken:
    name = "vault"

    def get(self) -> Credential:
        raise KeyError("planted")


def test_a_source_that_raises_something_else_becomes_a_typed_error() -> None:
    with pytest.raises(ProviderError, match=r"^vault: the source raised KeyError") as caught:
        provider(source=Broken()).get()
    assert "planted" not in str(caught.value)
    assert isinstance(caught.value.__cause__, KeyError)


class Wrong:
    name = "vault"

    def get(self) -> BearerToken:
        return BearerToken("planted")


def test_a_source_that_gives_something_else_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^ram_role_arn: the source must give a Credential, not BearerToken$"):
        provider(source=Wrong()).get()


def test_a_denial_says_which_source_was_denied() -> None:
    sts = RecordingSts(DeniedError("AssumeRole was denied", code="NoPermission", request_id="R", status=403))
    with pytest.raises(DeniedError, match=r"^ram_role_arn: AssumeRole was denied \[NoPermission, HTTP 403, request R\]$"):
        provider(sts).get()


def test_it_shows_no_secret_and_no_policy() -> None:
    text = repr(provider(session_policy='{"planted": 1}', external_id="planted"))
    assert ROLE in text
    assert "planted" not in text


# --- against a cloud ----------------------------------------------------------------------------------------------------------------


def test_a_role_is_assumed_and_assumes_another_one() -> None:
    with FakeCloud() as cloud:
        sts = StsClient(cloud.endpoint, http=HttpClient(ca_file=cloud.ca_file))
        first = cloud.add_role("first")
        second = cloud.add_role("second", trusts=[first], external_id="partner")
        inner = RamRoleArnProvider(StaticProvider(cloud.access_key), role_arn=first, sts=sts)
        outer = RamRoleArnProvider(inner, role_arn=second, external_id="partner", sts=sts)
        found = outer.get()
        assert sts.get_caller_identity(found).arn.startswith("acs:ram::")
        assert "assumed-role/second" in sts.get_caller_identity(found).arn
        assert found.provider_name == "ram_role_arn/ram_role_arn/fake_cloud"
        denied = RamRoleArnProvider(inner, role_arn=second, sts=sts)
        with pytest.raises(DeniedError) as caught:
            denied.get()
        assert caught.value.provider == "ram_role_arn"
        assert caught.value.request_id


def test_without_a_client_the_environment_names_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []
    sts = RecordingSts()

    def choose(endpoint: str, **choice: Any) -> RecordingSts:
        asked.append({"endpoint": endpoint, **choice})
        return sts

    monkeypatch.setattr("alicred.wire.sts.StsClient", choose)
    made = RamRoleArnProvider(SOURCE, role_arn=ROLE)
    assert asked == [], "nothing is chosen before get()"
    made.get()
    made.get()
    assert [choice["endpoint"] for choice in asked] == ["https://sts.aliyuncs.com"] * 2
    assert asked[0]["http"] is asked[1]["http"], "one HTTP client serves the provider for life"


def test_a_pickled_provider_works_in_its_new_home() -> None:
    with FakeCloud() as cloud:
        sts = StsClient(cloud.endpoint, http=HttpClient(ca_file=cloud.ca_file))
        made = RamRoleArnProvider(StaticProvider(cloud.access_key), role_arn=cloud.role_arn, session_policy={"Version": "1"}, sts=sts)
        made.get()
        again = pickle.loads(pickle.dumps(made))
        assert again.get().security_token
        assert cloud.count("AssumeRole") == 2


def test_every_failure_is_a_typed_error() -> None:
    with FakeCloud() as cloud:
        sts = StsClient(cloud.endpoint, http=HttpClient(ca_file=cloud.ca_file))
        cloud.revoke(cloud.access_key.access_key_id)
        with pytest.raises(AlicredError) as caught:
            RamRoleArnProvider(StaticProvider(cloud.access_key), role_arn=cloud.role_arn, sts=sts).get()
        assert cloud.access_key.access_key_secret not in str(caught.value)
