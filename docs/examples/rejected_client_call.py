"""A call of a Tea client is rejected for its credential: say so, and try once more with a fresh one."""

import os

from alibabacloud_ocr20191230.client import Client
from alibabacloud_ocr20191230.models import GetAsyncJobResultRequest, GetAsyncJobResultResponse
from alibabacloud_tea_openapi.models import Config

from alicred import AlicredError, default_provider
from alicred.adapters import tea

provider = default_provider()
client = Client(
    Config(
        credential=tea(provider),
        endpoint=os.environ.get("OCR_ENDPOINT", "ocr.cn-shanghai.aliyuncs.com"),
        protocol=os.environ.get("OCR_PROTOCOL", "https"),
    )
)


def get_result(job_id: str) -> GetAsyncJobResultResponse:
    request = GetAsyncJobResultRequest(job_id=job_id)
    used = provider.get()  # what the client is about to use; if it is replaced in between, invalidate() does nothing
    try:
        return client.get_async_job_result(request)
    except Exception as error:  # Tea.exceptions.TeaException, whose package has no types
        inner = getattr(error, "inner_exception", None)
        if isinstance(inner, AlicredError):  # the provider had no credential, so nothing was sent
            raise inner from None
        code = str(getattr(error, "code", ""))
        if not code.startswith(("InvalidSecurityToken", "InvalidAccessKeyId")):
            raise
    provider.invalidate(used)
    return client.get_async_job_result(request)


try:
    print(get_result("my-job").status_code)
except AlicredError as error:
    print("no credential:", error)
