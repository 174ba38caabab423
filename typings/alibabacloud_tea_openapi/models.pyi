# What alicred and its examples use of this untyped package, and no more.
from alicred.adapters import TeaCredential

class Config:
    def __init__(
        self,
        *,
        access_key_id: str | None = None,
        access_key_secret: str | None = None,
        security_token: str | None = None,
        credential: TeaCredential | None = None,
        endpoint: str | None = None,
        protocol: str | None = None,
        region_id: str | None = None,
        ca: str | None = None,
        read_timeout: int | None = None,
        connect_timeout: int | None = None,
    ) -> None: ...
