from __future__ import annotations

import pickle
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import Any

import pytest

from alicred import ChainProvider, StaticProvider
from alicred.credential import Credential
from alicred.errors import AlicredError, ConfigurationError, DeniedError, NotConfiguredError, TransientError
from alicred.sources.ecs_ram_role import EcsRamRoleProvider
from alicred.wire.imds import ImdsClient
from tests.wire.metadata import Metadata, metadata
from tests.wire.servers import Reply

GOOD = Credential("STS.id", "planted-1", "planted-2", datetime(2030, 1, 2, 3, 4, 5, tzinfo=timezone.utc))
NAME, DISABLED, V1_DISABLED = "ALIBABA_CLOUD_ECS_METADATA", "ALIBABA_CLOUD_ECS_METADATA_DISABLED", "ALIBABA_CLOUD_IMDSV1_DISABLED"


@pytest.fixture
def service() -> Iterator[Metadata]:
    with metadata() as running:
        yield running


@pytest.fixture
def imds(service: Metadata) -> ImdsClient:
    return ImdsClient(service.server.url)


@pytest.fixture
def nowhere(closed_port: int) -> ImdsClient:
    return ImdsClient(f"http://127.0.0.1:{closed_port}")


def failure(provider: EcsRamRoleProvider) -> AlicredError:
    with pytest.raises(AlicredError) as caught:
        provider.get()
    assert caught.value.provider == "ecs_ram_role"
    assert "planted" not in f"{caught.value}{caught.value!r}{caught.value.__cause__}"
    return caught.value


def test_the_role_is_found_by_itself(service: Metadata, imds: ImdsClient) -> None:
    found = EcsRamRoleProvider(imds=imds).get()
    assert found == GOOD
    assert found.provider_name == "ecs_ram_role"
    assert service.steps == "TNK"


def test_a_named_role_saves_a_request(service: Metadata, imds: ImdsClient) -> None:
    assert EcsRamRoleProvider(" role", imds=imds).get() == GOOD
    assert service.steps == "TK"


def test_nothing_is_kept_but_the_token(service: Metadata, imds: ImdsClient) -> None:
    provider = EcsRamRoleProvider(imds=imds)
    provider.get()
    provider.get()
    assert service.steps == "TNKNK"


@pytest.mark.parametrize("allow", [True, False])
def test_v1_is_asked_only_if_allowed(service: Metadata, imds: ImdsClient, allow: bool) -> None:
    service.token_reply = Reply(404, b"")
    provider = EcsRamRoleProvider("role", allow_imds_v1=allow, imds=imds)
    if allow:
        assert provider.get() == GOOD
    else:
        failure(provider)
    assert service.steps == ("Tk" if allow else "T")


def test_no_metadata_service_and_no_named_role_is_not_set_up(nowhere: ImdsClient) -> None:
    error = failure(EcsRamRoleProvider(imds=nowhere))
    assert isinstance(error, NotConfiguredError)
    assert "no ECS instance" in str(error)


def test_no_metadata_service_for_a_named_role_is_transient(nowhere: ImdsClient) -> None:
    error = failure(EcsRamRoleProvider("role", imds=nowhere))
    assert isinstance(error, TransientError)
    assert error.code == "Unreachable"


def test_a_metadata_service_that_goes_away_is_transient() -> None:
    with metadata() as service:
        imds = ImdsClient(service.server.url)
        EcsRamRoleProvider(imds=imds).get()
    error = failure(EcsRamRoleProvider(imds=imds))  # also for another provider with the same client, as profiles make one for each get()
    assert isinstance(error, TransientError)


def test_a_metadata_service_that_breaks_off_is_transient(service: Metadata, imds: ImdsClient) -> None:
    service.token_reply = Reply(500, b"")
    service.listing = Reply(500, b"")
    assert isinstance(failure(EcsRamRoleProvider(imds=imds)), TransientError)


def test_an_instance_without_a_role_is_not_set_up(service: Metadata, imds: ImdsClient) -> None:
    service.listing = Reply(404, b"")
    assert isinstance(failure(EcsRamRoleProvider(imds=imds)), NotConfiguredError)


def test_a_role_that_is_not_attached_is_denied(imds: ImdsClient) -> None:
    assert isinstance(failure(EcsRamRoleProvider("other", imds=imds)), DeniedError)


# --- the environment ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["parameter", "variable", "listing"])
def test_a_role_that_is_not_attached_is_no_reason_for_a_chain_to_slide(by: str, service: Metadata, imds: ImdsClient) -> None:
    if by == "listing":
        service.listing = Reply(body=b"other\n")
    source = (
        EcsRamRoleProvider.from_environment({NAME: "other"}, imds=imds)
        if by == "variable"
        else EcsRamRoleProvider("other" if by == "parameter" else None, imds=imds)
    )
    with pytest.raises(DeniedError, match="no role of that name"):
        ChainProvider(source, StaticProvider(Credential("another", "identity"))).get()


@pytest.mark.parametrize("name", [".", "..", " .. "])
def test_a_name_that_means_another_path_is_refused(name: str, service: Metadata, imds: ImdsClient) -> None:
    with pytest.raises(ConfigurationError, match=r"EcsRamRoleProvider\.role_name"):
        EcsRamRoleProvider(name, imds=imds)
    with pytest.raises(ConfigurationError, match=NAME):
        EcsRamRoleProvider.from_environment({NAME: name}, imds=imds).get()
    assert service.steps == ""


def test_variables_are_read_at_each_get(service: Metadata, imds: ImdsClient, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = EcsRamRoleProvider.from_environment(imds=imds)
    provider.get()
    assert service.steps == "TNK"
    monkeypatch.setenv(NAME, " role\n")
    provider.get()
    assert service.steps == "TNKK"
    monkeypatch.setenv(DISABLED, "TRUE")
    error = failure(provider)
    assert isinstance(error, NotConfiguredError)
    assert DISABLED in str(error)
    assert service.steps == "TNKK"
    monkeypatch.setenv(DISABLED, "false")
    provider.get()


@pytest.mark.parametrize(
    ("environ", "steps"), [({}, "TnTk"), ({V1_DISABLED: "false"}, "TnTk"), ({V1_DISABLED: "true"}, "T"), ({NAME: "role"}, "Tk")]
)
def test_a_given_environment_is_the_one_that_counts(
    service: Metadata, imds: ImdsClient, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], steps: str
) -> None:
    monkeypatch.setenv(DISABLED, "true")
    service.token_reply = Reply(404, b"")
    provider = EcsRamRoleProvider.from_environment(environ, imds=imds)
    if steps == "T":
        failure(provider)
    else:
        assert provider.get() == GOOD
    assert service.steps == steps


def test_a_role_named_by_a_variable_must_be_reachable(nowhere: ImdsClient) -> None:
    assert isinstance(failure(EcsRamRoleProvider.from_environment({NAME: "role"}, imds=nowhere)), TransientError)
    assert isinstance(failure(EcsRamRoleProvider.from_environment({NAME: " "}, imds=nowhere)), NotConfiguredError)


def test_a_variable_with_a_control_character_is_named(imds: ImdsClient) -> None:
    error = failure(EcsRamRoleProvider.from_environment({NAME: "planted\0"}, imds=imds))
    assert isinstance(error, ConfigurationError)
    assert NAME in str(error)


# --- parameters ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong", [{"role_name": ""}, {"role_name": "planted\n"}, {"role_name": 3}, {"allow_imds_v1": "planted"}, {"imds": "planted"}]
)
def test_a_wrong_parameter_is_named(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=rf"EcsRamRoleProvider\.{next(iter(wrong))}") as caught:
        EcsRamRoleProvider(**wrong)
    assert "planted" not in str(caught.value)


def test_a_wrong_environment_is_refused() -> None:
    wrong: Any = "planted"
    with pytest.raises(ConfigurationError, match="environ"):
        EcsRamRoleProvider.from_environment(wrong)


def test_a_pickled_provider_asks_the_same_service(service: Metadata, imds: ImdsClient) -> None:
    for provider in (EcsRamRoleProvider("role", imds=imds), EcsRamRoleProvider.from_environment(imds=imds)):
        provider.get()
        pickled = pickle.dumps(provider)
        assert b"planted" not in pickled
        twin = pickle.loads(pickled)
        assert twin.get() == GOOD
        assert (twin.name, repr(twin)) == (provider.name, repr(provider))
