# What alicred and its examples use of this untyped package, and no more.
class CredentialModel:
    access_key_id: str
    provider_name: str
    access_key_secret: str
    security_token: str | None
    def get_access_key_id(self) -> str: ...
