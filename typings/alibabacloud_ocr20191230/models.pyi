# What alicred and its examples use of this untyped package, and no more.
class GetAsyncJobResultRequest:
    def __init__(self, job_id: str | None = None) -> None: ...

class GetAsyncJobResultResponseBodyData:
    job_id: str | None
    status: str | None
    result: str | None

class GetAsyncJobResultResponseBody:
    request_id: str | None
    data: GetAsyncJobResultResponseBodyData | None

class GetAsyncJobResultResponse:
    status_code: int | None
    headers: dict[str, str] | None
    body: GetAsyncJobResultResponseBody | None
    def to_map(self) -> dict[str, object]: ...
