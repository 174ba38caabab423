"""Errors: types to decide by, texts to act on."""

from __future__ import annotations

import copy
import pickle
import traceback
from datetime import timedelta

import pytest

import alicred
from alicred import (
    AlicredError,
    ChainError,
    ClosedError,
    ConfigurationError,
    DeniedError,
    MalformedResponseError,
    NotConfiguredError,
    ProviderError,
    RefreshTimeoutError,
    SourceReport,
    TransientError,
)
from alicred.errors import SourceOutcome, copy_for_caller

DETAILS = {"provider": "vault", "code": "NoPermission", "request_id": "r-1", "status": 403}
TREE = {
    ConfigurationError: (AlicredError, ValueError),
    NotConfiguredError: (AlicredError,),
    ProviderError: (AlicredError,),
    TransientError: (ProviderError,),
    DeniedError: (ProviderError,),
    MalformedResponseError: (ProviderError,),
    RefreshTimeoutError: (ProviderError,),
    ChainError: (AlicredError,),
    ClosedError: (AlicredError,),
}


@pytest.mark.parametrize(("kind", "bases"), TREE.items())
def test_the_tree_is_as_documented(kind: type[AlicredError], bases: tuple[type, ...]) -> None:
    assert all(issubclass(kind, base) for base in bases)
    assert getattr(alicred, kind.__name__) is kind


@pytest.mark.parametrize("kind", TREE)
def test_each_takes_a_message_and_the_name_of_its_provider(kind: type[AlicredError]) -> None:
    assert str(kind("it broke")) == "it broke"
    error = kind("it broke", provider="vault")
    assert str(error) == "vault: it broke"
    assert (error.provider, error.message) == ("vault", "it broke")


@pytest.mark.parametrize("kind", [kind for kind in TREE if issubclass(kind, ProviderError)])
def test_what_a_service_said_is_kept_and_shown(kind: type[ProviderError]) -> None:
    error = kind("no", retry_after=timedelta(seconds=3), **DETAILS)  # type: ignore[arg-type]
    assert {name: getattr(error, name) for name in DETAILS} == DETAILS
    assert error.retry_after == timedelta(seconds=3)
    assert str(error) == "vault: no [NoPermission, HTTP 403, request r-1]"
    assert error.retryable is (kind in (TransientError, RefreshTimeoutError))
    assert kind("no", retryable=True).retryable
    assert not kind("no", retryable=False).retryable


REPORTS = (
    SourceReport(
        name="env", outcome=SourceOutcome.NOT_CONFIGURED, detail="ALIBABA_CLOUD_ACCESS_KEY_ID is not set", error=NotConfiguredError("x")
    ),
    SourceReport(name="ecs_ram_role", outcome=SourceOutcome.FAILED, detail="timed out", error=TransientError("y"), seconds=1.0),
)


def test_the_text_of_a_chain_error_is_a_list() -> None:
    assert str(ChainError("no source has a credential:", reports=REPORTS, provider="default")).splitlines() == [
        "default: no source has a credential:",
        "  - env: not configured: ALIBABA_CLOUD_ACCESS_KEY_ID is not set",
        "  - ecs_ram_role: failed: timed out",
    ]


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError("bad", provider="p"),
        DeniedError("no", **DETAILS),  # type: ignore[arg-type]
        TransientError("down", retry_after=timedelta(seconds=1)),
        ChainError("none", reports=REPORTS),
        ClosedError("closed"),
    ],
)
def test_errors_travel_between_processes_with_every_detail(error: AlicredError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        if not isinstance(error, ChainError):
            assert twin.__dict__ == error.__dict__
        else:
            assert [str(report) for report in twin.reports] == [str(report) for report in error.reports]


@pytest.mark.parametrize("kind", TREE)
def test_every_error_has_a_code_for_the_label_of_a_metric(kind: type[AlicredError]) -> None:
    assert kind("no").code is None
    error = pickle.loads(pickle.dumps(kind("no", code="NoPermission")))
    assert (type(error), error.code, error.message) == (kind, "NoPermission", "no")


def test_python_knows_a_time_out_and_a_wrong_value() -> None:
    assert issubclass(RefreshTimeoutError, TimeoutError)
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(ChainError, ProviderError)
    assert RefreshTimeoutError("waited", provider="a").retryable
    assert str(copy_for_caller(RefreshTimeoutError("waited", provider="a"))) == "a: waited"


@pytest.mark.parametrize("kind", TREE)
def test_every_error_names_its_public_module(kind: type[AlicredError]) -> None:
    assert kind.__module__ == "alicred"
    assert f"alicred.{kind.__name__}: no" in "".join(traceback.format_exception(kind("no")))
