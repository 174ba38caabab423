# What alicred and its examples use of this package, and no more.
from collections.abc import Callable, Mapping, Sequence
from threading import Thread

from .checkpoint_tracker import ConsumerCheckpointTracker
from .consumer_client import ConsumerClient

class LogHubConfig:
    endpoint: str
    consumer_group_name: str
    consumer_name: str
    auth_version: str
    region: str
    def __init__(
        self,
        endpoint: str,
        access_key_id: str,
        access_key: str,
        project: str,
        logstore: str,
        consumer_group_name: str,
        consumer_name: str,
        *,
        heartbeat_interval: int | None = None,
        data_fetch_interval: int | None = None,
        security_token: str | None = None,
        credentials_refresher: Callable[[], tuple[str, str, str | None]] | None = None,
        auth_version: str = "v1",
        region: str = "",
    ) -> None: ...

class ConsumerProcessorBase:
    def __init__(self) -> None: ...
    def save_checkpoint(self, tracker: ConsumerCheckpointTracker, force: bool = False) -> None: ...
    def initialize(self, shard: int) -> None: ...

class ConsumerJsonProcessorBase(ConsumerProcessorBase):
    def process(self, flattern_json_list: list[dict[str, str]], check_point_tracker: ConsumerCheckpointTracker) -> str | None: ...

class ConsumerWorker(Thread):
    option: LogHubConfig
    consumer_client: ConsumerClient
    def __init__(
        self,
        make_processor: Callable[..., ConsumerProcessorBase],
        consumer_option: LogHubConfig,
        args: Sequence[object] | None = None,
        kwargs: Mapping[str, object] | None = None,
    ) -> None: ...
    def start(self, join: bool = False) -> None: ...
    def shutdown(self) -> None: ...
