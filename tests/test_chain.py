"""Chains."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from typing import Any

import pytest

from alicred import (
    AlicredError,
    BearerToken,
    ChainError,
    ChainPolicy,
    ChainProvider,
    ConfigurationError,
    Credential,
    DeniedError,
    EnvironmentProvider,
    MalformedResponseError,
    NotConfiguredError,
    OnError,
    ProviderError,
    TransientError,
)
from alicred.errors import SourceOutcome
from alicred.events import ChainResolved, Event, SourceSkipped
from tests.strategies import EPOCH, credential
from tests.support import HOUR, Pickled, Recorder, Script

ABSENT = NotConfiguredError("VAULT_ADDR is not set", provider="script")
BROKEN = DeniedError("the vault is sealed", provider="script")
CONTINUE = ChainPolicy(on_error=OnError.CONTINUE)


def named(name: str, *steps: object) -> Script:
    script = Script(*steps)
    script.name = name
    return script


def test_the_first_source_that_has_a_credential_wins() -> None:
    first, second, third = named("a", ABSENT), named("b", HOUR), named("c", HOUR)
    assert ChainProvider(first, second, third).get().access_key_id == "id-1"
    assert (first.calls, second.calls, third.calls) == (1, 1, 0)


def test_what_is_not_set_up_is_passed_over_under_every_policy() -> None:
    for on_error in OnError:
        chain = ChainProvider(named("a", ABSENT), named("b", HOUR), chain=ChainPolicy(on_error=on_error))
        assert chain.get().access_key_id == "id-1"


@pytest.mark.parametrize("error", [BROKEN, TransientError("down"), ConfigurationError("half a pair"), ProviderError("no")])
def test_a_source_that_is_set_up_and_broken_stops_the_chain(error: AlicredError) -> None:
    last = named("b", HOUR)
    with pytest.raises(type(error)) as caught:
        ChainProvider(named("a", error), last).get()
    assert caught.value is error
    assert last.calls == 0


def test_on_request_the_chain_goes_on_after_it() -> None:
    assert ChainProvider(named("a", BROKEN), named("b", HOUR), chain=CONTINUE).get().access_key_id == "id-1"


def test_if_no_source_has_one_the_error_lists_what_each_said() -> None:
    with pytest.raises(ChainError) as caught:
        ChainProvider(named("a", ABSENT), named("b", BROKEN), chain=CONTINUE, name="mine").get()
    error = caught.value
    assert [(r.name, r.outcome, r.error) for r in error.reports] == [
        ("a", SourceOutcome.NOT_CONFIGURED, ABSENT),
        ("b", SourceOutcome.FAILED, BROKEN),
    ]
    assert "mine: no source has a credential" in str(error)
    assert "a: not configured: script: VAULT_ADDR is not set" in str(error)


def test_a_foreign_exception_is_a_failure_with_its_cause() -> None:
    cause = RuntimeError("password hunter2")
    with pytest.raises(ProviderError) as caught:
        ChainProvider(named("a", cause), named("b", HOUR)).get()
    assert caught.value.__cause__ is cause
    assert caught.value.provider == "a"
    assert "RuntimeError" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_winner_is_asked_alone_from_then_on() -> None:
    first, second = named("a", ABSENT, HOUR), named("b", HOUR, BROKEN)
    chain = ChainProvider(first, second)
    chain.get()
    with pytest.raises(DeniedError):
        chain.get()
    assert (first.calls, second.calls) == (1, 2)


def test_no_source_is_remembered_before_it_has_won() -> None:
    first, second = named("a", ABSENT, HOUR), named("b", BROKEN)
    chain = ChainProvider(first, second)
    with pytest.raises(DeniedError):
        chain.get()
    assert chain.get().access_key_id == "id-2"
    assert (first.calls, second.calls) == (2, 1)


def test_on_request_every_call_walks_from_the_beginning() -> None:
    first, second = named("a", ABSENT), named("b", HOUR)
    chain = ChainProvider(first, second, chain=ChainPolicy(sticky=False))
    assert [chain.get().access_key_id for _ in range(3)] == ["id-1", "id-2", "id-3"]
    assert first.calls == 3


def test_a_name_goes_before_the_name_of_what_was_found() -> None:
    found = Credential("id", "secret", provider_name="cli_profile/ram_role_arn")
    assert ChainProvider(named("a", found), name="default").get().provider_name == "default/cli_profile/ram_role_arn"
    assert ChainProvider(named("a", found)).get().provider_name == "chain/cli_profile/ram_role_arn"
    assert ChainProvider(named("a", HOUR), name="default").get().provider_name == "default"
    assert (ChainProvider(named("a")).name, ChainProvider(named("a"), name="default").name) == ("chain", "default")


def test_the_value_keeps_everything_else() -> None:
    value = credential(7)
    assert ChainProvider(named("a", value), name="x").get() == value


def test_bearer_tokens_chain_as_well() -> None:
    class Tokens:
        name = "tokens"

        def get(self) -> BearerToken:
            return BearerToken("t", provider_name="vault")

    assert ChainProvider(Tokens(), name="x").get().provider_name == "x/vault"


def test_explain_asks_every_source_and_raises_nothing() -> None:
    sources = [named("a", ABSENT), named("b", BROKEN), named("c", HOUR), named("d", None), named("e", RuntimeError("hunter2"))]
    chain = ChainProvider(*sources)
    reports = chain.explain()
    assert [(r.name, r.outcome.name) for r in reports] == [
        ("a", "NOT_CONFIGURED"), ("b", "FAILED"), ("c", "FOUND"), ("d", "FOUND"), ("e", "FAILED"),
    ]  # fmt: skip
    assert [source.calls for source in sources] == [1] * 5
    text = "\n".join(map(str, reports))
    assert "secret-" not in text
    assert "token-" not in text
    assert "hunter2" not in text
    assert "c: found: access key id id-1, valid until" in text
    assert "d: found: access key id id-1, without an end" in text
    assert all(report.seconds >= 0 for report in reports)
    assert all("\n" not in str(report) for report in reports)


def test_a_report_says_what_was_found_and_names_its_source_once() -> None:
    class Tokens:
        name = "b"

        def get(self) -> BearerToken:
            return BearerToken("t", EPOCH)

    key = Credential("id", "secret", None, EPOCH)
    reports = ChainProvider(named("a", key), Tokens(), named("script", ABSENT)).explain()  # type: ignore[type-var]  # of two kinds
    assert [str(report) for report in reports] == [
        "a: found: access key id id, valid until 2026-01-01 00:00:00 UTC",
        "b: found: BearerToken, valid until 2026-01-01 00:00:00 UTC",
        "script: not configured: VAULT_ADDR is not set",
    ]


def test_a_report_says_how_long_its_source_took() -> None:
    def slow(step: object) -> Callable[[], object]:
        def take_a_while() -> object:
            time.sleep(0.02)
            return step

        return take_a_while

    reports = ChainProvider(named("a", slow(HOUR)), named("b", slow(ABSENT))).explain()
    assert [report.outcome for report in reports] == [SourceOutcome.FOUND, SourceOutcome.NOT_CONFIGURED]
    for report in reports:
        assert 0.02 <= report.seconds < 50


def test_explaining_makes_no_winner() -> None:
    first, second = named("a", ABSENT, HOUR), named("b", HOUR)
    chain = ChainProvider(first, second)
    chain.explain()
    assert chain.get().access_key_id == "id-2"
    assert second.calls == 1


def test_a_listener_is_told_who_was_passed_over_and_who_won() -> None:
    heard = Recorder()
    ChainProvider(named("a", ABSENT), named("b", HOUR), listener=heard, name="mine").get()
    assert heard.events == [
        SourceSkipped(provider_name="mine", source="a", error=ABSENT),
        ChainResolved(provider_name="mine", source="b"),
    ]


class Sealed:
    name = "vault"

    def get(self) -> Credential:
        raise BROKEN


HEARD: list[Event] = []


def hear(event: Event) -> None:
    HEARD.append(event)


def test_it_can_be_pickled_and_shown() -> None:
    HEARD.clear()
    chain = ChainProvider(Sealed(), Pickled(), chain=CONTINUE, listener=hear, name="mine")
    twin = pickle.loads(pickle.dumps(chain))
    assert twin.get() == chain.get()
    assert repr(twin) == repr(chain) == "<ChainProvider mine: vault, pickled>"
    assert [type(event) for event in HEARD] == [SourceSkipped, ChainResolved] * 2


@pytest.mark.parametrize("sources", [(None,), (Pickled(), "env"), (Pickled,), (credential(),)])
def test_what_is_no_provider_is_refused(sources: tuple[object, ...]) -> None:
    with pytest.raises(ConfigurationError, match=r"^ChainProvider\.sources must be a provider"):
        ChainProvider(*sources)  # type: ignore[arg-type]  # that is the point


def test_a_chain_of_nothing_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^ChainProvider needs at least one source$"):
        ChainProvider()


def test_what_is_no_policy_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^ChainProvider\.chain must be a ChainPolicy"):
        ChainProvider(Pickled(), chain="stop")  # type: ignore[arg-type]  # that is the point


def test_what_is_no_listener_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^ChainProvider\.listener must be None or a function"):
        ChainProvider(Pickled(), listener="print")  # type: ignore[arg-type]  # that is the point


@pytest.mark.parametrize("value", [None, "token", ("id", "secret")])
def test_what_is_no_value_is_a_failure_of_its_source(value: object) -> None:
    class Odd:
        name = "odd"

        def get(self) -> Credential:
            return value  # type: ignore[return-value]  # that is the point

    chain = ChainProvider(Odd())
    [report] = chain.explain()
    assert report.outcome is SourceOutcome.FAILED
    assert "has no expires_at" in report.detail
    with pytest.raises(MalformedResponseError) as caught:
        chain.get()
    assert caught.value.provider == "odd"
    with pytest.raises(ConfigurationError, match=r"ChainProvider\.name must be a string"):
        ChainProvider(Odd(), name=3)  # type: ignore[arg-type]  # that is the point


def test_a_nested_chain_in_which_nothing_is_set_up_counts_as_not_set_up() -> None:
    inner = ChainProvider(EnvironmentProvider({}), ChainProvider(EnvironmentProvider({})), name="inner")
    chain = ChainProvider(inner, Script())
    assert chain.get().access_key_id == "id-1"
    with pytest.raises(ChainError):
        inner.get()
    failing = ChainProvider(EnvironmentProvider({}), Script(DeniedError("no")), chain=ChainPolicy(on_error=OnError.CONTINUE))
    with pytest.raises(ChainError):
        ChainProvider(failing, Script()).get()


def test_an_event_says_when_the_source_changes() -> None:
    first = Script(HOUR, HOUR, NotConfiguredError("gone"), HOUR)
    first.name = "first"
    heard = Recorder()
    chain = ChainProvider(first, Script(), chain=ChainPolicy(sticky=False), name="mine", listener=heard)
    for _ in range(4):
        chain.get()
    assert [event.changed for event in heard.of(ChainResolved)] == [True, False, True, True]


@pytest.mark.parametrize("wrong", ["", 3, None])
def test_a_chain_has_a_name(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"ChainProvider\.name"):
        ChainProvider(Script(), name=wrong)


@pytest.mark.parametrize("several", [[Script(), Script()], (Script(),)])
def test_sources_in_a_list_are_refused_with_advice(several: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"not a (list|tuple)\. Give the providers one by one"):
        ChainProvider(several)
