# What alicred and its examples use of this package, and no more.
class PresignResult:
    method: str
    url: str
    signed_headers: dict[str, str]
