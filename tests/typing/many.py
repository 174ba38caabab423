"""A server of many customers, as mypy and pyright see it. Checked in strict mode, never run."""

from __future__ import annotations

from datetime import timedelta

from typing_extensions import assert_type

from alicred import CachingProvider, Credential, Provider, RefreshPolicy, RetryingProvider, StaticProvider
from alicred.events import Event, TurnAwaited
from alicred.limiting import LimitingProvider
from alicred.policy import Limit
from alicred.pool import PoolState, ProviderPool

account = Limit(per_second=80, burst=20, concurrent=20)


def role_of(customer: int) -> RetryingProvider[Credential]:
    return RetryingProvider(LimitingProvider(StaticProvider(Credential(f"id-{customer}", "secret")), account, name="role"))


def listen(event: Event) -> None:
    if isinstance(event, TurnAwaited):
        assert_type(event.seconds, float)
        assert_type(event.waiting, int)


def pooled() -> None:
    with ProviderPool(
        role_of, capacity=10, idle=timedelta(minutes=5), refresh=RefreshPolicy(), limit=account, listener=listen
    ) as customers:
        assert_type(customers, ProviderPool[int, Credential])
        held = customers.get(1)
        assert_type(held, Credential)
        assert_type(customers.get(1, timedelta(seconds=1)), Credential)
        assert_type(customers.provider(1), CachingProvider[Credential])
        assert_type(customers.invalidate(1, held), bool)
        assert_type(customers.drop(1), bool)
        assert_type(customers.state(), PoolState)
        assert_type(account.concurrent, int | None)


async def in_tasks(customers: ProviderPool[str, Credential]) -> None:
    assert_type(await customers.aget("anna"), Credential)
    assert_type(await customers.aget("anna", timedelta(seconds=1)), Credential)


def limited(source: Provider[Credential]) -> None:
    provider = LimitingProvider(source, account)
    assert_type(provider, LimitingProvider[Credential])
    assert_type(provider.get(), Credential)
    assert_type(CachingProvider(provider).get(), Credential)
