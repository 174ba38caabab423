"""A session of its own for each customer: as many roles as are needed, and never more calls than the account allows."""

import os

from alicred import Credential, RamRoleArnProvider, StsClient, default_provider
from alicred.policy import Limit
from alicred.pool import ProviderPool

own = default_provider()  # the identity that may assume the customers' roles
sts = StsClient(os.environ.get("ALIBABA_CLOUD_STS_ENDPOINT", "https://sts.aliyuncs.com"))
account = Limit(per_second=80, burst=20, concurrent=20)  # of the 100 calls a second that the account has


def role_of(customer: str) -> RamRoleArnProvider:
    """The source for one customer. It constructs an object, and calls no service."""
    return RamRoleArnProvider(own, role_arn=os.environ["CUSTOMER_ROLE_ARN"], role_session_name=f"customer-{customer}", sts=sts)


customers: ProviderPool[str, Credential] = ProviderPool(role_of, capacity=10_000, limit=account)


def handle(customer: str) -> str:
    """What the server does with each request."""
    return customers.get(customer).access_key_id


sessions = {handle(customer) for customer in ("anna", "ben", "anna", "carla", "ben")}
print(f"{len(sessions)} sessions; {customers.state().providers} providers, made {customers.state().made}")
