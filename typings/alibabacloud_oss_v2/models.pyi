# What alicred and its examples use of this package, and no more.
from typing import Any

class PutObjectRequest:
    def __init__(self, bucket: str | None = None, key: str | None = None, *, body: bytes | str | None = None) -> None: ...

class PutObjectResult:
    etag: str | None

class GetObjectRequest:
    def __init__(self, bucket: str | None = None, key: str | None = None) -> None: ...

class GetObjectResult:
    body: Any  # what its read() returns has to be awaited if the client is the asynchronous one
