import os

from alicred import default_provider
from alicred.adapters import ossfs, ossfs_aio

provider = default_provider()
endpoint = os.environ.get("OSS_ENDPOINT", "https://oss-cn-hangzhou.aliyuncs.com")
region = os.environ.get("OSS_REGION", "cn-hangzhou")
bucket = os.environ["OSS_BUCKET"]

files = ossfs(provider, endpoint, region=region)
with files.open(f"{bucket}/hello.txt", "wb") as file:
    file.write(b"hello")
print(files.cat_file(f"{bucket}/hello.txt").decode())

# The asynchronous file system, here used without await: it writes and reads many files at once.
many = ossfs_aio(provider, endpoint, region=region)
many.pipe({f"{bucket}/{number}.txt": str(number).encode() for number in range(5)})
print(sorted(text.decode() for text in many.cat([f"{bucket}/{number}.txt" for number in range(5)]).values()))
