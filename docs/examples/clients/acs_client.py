"""An AcsClient under a provider: every request uses the current credential, with a security token or without."""

import os

from aliyunsdkcore.request import CommonRequest

from alicred import default_provider
from alicred.adapters import sdk_core_client

provider = default_provider()
client = sdk_core_client(provider, "cn-hangzhou", port=int(os.environ.get("API_PORT", "443")))
request = CommonRequest(domain=os.environ.get("API_HOST", "ecs.aliyuncs.com"), version="2014-05-26", action_name="DescribeRegions")
request.set_protocol_type(os.environ.get("API_PROTOCOL", "https"))
print(client.do_action_with_exception(request).decode())
