# What alicred and its examples use of this untyped package, and no more.
from alibabacloud_ocr20191230 import models
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_util.models import RuntimeOptions

class Client:
    def __init__(self, config: Config) -> None: ...
    def get_async_job_result(self, request: models.GetAsyncJobResultRequest) -> models.GetAsyncJobResultResponse: ...
    def get_async_job_result_with_options(
        self, request: models.GetAsyncJobResultRequest, runtime: RuntimeOptions
    ) -> models.GetAsyncJobResultResponse: ...
    async def get_async_job_result_async(
        self, request: models.GetAsyncJobResultRequest
    ) -> models.GetAsyncJobResultResponse: ...
    async def get_async_job_result_with_options_async(
        self, request: models.GetAsyncJobResultRequest, runtime: RuntimeOptions
    ) -> models.GetAsyncJobResultResponse: ...
