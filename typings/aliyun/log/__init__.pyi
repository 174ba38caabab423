# What alicred and its examples use of this package, and no more.
from typing import Any

from .credentials import CredentialsProvider
from .getlogsresponse import GetLogsResponse
from .putlogsresponse import PutLogsResponse

class LogException(Exception):
    def __init__(
        self, errorCode: str, errorMessage: str, requestId: str = ..., resp_status: int = ..., resp_header: object = ..., resp_body: object = ...
    ) -> None: ...
    def get_error_code(self) -> str: ...
    def get_error_message(self) -> str: ...
    def get_resp_status(self) -> int: ...

class LogItem:
    def __init__(self, timestamp: int | None = None, contents: list[tuple[str, str]] | None = None, time_nano_part: int | None = None) -> None: ...

class PutLogsRequest:
    def __init__(
        self,
        project: str | None = None,
        logstore: str | None = None,
        topic: str | None = None,
        source: str | None = None,
        logitems: list[LogItem] | None = None,
        hashKey: str | None = None,
        compress: bool = True,
        logtags: list[tuple[str, str]] | None = None,
        compress_type: str | None = None,
    ) -> None: ...

class LogClient:
    def __init__(
        self,
        endpoint: str,
        accessKeyId: str | None = None,
        accessKey: str | None = None,
        securityToken: str | None = None,
        source: str | None = None,
        auth_version: str = "v1",
        region: str = "",
        credentials_provider: CredentialsProvider | None = None,
    ) -> None: ...
    def get_log(
        self,
        project: str,
        logstore: str,
        from_time: int | str,
        to_time: int | str,
        topic: str | None = None,
        query: str | None = None,
        reverse: bool = False,
        offset: int = 0,
        size: int = 100,
    ) -> GetLogsResponse: ...
    def put_logs(self, request: PutLogsRequest) -> PutLogsResponse: ...
    def set_user_agent(self, user_agent: str) -> None: ...
    def _send(self, *args: Any, **kwargs: Any) -> Any: ...
