# What alicred and its examples use of this package, and no more.
from collections.abc import Sequence
from types import TracebackType

from .credentials import CredentialsProvider

class OTSClient:
    def __init__(
        self,
        end_point: str,
        access_key_id: str | None = None,
        access_key_secret: str | None = None,
        instance_name: str | None = None,
        credentials_provider: CredentialsProvider | None = None,
        region: str | None = None,
    ) -> None: ...
    def list_table(self) -> Sequence[str]: ...

class AsyncOTSClient:
    def __init__(
        self,
        end_point: str,
        access_key_id: str | None = None,
        access_key_secret: str | None = None,
        instance_name: str | None = None,
        credentials_provider: CredentialsProvider | None = None,
        region: str | None = None,
    ) -> None: ...
    async def list_table(self) -> Sequence[str]: ...
    async def __aenter__(self) -> AsyncOTSClient: ...
    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None: ...
