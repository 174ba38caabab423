"""A bearer token from the profile file, for a Tea client."""

import os

from alibabacloud_ocr20191230.client import Client
from alibabacloud_ocr20191230.models import GetAsyncJobResultRequest
from alibabacloud_tea_openapi.models import Config

from alicred import BearerProfileProvider, CachingProvider
from alicred.adapters import tea

# When the token ends is not known, so the file is read again every five minutes.
provider = CachingProvider(BearerProfileProvider(profile="call-centre"))
client = Client(
    Config(
        credential=tea(provider),
        endpoint=os.environ.get("OCR_ENDPOINT", "ocr.cn-shanghai.aliyuncs.com"),
        protocol=os.environ.get("OCR_PROTOCOL", "https"),
    )
)
response = client.get_async_job_result(GetAsyncJobResultRequest(job_id="my-job"))
print(provider.get().provider_name, response.status_code)
