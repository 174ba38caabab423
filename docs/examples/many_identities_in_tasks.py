"""Five hundred customers at one moment: tasks wait without blocking the loop, and refreshes wait for their turn without a thread."""

import asyncio
import os
import threading

from alicred import Credential, RamRoleArnProvider, RetryingProvider, StsClient, default_provider
from alicred.limiting import LimitingProvider
from alicred.policy import Limit
from alicred.pool import ProviderPool

own = default_provider()
sts = StsClient(os.environ.get("ALIBABA_CLOUD_STS_ENDPOINT", "https://sts.aliyuncs.com"))
account = Limit(per_second=400, burst=20, concurrent=4)


def role_of(customer: int) -> RetryingProvider[Credential]:
    """With retries, of which each counts: the same limit stands inside them too."""
    role = RamRoleArnProvider(own, role_arn=os.environ["CUSTOMER_ROLE_ARN"], role_session_name=f"customer-{customer}", sts=sts)
    return RetryingProvider(LimitingProvider(role, account))


async def main() -> None:
    customers = ProviderPool(role_of, limit=account)
    asking = asyncio.gather(*(customers.aget(number) for number in range(500)))
    await asyncio.sleep(0.2)
    refreshes = sum(thread.name == "alicred-refresh-ram_role_arn" for thread in threading.enumerate())
    print(f"at most 4 threads: {refreshes <= 4}; some wait for their turn: {customers.state().waiting > 0}")
    print(f"{len({credential.access_key_id for credential in await asking})} sessions")


asyncio.run(main())
