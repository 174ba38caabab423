"""The OCR client in tasks: the event loop is never blocked, and all tasks share one refresh."""

import asyncio
import os

from alibabacloud_ocr20191230.client import Client
from alibabacloud_ocr20191230.models import GetAsyncJobResultRequest
from alibabacloud_tea_openapi.models import Config

from alicred import default_provider
from alicred.adapters import tea


async def main() -> None:
    client = Client(
        Config(
            credential=tea(default_provider()),
            endpoint=os.environ.get("OCR_ENDPOINT", "ocr.cn-shanghai.aliyuncs.com"),
            protocol=os.environ.get("OCR_PROTOCOL", "https"),
        )
    )
    requests = [GetAsyncJobResultRequest(job_id=f"job-{number}") for number in range(10)]
    responses = await asyncio.gather(*(client.get_async_job_result_async(request) for request in requests))
    print([response.status_code for response in responses])


asyncio.run(main())
