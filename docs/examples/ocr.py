"""The OCR client under a provider: every request uses the current credential."""

import os

from alibabacloud_ocr20191230.client import Client
from alibabacloud_ocr20191230.models import GetAsyncJobResultRequest
from alibabacloud_tea_openapi.models import Config

from alicred import default_provider
from alicred.adapters import tea

provider = default_provider()
client = Client(
    Config(
        credential=tea(provider),
        endpoint=os.environ.get("OCR_ENDPOINT", "ocr.cn-shanghai.aliyuncs.com"),
        protocol=os.environ.get("OCR_PROTOCOL", "https"),
    )
)
response = client.get_async_job_result(GetAsyncJobResultRequest(job_id="my-job"))
print(response.status_code)
