"""What the programs of this directory share: one provider in each process, and a call that is signed with what it holds."""

import asyncio
import os
from datetime import timedelta

from alicred import CachingProvider, CallerIdentity, Credential, EnvironmentProvider, RamRoleArnProvider, RefreshPolicy, StsClient

sts = StsClient(os.environ.get("ALIBABA_CLOUD_STS_ENDPOINT", "https://sts.aliyuncs.com"))
provider = CachingProvider(
    RamRoleArnProvider(EnvironmentProvider(), role_arn=os.environ["ALIBABA_CLOUD_ROLE_ARN"], sts=sts),
    refresh=RefreshPolicy(ahead=timedelta(minutes=30)),  # of a session of one hour: what a job gets is good for about half an hour
)


def call() -> dict[str, object]:
    """What a worker does with each request or job: any call that is signed. It asks the provider each time, and keeps nothing."""
    credential = provider.get()
    return report(credential, sts.get_caller_identity(credential))


async def call_in_task() -> dict[str, object]:
    """The same in a task: the event loop is never blocked."""
    credential = await provider.aget()
    return report(credential, await asyncio.to_thread(sts.get_caller_identity, credential))


def report(credential: Credential, identity: CallerIdentity) -> dict[str, object]:
    """For the tests of this page: who has worked, as whom, and with which key."""
    return {"worker": os.getpid(), "role": identity.arn, "key": credential.access_key_id, "fetches": provider.state().attempts}
