# What alicred and its examples use of this untyped package, and no more.
class RuntimeOptions:
    def __init__(
        self,
        *,
        autoretry: bool | None = None,
        max_attempts: int | None = None,
        read_timeout: int | None = None,
        connect_timeout: int | None = None,
    ) -> None: ...
