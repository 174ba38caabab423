"""Many roles of one account while the service hangs for all of them, refuses them, or only takes so many calls a second."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

import pytest

from alicred import (
    AlicredError,
    Backoff,
    Credential,
    HttpClient,
    RamRoleArnProvider,
    RefreshPolicy,
    RetryingProvider,
    RetryPolicy,
    StaticProvider,
    StsClient,
)
from alicred.limiting import LimitingProvider
from alicred.policy import Limit
from alicred.pool import ProviderPool
from alicred.testing import FakeCloud, faults
from tests.sharing.fleets import needs_make_fleet

pytestmark = needs_make_fleet

ROLES = 400


def pool_of(cloud: FakeCloud, limit: Limit, *, counts_retries: bool = False, max_wait: float = 30) -> ProviderPool[int, Credential]:
    key = StaticProvider(Credential(cloud.access_key.access_key_id, cloud.access_key.access_key_secret))
    sts = StsClient(cloud.http_endpoint, http=HttpClient(connect_timeout=timedelta(seconds=20), read_timeout=timedelta(seconds=20)))

    def make(number: int) -> RetryingProvider[Credential] | RamRoleArnProvider:
        role = RamRoleArnProvider(key, role_arn=cloud.role_arn, role_session_name=f"customer-{number}", sts=sts)
        if not counts_retries:
            return role
        no_pause = Backoff(initial=timedelta(0), maximum=timedelta(0))
        return RetryingProvider(LimitingProvider(role, limit), retry=RetryPolicy(attempts=3, backoff=no_pause))

    return ProviderPool(make, capacity=2 * ROLES, limit=limit, refresh=RefreshPolicy(max_wait=timedelta(seconds=max_wait)))


def refreshes() -> int:
    return sum(thread.name.startswith("alicred-refresh") for thread in threading.enumerate())


def test_hanging_for_all_it_has_no_more_threads_and_calls_than_the_limit(alicred_cloud: FakeCloud) -> None:
    pool = pool_of(alicred_cloud, Limit(concurrent=8), max_wait=1)
    before = threading.active_count()
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, refreshes())
            await asyncio.sleep(0.01)

    async def ask_all() -> list[Credential | BaseException]:
        watching = asyncio.create_task(watch())
        answers = await asyncio.gather(*(pool.aget(number) for number in range(ROLES)), return_exceptions=True)
        watching.cancel()
        return answers

    with alicred_cloud.faulty(faults.Hang(), operation="AssumeRole"):
        answers = asyncio.run(ask_all())
        assert {type(answer).__name__ for answer in answers} == {"RefreshTimeoutError"}
        assert most == 8
        assert alicred_cloud.count("AssumeRole") == 8
        assert refreshes() == 8
    alicred_cloud.release()

    async def again() -> list[Credential]:
        return await asyncio.gather(*(pool.aget(number, timedelta(seconds=60)) for number in range(ROLES)))

    assert len({credential.access_key_id for credential in asyncio.run(again())}) == ROLES
    assert alicred_cloud.count("AssumeRole") == ROLES, "each role once, in its first turn"
    pool.close()
    assert threading.active_count() <= before + 8


@pytest.mark.parametrize("counts_retries", [False, True])
def test_in_an_outage_the_account_gets_no_more_calls_a_second_than_allowed(alicred_cloud: FakeCloud, counts_retries: bool) -> None:
    pool = pool_of(alicred_cloud, Limit(per_second=50, concurrent=8), counts_retries=counts_retries, max_wait=2)

    async def ask_all() -> list[Credential | BaseException]:
        return await asyncio.gather(*(pool.aget(number) for number in range(ROLES)), return_exceptions=True)

    with alicred_cloud.faulty(faults.ServerError(503), operation="AssumeRole"):
        answers = asyncio.run(ask_all())
        pool.close()
    assert all(isinstance(answer, AlicredError) for answer in answers)
    times = sorted(call.at for call in alicred_cloud.calls if call.operation == "AssumeRole")
    assert len(times) > 20
    assert (
        max(sum(start <= time < start + 1 for time in times) for start in times) <= 50 + 8
    )  # those under way may be late, and arrive with the next ones
