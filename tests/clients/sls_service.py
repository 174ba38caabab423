"""As much of the log service (SLS) as its client needs to see: one logstore with one shard, a consumer group, and faults to inject."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from alicred.testing.cloud.exchange import Answer, Json, Request
from tests.clients.support import Keys, Loopback, Verify

PACKAGE = "aliyun-log-python-sdk"
VERSIONS = pytest.mark.parametrize("version", ["v1", "v4"])
PROJECT, LOGSTORE = "a-project", "a-logstore"
# How the service words what `Refused` says.
_REFUSALS = (
    ("has expired", 401, "SecurityTokenExpired", "The security token you provided has expired"),
    ("is not its own", 401, "SecurityTokenInvalid", "The security token you provided is invalid"),
    ("nobody has", 401, "InvalidAccessKeyId", "The access key id you provided is invalid"),
    ("signature", 401, "SignatureNotMatch", "signature not match"),
    ("", 401, "Unauthorized", "denied"),
)


def error(status: int, code: str, message: str) -> Answer:
    return _json({"errorCode": code, "errorMessage": message}, status)


class SlsLoopback(Loopback):
    """A `Loopback` that refuses in the words of the log service, and once each with what is in *faults*, though the request was good."""

    def __init__(self, keys: Keys, verify: Verify, answer: Callable[[Request], Answer | None]) -> None:
        super().__init__(keys, verify, answer)
        self.faults: list[Answer] = []
        self._faults_lock = threading.Lock()

    def _serve(self, request: Request) -> Answer | None:
        answer = super()._serve(request)
        if answer is not None and answer.status == 403:
            reason = answer.body.decode()
            status, code, message = next(rest for part, *rest in _REFUSALS if part in reason)
            return error(status, code, f"{message}: {reason}")
        with self._faults_lock:
            return self.faults.pop(0) if self.faults else answer


class LogStore:
    """The answers. Thread-safe."""

    def __init__(self) -> None:
        self._records = _records()
        self._lock = threading.Lock()
        self._cursor = 0
        self.written: list[Request] = []
        self.checkpoints: list[str] = []

    def __call__(self, request: Request) -> Answer:
        *_, last = parts = request.path.strip("/").split("/")
        with self._lock:
            if last in ("lb", "route"):
                self.written.append(request)
                return Answer(status=200)
            if last == "logs":
                return _json({"meta": {"progress": "Complete", "count": 1}, "data": [{"number": "1"}]})
            if "consumergroups" in parts:
                return self._group(request)
            if request.query.get("type") == "cursor":
                return _json({"cursor": "0"})
            if request.query.get("type") == "log":
                return self._pulled()
            return _json({"count": 1, "total": 1, "logstores": [LOGSTORE]})

    def _group(self, request: Request) -> Answer:
        if request.method == "GET" and "shard" not in request.query:
            return _json([])
        if request.method == "GET":
            return _json([{"shard": 0, "checkpoint": "", "updateTime": 0, "consumer": "one"}])
        if request.query.get("type") == "heartbeat":
            return _json([0])
        if request.query.get("type") == "checkpoint":
            self.checkpoints.append(str(json.loads(request.body)["checkpoint"]))
        return Answer(status=200)

    def _pulled(self) -> Answer:
        self._cursor += 1
        headers = (
            ("x-log-cursor", str(self._cursor)),
            ("x-log-count", "1"),
            ("x-log-bodyrawsize", str(len(self._records))),
            ("Content-Type", "application/x-protobuf"),
        )
        return Answer(status=200, body=self._records, headers=headers)


def _records() -> bytes:
    """One group with one record, as it is pulled."""
    from aliyun.log.proto import LogGroupList

    groups = LogGroupList()
    group = groups.LogGroups.add()
    group.Topic, group.Source = "tests", "tests"
    record = group.Logs.add()
    record.Time = 1700000000
    content = record.Contents.add()
    content.Key, content.Value = "number", "1"
    return bytes(groups.SerializeToString())


def _json(payload: Json, status: int = 200) -> Answer:
    body = json.dumps(payload).encode()
    headers = (("Content-Type", "application/json"), ("x-log-requestid", "5D9D0000"), ("x-log-bodyrawsize", str(len(body))))
    return Answer(status=status, body=body, headers=headers)


def of_a_program(service: Loopback) -> dict[str, str]:
    """The environment of a program that finds *service*: through a proxy, since in its own process the names of projects mean nothing."""
    return {"SLS_ENDPOINT": service.url, "SLS_PROJECT": PROJECT, "SLS_LOGSTORE": LOGSTORE, "HTTP_PROXY": service.url, "NO_PROXY": ""}


def resolve_projects(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client puts the project before the host: have ``a-project.127.0.0.1`` mean 127.0.0.1, and nothing else changed."""
    guarded = socket.getaddrinfo

    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        return guarded("127.0.0.1" if host == f"{PROJECT}.127.0.0.1" else host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
