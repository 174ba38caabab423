"""Sources that remember what they found at their first use, which may have been a test tool's."""

from __future__ import annotations

import json
from typing import Any

from alicred import Credential, ExternalProcessProvider
from tests.field.naive_wire import credential


class KeepsTheClassOfConnections:
    """Looks urllib3's class up at its first request."""

    _kind: Any = None

    def __init__(self, url: str) -> None:
        self._port = int(url.rpartition(":")[2])

    def get(self) -> Credential:
        if self._kind is None:
            import urllib3.connectionpool

            self._kind = urllib3.connectionpool.HTTPConnectionPool.ConnectionCls  # within a cassette, the class of the cassette
        connection = self._kind("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", "/")
            return credential(connection.getresponse().read())
        finally:
            connection.close()


class KeepsItsOs:
    """Imports ``os`` when it first reads its file."""

    _os: Any = None

    def __init__(self, path: str) -> None:
        self._path = path

    def get(self) -> Credential:
        if self._os is None:
            import os

            self._os = os  # while the file system is a fake, the fake's
        file = self._os.open(self._path, self._os.O_RDONLY)
        try:
            found = json.loads(self._os.read(file, 1000))
        finally:
            self._os.close(file)
        return Credential(found["access_key_id"], found["access_key_secret"])


def by_program(path: str) -> ExternalProcessProvider:
    """A program that prints the file."""
    return ExternalProcessProvider(["cat", path])
