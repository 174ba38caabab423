# What alicred and its examples use of this package, and no more.
from abc import ABC, abstractmethod
from datetime import datetime

class Credentials:
    access_key_id: str
    access_key_secret: str
    security_token: str | None
    expiration: datetime | None
    def __init__(
        self, access_key_id: str, access_key_secret: str, security_token: str | None = None, expiration: datetime | None = None
    ) -> None: ...
    def has_keys(self) -> bool: ...
    def is_expired(self) -> bool: ...

class CredentialsProvider(ABC):
    @abstractmethod
    def get_credentials(self) -> Credentials: ...
