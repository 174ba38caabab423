"""What a caller of the cache gets when its source fails, or returns what is no value."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from alicred import (
    AlicredError,
    CachingProvider,
    ChainError,
    ChainProvider,
    ConfigurationError,
    Credential,
    DeniedError,
    MalformedResponseError,
    NotConfiguredError,
    ProviderError,
    RefreshMode,
    RefreshPolicy,
    TransientError,
)
from alicred.testing import FakeClock
from tests.refresh.bench import DOWN, FIXED, Bench
from tests.strategies import EPOCH
from tests.support import HOUR, SECOND, Script


@pytest.mark.parametrize(
    "error",
    [
        NotConfiguredError("no variable is set"),
        ConfigurationError("half a pair"),
        ChainError("none"),
    ],
)
def test_what_never_left_the_machine_is_not_held_back(error: AlicredError) -> None:
    bench = Bench(error, error, HOUR)
    for _ in range(2):
        with pytest.raises(type(error)):
            bench.cache.get()
    assert bench.number() == 3


def test_a_chain_that_went_over_the_network_is_held_back() -> None:
    clock = FakeClock()
    source = Script(DOWN, clock=clock)
    cache = CachingProvider(ChainProvider(source), refresh=RefreshPolicy(failure_backoff=FIXED), clock=clock)
    for _ in range(5):
        with pytest.raises(TransientError):
            cache.get()
    assert source.calls == 1


def test_every_caller_gets_an_error_object_of_its_own() -> None:
    bench = Bench(DeniedError("no", provider="script", code="NoPermission", request_id="r-1", status=403))
    errors = []
    for _ in range(3):
        with pytest.raises(DeniedError) as caught:
            bench.cache.get()
        errors.append(caught.value)
    assert len({id(error) for error in errors}) == 3
    assert len({id(error.__cause__) for error in errors}) == 1
    assert {(e.code, e.request_id, e.status, e.provider) for e in errors} == {("NoPermission", "r-1", 403, "script")}
    assert bench.source.calls == 1


def test_an_error_of_the_users_own_type_is_shared_whatever_its_constructor_asks_for() -> None:
    class VaultSealed(ProviderError):
        def __init__(self, vault: str, shard: int) -> None:
            super().__init__(f"{vault} is sealed", code="Sealed")
            self.shard = shard

    bench = Bench(VaultSealed("blue", 3))
    for _ in range(2):
        with pytest.raises(VaultSealed, match="blue is sealed") as caught:
            bench.cache.get()
        assert (caught.value.shard, caught.value.code) == (3, "Sealed")


def test_a_foreign_exception_is_wrapped_with_its_cause_and_without_its_text() -> None:
    bench = Bench(RuntimeError("connection to db with password hunter2 failed"))
    with pytest.raises(ProviderError) as caught:
        bench.cache.get()
    text = str(caught.value)
    assert "RuntimeError" in text
    assert "hunter2" not in text
    assert bench.cache.state().consecutive_failures == 1
    flight_error = caught.value.__cause__
    assert isinstance(flight_error, ProviderError)
    assert isinstance(flight_error.__cause__, RuntimeError)


@pytest.mark.parametrize("lifetime", [timedelta(0), -SECOND, -timedelta(days=400)])
def test_a_value_that_has_ended_already_counts_as_a_failure(lifetime: timedelta) -> None:
    bench = Bench(lifetime)
    with pytest.raises(MalformedResponseError, match="Check the clock"):
        bench.cache.get()
    assert bench.cache.state().consecutive_failures == 1
    assert bench.cache.state().refreshes == 0


@pytest.mark.parametrize("value", [None, "token", 7, ("id", "secret")])
def test_a_source_that_returns_something_else_is_found_out(value: object) -> None:
    class Odd:
        name = "odd"

        def get(self) -> Credential:
            return value  # type: ignore[return-value]  # that is the point

    with pytest.raises(MalformedResponseError, match=rf"odd: get\(\) returned a {type(value).__name__}, which has no expires_at"):
        CachingProvider(Odd(), refresh=RefreshPolicy(mode=RefreshMode.INLINE)).get()


def test_a_value_without_a_time_zone_is_found_out() -> None:
    @attrs.frozen
    class Naive:
        expires_at = EPOCH.replace(tzinfo=None)

    class Odd:
        name = "odd"

        def get(self) -> Naive:
            return Naive()

    with pytest.raises(MalformedResponseError, match="time zone"):
        CachingProvider(Odd(), refresh=RefreshPolicy(mode=RefreshMode.INLINE)).get()
