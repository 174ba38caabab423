import os
from datetime import timedelta

import oss2

from alicred import adapters, default_provider

provider = default_provider()
endpoint = os.environ.get("OSS_ENDPOINT", "https://oss-cn-hangzhou.aliyuncs.com")
region = os.environ.get("OSS_REGION", "cn-hangzhou")
name = os.environ["OSS_BUCKET"]

bucket = oss2.Bucket(oss2.ProviderAuthV4(adapters.oss2(provider)), endpoint, name, region=region)
bucket.put_object("hello.txt", b"hello")
print(bucket.get_object("hello.txt").read().decode())

# A URL ends with the credential that signed it: have one that lasts as long.
lasting = timedelta(minutes=50)
links = oss2.Bucket(oss2.ProviderAuthV4(adapters.oss2(provider, valid_for=lasting)), endpoint, name, region=region)
url = links.sign_url("GET", "hello.txt", int(lasting.total_seconds()), slash_safe=True)
print(url.partition("?")[0])
