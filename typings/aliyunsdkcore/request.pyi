# What alicred and its examples use of this untyped package, and no more.
from abc import ABCMeta

class AcsRequest(metaclass=ABCMeta):
    def __init__(
        self,
        product: str | None,
        version: str | None = None,
        action_name: str | None = None,
        location_service_code: str | None = None,
        location_endpoint_type: str = "openAPI",
        accept_format: str | None = None,
        protocol_type: str | None = None,
        method: str | None = None,
    ) -> None: ...
    def add_query_param(self, k: str, v: object) -> None: ...
    def get_query_params(self) -> dict[str, object]: ...
    def get_headers(self) -> dict[str, str]: ...
    def set_endpoint(self, endpoint: str) -> None: ...
    def set_protocol_type(self, protocol_type: str) -> None: ...

class CommonRequest(AcsRequest):
    def __init__(
        self,
        domain: str | None = None,
        version: str | None = None,
        action_name: str | None = None,
        uri_pattern: str | None = None,
        product: str | None = None,
        location_endpoint_type: str = "openAPI",
    ) -> None: ...
