"""Redis servers of a test's own, on free loopback ports, with folders of their own; each is a process that a test may stop and kill."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from alicred.sharing import Record, RedisStore
from alicred.testing.conformance import store_checks

PROGRAM = shutil.which("redis-server")
needs_redis = pytest.mark.skipif(PROGRAM is None, reason="there is no redis-server here; Debian's package has the same name")

LEASE = timedelta(seconds=10)
HOUR = timedelta(hours=1)
NAMES = [check.name for check in store_checks(lambda: RedisStore("redis://localhost"))]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Server:
    """A `redis-server`, or a Sentinel: it keeps its port when it is started again, and nothing else."""

    def __init__(self, folder: Path, *options: str, config: str = "", port: int | None = None) -> None:
        self.folder = folder / f"redis-{free_port()}"
        self.folder.mkdir(parents=True)
        self.port = port or free_port()
        self.options = options
        self.config = config
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> Server:
        assert PROGRAM is not None
        file = self.folder / "redis.conf"
        file.write_text(self.config)
        always = [
            "--bind",
            "127.0.0.1",
            "--dir",
            str(self.folder),
            "--save",
            "",
            "--appendonly",
            "no",
            "--logfile",
            str(self.folder / "log"),
        ]
        port = [] if "--tls-port" in self.options else ["--port", str(self.port)]
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen([PROGRAM, str(file), *always, *port, *self.options], stdout=out, stderr=out)
        wait_until(self.listens)
        return self

    def listens(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            return True
        return False

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()  # a stopped one too
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def admin(self, **options: Any) -> redis.Redis:
        """A client that is the tests', with all rights."""
        return redis.Redis(port=self.port, socket_timeout=5, **options)

    def run(self, *command: object) -> Any:
        client = self.admin()
        try:
            return client.execute_command(*command)
        finally:
            client.close()

    def store(self, **options: Any) -> RedisStore:
        return RedisStore(self.url, **{"timeout": timedelta(seconds=5), **options})


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    try:
        yield server.start()
    finally:
        server.kill()


def wait_until(holds: Callable[[], object], seconds: float = 20) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it has not come to be"
        time.sleep(0.02)


def calls(server: Server) -> int:
    count: int = server.run("INFO", "commandstats").get("cmdstat_evalsha", {"calls": 0})["calls"]
    return count


# What is done with a store there


def new_entry() -> str:
    return secrets.token_hex(20)


def record(generation: int = 1, sealed: bytes = b"\x00\xffsealed\r\n") -> Record:
    return Record(generation=generation, sealed=sealed, keep=HOUR)


def claim(store: RedisStore, entry: str, newer_than: int = 0, lease: timedelta = LEASE) -> Any:
    return store.claim(entry, newer_than=newer_than, lease=lease)


def keys(entry: str) -> tuple[str, str]:
    return f"alicred:{{{entry}}}", f"alicred:{{{entry}}}:lease"
