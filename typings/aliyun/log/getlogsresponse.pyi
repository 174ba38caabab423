# What alicred and its examples use of this package, and no more.
from .queriedlog import QueriedLog

class GetLogsResponse:
    def get_logs(self) -> list[QueriedLog]: ...
