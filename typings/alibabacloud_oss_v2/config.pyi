# What alicred and its examples use of this package, and no more.
from .types import CredentialsProvider

class Config:
    region: str | None
    endpoint: str | None
    signature_version: str | None
    credentials_provider: CredentialsProvider | None
    def __init__(
        self,
        region: str | None = None,
        endpoint: str | None = None,
        signature_version: str | None = None,
        credentials_provider: CredentialsProvider | None = None,
    ) -> None: ...

def load_default() -> Config: ...
