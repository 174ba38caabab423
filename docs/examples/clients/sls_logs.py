"""Write a log, and count with SQL: each request uses the current credential."""

import os
import time

from aliyun.log import LogClient, LogItem, PutLogsRequest

from alicred import default_provider
from alicred.adapters import sls

client = LogClient(
    os.environ.get("SLS_ENDPOINT", "https://cn-hangzhou.log.aliyuncs.com"),
    auth_version="v4",
    region=os.environ.get("SLS_REGION", "cn-hangzhou"),
    source="my-host",
    credentials_provider=sls(default_provider()),
)
project, logstore, now = os.environ["SLS_PROJECT"], os.environ["SLS_LOGSTORE"], int(time.time())
client.put_logs(PutLogsRequest(project, logstore, "my-topic", "my-host", [LogItem(now, [("level", "info")])]))
for row in client.get_log(project, logstore, now - 3600, now, query="* | SELECT count(*) AS number").get_logs():
    print(row.get_contents())
