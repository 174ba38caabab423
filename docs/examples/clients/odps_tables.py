"""The tables of a project, and some SQL: each request uses the current credential."""

import os

from odps import ODPS

from alicred import default_provider
from alicred.adapters import odps

client = ODPS(
    odps(default_provider()),
    project=os.environ["ODPS_PROJECT"],
    endpoint=os.environ.get("ODPS_ENDPOINT", "https://service.cn-hangzhou.maxcompute.aliyun.com/api"),
)
for table in client.list_tables():
    print(table.name)
with client.execute_sql("SELECT 1 AS number").open_reader(tunnel=False) as rows:
    for row in rows:
        print(row["number"])
