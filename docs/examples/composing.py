"""A chain of your own, a role assumed with what it finds, and policies that say how to keep it."""

from datetime import timedelta

from alicred import (
    Backoff,
    CachingProvider,
    ChainProvider,
    EcsRamRoleProvider,
    EnvironmentProvider,
    ProfileFileProvider,
    RamRoleArnProvider,
    RefreshPolicy,
    RetryingProvider,
    RetryPolicy,
)

retry = RetryPolicy(attempts=3, budget=timedelta(seconds=10))
own = ChainProvider(
    EnvironmentProvider(),
    ProfileFileProvider(),
    RetryingProvider(EcsRamRoleProvider(), retry=retry),
)
# The key that assumes the role is cached too, so that a refresh of the role does not fetch it again.
reports = RamRoleArnProvider(
    CachingProvider(own),
    role_arn="acs:ram::123456789012:role/reports",
    role_session_name="nightly",
    session_policy={"Version": "1", "Statement": [{"Effect": "Allow", "Action": "oss:Get*", "Resource": "*"}]},
)
provider = CachingProvider(
    RetryingProvider(reports, retry=retry),
    refresh=RefreshPolicy(
        ahead=timedelta(minutes=10),
        failure_backoff=Backoff(initial=timedelta(seconds=2), maximum=timedelta(minutes=1)),
        max_wait=timedelta(seconds=5),
    ),
)
print(provider.name, provider.state().phase)
