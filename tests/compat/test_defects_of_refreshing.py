"""What the official package does wrong with keys that it keeps, done right. Each test is named in the table of docs/compat.md."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from alicred.testing import FakeCloud, faults
from tests.compat.support import Package, host_of, keys
from tests.support import in_threads, wait_until

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of how the official package asks for the time

HOUR = timedelta(hours=1)


def role(package: Package, cloud: FakeCloud, **more: Any) -> Any:
    given = {**keys(cloud), "role_arn": cloud.role_arn, "sts_endpoint": host_of(cloud), **more}
    return package.provider.RamRoleArnCredentialsProvider(**given)


def advance(cloud: FakeCloud, span: timedelta) -> None:
    cloud.clock.advance(span)  # type: ignore[attr-defined]  # a FakeClock


def key_id(provider: Any) -> Any:
    return provider.get_credentials().get_access_key_id()


def test_a_failed_refresh_leaves_the_key_in_use(
    timed: FakeCloud, ours: Package, official: Package, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = role(ours, timed)
    first = key_id(provider)
    advance(timed, HOUR - timedelta(seconds=30))  # a refresh is urgent, the key is good
    timed.inject(faults.Denied(), times=None)
    assert key_id(provider) == first
    asked = timed.count("AssumeRole")
    assert [key_id(provider) for _ in range(20)] == [first] * 20
    assert timed.count("AssumeRole") == asked, "nobody is asked again and again meanwhile"

    with FakeCloud(session=timedelta(minutes=10)) as cloud:  # so short that the official one refreshes at every call
        monkeypatch.setenv("SSL_CERT_FILE", cloud.ca_file)
        theirs = role(official, cloud)
        theirs.get_credentials()
        cloud.inject(faults.Denied(), times=None)
        with pytest.raises(official.exceptions.CredentialException):
            theirs.get_credentials()


def test_a_short_session_is_kept(cloud: FakeCloud, ours: Package, official: Package) -> None:
    cloud.session = timedelta(minutes=14)  # with 15 it would depend on the second in which the official one is run
    for package, requests in ((ours, 1), (official, 20)):
        provider, before = role(package, cloud), cloud.count()
        for _ in range(20):
            provider.get_credentials()
        assert cloud.count() - before == requests


def test_no_key_is_served_after_its_end(timed: FakeCloud, ours: Package) -> None:
    provider = ours.provider.EcsRamRoleCredentialsProvider(async_update_enabled=False)
    first = key_id(provider)
    advance(timed, HOUR - timedelta(seconds=1))
    timed.inject(faults.ServerError(), times=None)
    assert key_id(provider) == first
    advance(timed, timedelta(seconds=2))
    with pytest.raises(ours.exceptions.CredentialException):
        provider.get_credentials()


def test_a_step_of_the_wall_clock_moves_no_end(timed: FakeCloud, ours: Package) -> None:
    provider = role(ours, timed)
    first = key_id(provider)
    timed.clock.step_wall(-2 * HOUR)  # type: ignore[attr-defined]  # a FakeClock
    advance(timed, HOUR + timedelta(minutes=1))
    assert key_id(provider) != first


def test_threads_share_one_request(cloud: FakeCloud, ours: Package) -> None:
    provider = role(ours, cloud)
    cloud.inject(faults.Latency(timedelta(seconds=0.5)))
    assert len(set(in_threads(64, lambda: key_id(provider)))) == 1
    assert cloud.count("AssumeRole") == 1


def test_tasks_share_one_request_and_the_loop_goes_on(cloud: FakeCloud, ours: Package) -> None:
    provider = role(ours, cloud)

    async def main() -> set[Any]:
        cloud.inject(faults.Hang(), operation="AssumeRole")
        asking = asyncio.gather(*(provider.get_credentials_async() for _ in range(100)))
        assert await asyncio.to_thread(cloud.wait_for, "AssumeRole")  # the loop turns while the answer is not there
        assert not asking.done()
        cloud.release()
        return {each.get_access_key_id() for each in await asking}

    assert len(asyncio.run(main())) == 1
    assert cloud.count("AssumeRole") == 1


def test_the_default_chain_keeps_the_end(instance: FakeCloud, ours: Package) -> None:
    for reuse in (True, False):
        found = ours.provider.DefaultCredentialsProvider(reuse_last_provider_enabled=reuse).get_credentials()
        assert found.get_provider_name() == "default/ecs_ram_role"
        assert found.get_expiration() == int(instance.sessions[-1].ends_at.timestamp())


class Rotating:
    """Anybody's provider that hands out a new key at every call."""

    def __init__(self, credentials: Callable[..., Any]) -> None:
        self._credentials = credentials
        self._lock = threading.Lock()
        self.calls = 0

    def get_credentials(self) -> Any:
        with self._lock:
            self.calls += 1
            number = self.calls
        names = ("access_key_id", "access_key_secret", "security_token")
        return self._credentials(**{name: f"{name}-{number}" for name in names}, provider_name="rotating")

    async def get_credentials_async(self) -> Any:
        await asyncio.sleep(0)
        return self.get_credentials()

    def get_provider_name(self) -> str:
        return "rotating"


def numbers(*parts: str | None) -> set[str]:
    return {(part or "").rpartition("-")[2] for part in parts}


def test_parts_that_are_asked_for_one_by_one_belong_together(ours: Package, official: Package) -> None:
    for package, together in ((ours, 1), (official, 3)):
        client = package.of("client").Client(provider=Rotating(package.of("provider.refreshable").Credentials))
        for _ in range(3):
            assert len(numbers(client.get_access_key_id(), client.get_access_key_secret(), client.get_security_token())) == together


def test_parts_of_several_threads_and_tasks_do_not_mix(ours: Package) -> None:
    client = ours.of("client").Client(provider=Rotating(ours.of("provider.refreshable").Credentials))

    def read() -> bool:
        return all(
            len(numbers(client.get_access_key_id(), client.get_access_key_secret(), client.get_security_token())) == 1 for _ in range(100)
        )

    async def read_async() -> bool:
        found = await client.get_access_key_id_async(), await client.get_access_key_secret_async(), await client.get_security_token_async()
        return len(numbers(*found)) == 1

    async def main() -> list[bool]:
        return await asyncio.gather(*(read_async() for _ in range(40)))

    assert in_threads(8, read) == [True] * 8
    assert asyncio.run(main()) == [True] * 40


# --- what must be saved -------------------------------------------------------------------------------------------------------------


def login(package: Package, cloud: FakeCloud, **callbacks: Any) -> Any:
    found = cloud.add_oauth_login()
    return package.provider.OAuthCredentialsProvider(
        client_id=found.client_id, sign_in_url=cloud.http_endpoint, refresh_token=found.refresh_token, **callbacks
    )


def test_a_callback_is_called_for_threads_and_tasks(cloud: FakeCloud, ours: Package) -> None:
    saved: list[tuple[Any, ...]] = []

    async def save_async(*what: Any) -> None:
        await asyncio.sleep(0)
        saved.append(what)

    def save(*what: Any) -> None:
        saved.append(what)

    login(ours, cloud, token_update_callback=save).get_credentials()
    asyncio.run(login(ours, cloud, token_update_callback=save).get_credentials_async())
    login(ours, cloud, token_update_callback_async=save_async).get_credentials()
    asyncio.run(login(ours, cloud, token_update_callback_async=save_async).get_credentials_async())
    assert [len(what) for what in saved] == [7] * 4
    sessions = {each.access_key_id: int(each.ends_at.timestamp()) for each in cloud.sessions}
    for refresh_token, access_token, id_, secret, token, token_ends, ends in saved:
        assert refresh_token
        assert access_token
        assert secret
        assert token
        assert sessions[id_] == ends
        assert token_ends > 0


def test_renewed_tokens_are_handed_over_even_if_no_key_comes(cloud: FakeCloud, ours: Package, official: Package) -> None:
    for package, handed_over in ((ours, True), (official, False)):
        saved: list[tuple[Any, ...]] = []
        provider = login(package, cloud, token_update_callback=lambda *what, saved=saved: saved.append(what))
        with cloud.faulty(faults.Denied("NoPermission"), operation="OAuthExchange"), pytest.raises(package.exceptions.CredentialException):
            provider.get_credentials()
        assert bool(saved) == handed_over
        if saved:
            assert [type(part) for part in saved[0]] == [str] * 5 + [int] * 2
            assert saved[0][2:5] == ("", "", "")


def test_a_refresh_runs_ahead_of_the_end_and_no_caller_waits(timed: FakeCloud, ours: Package) -> None:
    provider = role(ours, timed)
    first = key_id(provider)
    advance(timed, timedelta(minutes=58))
    assert timed.count("AssumeRole") == 1
    with timed.faulty(faults.Hang()):
        assert key_id(provider) == first  # at once: the refresh hangs
        assert timed.wait_for("AssumeRole", count=2)
    wait_until(lambda: key_id(provider) != first)
    assert timed.count("AssumeRole") == 2
