# What alicred and its examples use of this package, and no more.
from . import http as http
from .auth import ProviderAuth as ProviderAuth
from .auth import ProviderAuthV2 as ProviderAuthV2
from .auth import ProviderAuthV4 as ProviderAuthV4
from .models import GetObjectResult, PutObjectResult

class Bucket:
    def __init__(
        self,
        auth: ProviderAuth | ProviderAuthV2 | ProviderAuthV4,
        endpoint: str,
        bucket_name: str,
        is_cname: bool = False,
        *,
        region: str | None = None,
        is_path_style: bool = False,
    ) -> None: ...
    def put_object(self, key: str, data: bytes) -> PutObjectResult: ...
    def get_object(self, key: str) -> GetObjectResult: ...
    def sign_url(self, method: str, key: str, expires: int, *, slash_safe: bool = False) -> str: ...
