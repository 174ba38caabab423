"""Tests of somebody's that freeze time, with freezegun and with time-machine: what waits goes on, and nothing of it is left afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta, timezone
from functools import partial

import freezegun
import pytest
import time_machine

from alicred import (
    SYSTEM_CLOCK,
    Backoff,
    CachingProvider,
    RefreshPolicy,
    RefreshTimeoutError,
    RetryingProvider,
    RetryPolicy,
    TransientError,
)
from alicred._internal.real_time import monotonic
from alicred.adapters.last_fetch import LastFetch
from alicred.clock import SystemClock
from alicred.refresh import snapshot
from alicred.testing import FakeCloud
from tests.strategies import credential
from tests.support import HOUR, SECOND, Gate, Script, wait_until

Freeze = Callable[[], AbstractContextManager[object]]
MINUTE = timedelta(minutes=1)
DATES = {"2012": datetime(2012, 1, 14, tzinfo=timezone.utc), "2050": datetime(2050, 6, 1, tzinfo=timezone.utc)}
TOOLS = {
    "freezegun": lambda date: freezegun.freeze_time(date),
    "freezegun, ticking": lambda date: freezegun.freeze_time(date, tick=True),
    "time-machine": lambda date: time_machine.travel(date, tick=False),
    "time-machine, ticking": lambda date: time_machine.travel(date, tick=True),
}
pytestmark = pytest.mark.parametrize(
    "freeze", [pytest.param(partial(tool, date), id=f"{name}-{year}") for name, tool in TOOLS.items() for year, date in DATES.items()]
)


def really_now() -> datetime:
    return datetime.now(timezone.utc)


def test_the_clocks_that_bound_waiting_go_on(freeze: Freeze) -> None:
    with freeze():
        assert really_now().year in (2012, 2050), "time is frozen"
        clocks = (monotonic, SYSTEM_CLOCK.monotonic, SystemClock().monotonic)
        before = [clock() for clock in clocks]
        time.sleep(0.02)
        during = [clock() for clock in clocks]
    after = [clock() for clock in clocks]
    assert all(0.015 < second - first < 30 for first, second in zip(before, during, strict=True))
    assert all(0 <= third - second < 30 for second, third in zip(during, after, strict=True))


def test_what_was_learned_while_it_was_frozen_is_void_afterwards(freeze: Freeze) -> None:
    clock, now = SystemClock(), really_now()
    with freeze():
        clock.observe(now)
        assert abs(clock.utcnow() - now) < MINUTE
        assert abs(clock.skew) > 1000 * HOUR
    assert clock.skew == timedelta(0)
    assert abs(clock.utcnow() - really_now()) < MINUTE


def test_what_was_learned_before_is_void_while_it_is_frozen_and_counts_again_afterwards(freeze: Freeze) -> None:
    clock = SystemClock()
    clock.observe(really_now() + HOUR)
    with freeze():
        assert clock.skew == timedelta(0)
        assert abs(clock.utcnow() - really_now()) < MINUTE
    assert abs(clock.skew - HOUR) < SECOND


def test_a_fetch_from_a_real_service_in_a_frozen_test_leaves_nothing_wrong_behind(freeze: Freeze, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "WALL_CHECK_SECONDS", 0.0)
    end = really_now() + 1.5 * SECOND
    clock = SystemClock()
    source = Script(lambda: credential(1, SECOND, end - SECOND), lambda: credential(2, HOUR, end))
    cache = CachingProvider(source, refresh=RefreshPolicy(failure_backoff=Backoff(initial=timedelta(0))), clock=clock)
    with freeze():
        clock.observe(end - SECOND)  # over TLS, as each answer of the service
        assert cache.get().access_key_id == "id-1"
    assert cache.get().expires_at is not None
    wait_until(lambda: really_now() >= end)
    assert cache.get().access_key_id == "id-2", "nothing that has ended is served"
    assert cache.state().consecutive_failures == 0


@pytest.mark.filterwarnings("ignore:System time is way off:urllib3.exceptions.SystemTimeWarning")
def test_tls_to_a_fake_cloud_that_was_started_meanwhile_works(freeze: Freeze) -> None:
    with freeze(), FakeCloud() as cloud:
        assert cloud.sts_client().get_caller_identity(cloud.access_key).account_id


def test_no_caller_waits_longer_than_max_wait(freeze: Freeze) -> None:
    gate = Gate()
    cache = CachingProvider(Script(gate), refresh=RefreshPolicy(max_wait=timedelta(milliseconds=50)))
    with freeze():
        began = monotonic()
        with pytest.raises(RefreshTimeoutError):
            cache.get()
        cache.close()
        assert monotonic() - began < 20
    gate.opened.set()


def test_retries_come_to_their_end(freeze: Freeze) -> None:
    source = Script(TransientError("down"))
    policy = RetryPolicy(attempts=1000, budget=timedelta(milliseconds=200), backoff=Backoff(initial=timedelta(milliseconds=20), jitter=0))
    with freeze(), pytest.raises(TransientError):
        RetryingProvider(source, retry=policy).get()
    assert source.calls < 12


def test_parts_of_a_key_do_not_belong_together_for_ever(freeze: Freeze) -> None:
    class Owner:
        pass

    owner, last = Owner(), LastFetch[str]("frozen", seconds=0.01)
    with freeze():
        last.remember(owner, "a")
        time.sleep(0.05)
        assert last.recall(owner) is None
