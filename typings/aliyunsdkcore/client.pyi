# What alicred and its examples use of this untyped package, and no more.
from aliyunsdkcore.auth.credentials import AccessKeyCredential, StsTokenCredential
from aliyunsdkcore.request import AcsRequest

class AcsClient:
    def __init__(
        self,
        ak: str | None = None,
        secret: str | None = None,
        region_id: str = "cn-hangzhou",
        auto_retry: bool = True,
        max_retry_time: int | None = None,
        user_agent: str | None = None,
        port: int = 80,
        connect_timeout: float | None = None,
        timeout: float | None = None,
        public_key_id: str | None = None,
        private_key: str | None = None,
        session_period: int = 3600,
        credential: AccessKeyCredential | StsTokenCredential | None = None,
        debug: bool = False,
        verify: bool | str | None = None,
        pool_size: int = 10,
        proxy: dict[str, str] | None = None,
    ) -> None: ...
    def do_action_with_exception(self, acs_request: AcsRequest) -> bytes: ...
