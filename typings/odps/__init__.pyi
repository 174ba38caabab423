# What alicred and its examples use of this package, and no more.
from collections.abc import Iterator

from .accounts import BaseAccount
from .models import Instance, Table

class ODPS:
    def __init__(
        self,
        access_id: str | BaseAccount | None = None,
        secret_access_key: str | None = None,
        project: str | None = None,
        endpoint: str | None = None,
        *,
        account: BaseAccount | None = ...,
        tunnel_endpoint: str | None = None,
        region_name: str | None = None,
    ) -> None: ...
    def list_tables(self) -> Iterator[Table]: ...
    def exist_table(self, name: str) -> bool: ...
    def execute_sql(self, sql: str) -> Instance: ...
