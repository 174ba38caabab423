"""Workers in real processes that share a credential, each asking every 20 ms: python -m tests.sharing.worker_processes FILE.

The file says what they share, in JSON, and where they write: each call to the service is a line (when, who), and so is what each worker has
seen when its time is over.
"""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from alicred import AlicredError, CachingProvider, Credential, FractionWindow, Provider, RefreshPolicy
from alicred.sharing import RedisStore, SharedProvider, SharingPolicy, StoreKey

SECOND = timedelta(seconds=1)


class Service:
    """A source whose sessions are short. It writes down who asks."""

    name = "service"

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given

    def get(self) -> Credential:
        line(self.given["calls"], f"{time.monotonic()} {os.getpid()}")
        time.sleep(self.given["latency"])
        end = datetime.now(timezone.utc) + timedelta(seconds=self.given["session"])
        return Credential("STS.id", "secret", "token", expires_at=end)


def line(path: str, text: str) -> None:
    with open(path, "ab", buffering=0) as file:
        file.write(f"{text}\n".encode())


def provider(given: dict[str, Any]) -> CachingProvider[Credential]:
    key, policy = StoreKey.from_file(given["key"]), SharingPolicy(lease=SECOND, patience=6 * SECOND)
    source: Provider[Credential] = SharedProvider(Service(given), RedisStore(given["url"]), name="fleet", key=key, policy=policy)
    return CachingProvider(source, refresh=RefreshPolicy(ahead=FractionWindow(given["window"])))


def work(given: dict[str, Any]) -> None:
    asked = provider(given)
    until = time.monotonic() + given["seconds"]
    seen: dict[str, Any] = {"pid": os.getpid(), "errors": [], "expired": 0, "first_wait": None, "longest_wait": 0.0}
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            value = asked.get()
        except AlicredError as error:
            seen["errors"].append(f"{type(error).__name__}: {error}")
        else:
            took = time.monotonic() - began
            if seen["first_wait"] is None:
                seen["first_wait"] = took
            else:
                seen["longest_wait"] = max(seen["longest_wait"], took)
            seen["expired"] += value.expires_at is not None and value.expires_at <= datetime.now(timezone.utc)
        time.sleep(0.02)
    line(given["seen"], json.dumps(seen))


def main() -> None:
    import redis  # once for all: what comes next is about how they share

    assert redis
    given = json.loads(Path(sys.argv[1]).read_text())
    children = []
    for _ in range(given["workers"]):
        child = os.fork()
        if child == 0:
            try:
                work(given)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
