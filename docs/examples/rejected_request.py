"""A request of your own is rejected for its credential: say so, and try once more with a fresh one."""

import os

from alicred import CachingProvider, CallerIdentity, Credential, DeniedError, StsClient, default_provider

sts = StsClient(os.environ.get("ALIBABA_CLOUD_STS_ENDPOINT", "https://sts.aliyuncs.com"))


def who_am_i(provider: CachingProvider[Credential]) -> CallerIdentity:
    credential = provider.get()
    try:
        return sts.get_caller_identity(credential)  # or any request that is signed with this credential
    except DeniedError as error:
        if not (error.code or "").startswith(("InvalidSecurityToken", "InvalidAccessKeyId")):
            raise  # no permission, for example: a fresh credential of the same role has none either
    provider.invalidate(credential)  # this one; if another thread has done so already, nothing happens
    return sts.get_caller_identity(provider.get())


print(who_am_i(default_provider()).identity_type)
