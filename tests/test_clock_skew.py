"""A machine whose clock is hours off: it gets working credentials, uses none past its end, and does not fetch on every call."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alicred import (
    AlicredError,
    CachingProvider,
    EcsRamRoleProvider,
    OidcRoleArnProvider,
    RamRoleArnProvider,
    RefreshMode,
    RefreshPolicy,
    StaticProvider,
)
from alicred.testing import FakeClock, FakeCloud, faults

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
POLICY = RefreshPolicy(mode=RefreshMode.INLINE, jitter=0)


@pytest.mark.parametrize("off", [3 * HOUR, -3 * HOUR, timedelta(days=400), -timedelta(days=400), 20 * MINUTE, timedelta(seconds=30)])
def test_a_role_is_assumed_kept_and_dropped_in_time(off: timedelta) -> None:
    clock = FakeClock()
    with FakeCloud(clock=clock, session=HOUR) as cloud:
        sts = cloud.sts_client(clock=clock)
        clock.step_wall(off)
        source = RamRoleArnProvider(StaticProvider(cloud.access_key), role_arn=cloud.role_arn, sts=sts)
        cache = CachingProvider(source, refresh=POLICY, clock=clock)
        first = cache.get()
        assert sts.get_caller_identity(first).identity_type == "AssumedRoleUser"
        for _ in range(200):
            assert cache.get() is first
            clock.advance(timedelta(seconds=13))  # 43 minutes in all: before the refresh is due
        assert len([session for session in cloud.sessions if session.operation == "AssumeRole"]) == 1
        with cloud.faulty(faults.ServerError(503), operation="AssumeRole"):
            clock.advance(16 * MINUTE)
            assert cache.get() is first
            clock.advance(MINUTE)
            with pytest.raises(AlicredError):
                cache.get()
        assert clock.true_time() >= cloud.sessions[0].ends_at
        clock.advance(2 * MINUTE)
        assert cache.get() != first


@pytest.mark.parametrize("off", [3 * HOUR, -3 * HOUR])
def test_an_unsigned_call_teaches_the_time_too(off: timedelta, tmp_path: object) -> None:
    clock = FakeClock()
    with FakeCloud(clock=clock) as cloud:
        clock.step_wall(off)
        token = f"{tmp_path}/token"
        with open(token, "w", encoding="utf-8") as file:
            file.write(cloud.add_oidc_token())
        source = OidcRoleArnProvider(
            role_arn=cloud.role_arn, oidc_provider_arn=cloud.oidc_provider_arn, oidc_token_file=token, sts=cloud.sts_client(clock=clock)
        )
        cache = CachingProvider(source, refresh=POLICY, clock=clock)
        assert len({id(cache.get()) for _ in range(50)}) == 1
        assert cloud.count("AssumeRoleWithOIDC") <= 2


@pytest.mark.parametrize("asked", [False, True])
@pytest.mark.parametrize("off", [-8 * HOUR, 2 * HOUR])
def test_a_clock_that_is_put_right_after_the_first_call_makes_no_outage_and_nothing_expired(off: timedelta, asked: bool) -> None:
    clock = FakeClock()
    with FakeCloud(clock=clock, session=6 * HOUR) as cloud:
        cache = CachingProvider(EcsRamRoleProvider(imds=cloud.imds_client()), refresh=POLICY, clock=clock)
        clock.step_wall(off)
        key = cache.get()
        if asked:
            cloud.sts_client(clock=clock).get_caller_identity(key)
        clock.step_wall(-off)
        for _ in range(24 * 60):
            clock.advance(MINUTE)
            ends_at = cache.get().expires_at
            assert ends_at is not None
            assert ends_at > clock.true_time()
        assert clock.skew == timedelta(0)
        assert cloud.count("MetadataCredential") < 10


@pytest.mark.parametrize("off", [3 * HOUR, -3 * HOUR])
def test_what_a_pause_of_the_machine_has_voided_is_learned_again_at_the_next_call(off: timedelta) -> None:
    clock = FakeClock()
    with FakeCloud(clock=clock) as cloud:
        sts = cloud.sts_client(clock=clock)
        clock.step_wall(off)
        sts.get_caller_identity(cloud.access_key)
        clock.pause(10 * MINUTE)
        assert clock.skew == timedelta(0)
        sts.get_caller_identity(cloud.access_key)  # refused for its time stamp, and sent once more
        assert abs(clock.skew + off) < timedelta(seconds=2)


def test_over_plain_http_nothing_is_learned_about_the_time() -> None:
    clock = FakeClock()
    with FakeCloud(clock=clock) as cloud:
        clock.step_wall(3 * HOUR)
        cloud.attach_instance_role(cloud.role_arn.rpartition("/")[2])
        cloud.imds_client().role_name()
        assert clock.skew == timedelta(0)
