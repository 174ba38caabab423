# What alicred and its examples use of this package, and no more.
class GetObjectResult:
    def read(self, amt: int | None = None) -> bytes: ...

class PutObjectResult:
    etag: str
