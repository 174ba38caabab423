"""Read logs in a consumer group, until some have arrived."""

import os
import threading

from aliyun.log.consumer import ConsumerJsonProcessorBase, LogHubConfig
from aliyun.log.consumer.checkpoint_tracker import ConsumerCheckpointTracker

from alicred import default_provider
from alicred.adapters import sls_consumer


class Printer(ConsumerJsonProcessorBase):
    """Prints what arrives in a shard."""

    def __init__(self, arrived: threading.Event) -> None:
        super().__init__()
        self.arrived = arrived

    def process(self, flattern_json_list: list[dict[str, str]], check_point_tracker: ConsumerCheckpointTracker) -> None:
        for each in flattern_json_list:
            print(each)
        self.save_checkpoint(check_point_tracker)
        self.arrived.set()


config = LogHubConfig(
    os.environ.get("SLS_ENDPOINT", "https://cn-hangzhou.log.aliyuncs.com"),
    "",  # id and key: the provider has them
    "",
    os.environ["SLS_PROJECT"],
    os.environ["SLS_LOGSTORE"],
    "my-group",
    f"my-group-{os.getpid()}",
    auth_version="v4",
    region=os.environ.get("SLS_REGION", "cn-hangzhou"),
)
arrived = threading.Event()
worker = sls_consumer(default_provider()).worker(Printer, config, args=(arrived,))
worker.start()
arrived.wait()  # a real one would go on
worker.shutdown()
worker.join()
