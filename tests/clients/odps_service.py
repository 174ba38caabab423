"""As much of MaxCompute (ODPS) and its tunnel as the client needs to see: a project with one table, SQL, and faults to inject."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable

from alicred.testing.cloud.exchange import Answer, Json, Request
from tests.clients.support import Keys, Loopback, Verify

PROJECT, TABLE = "a_project", "a_table"
_SCHEMA: Json = {"columns": [{"name": "number", "type": "bigint", "comment": "", "nullable": True}], "partitionKeys": []}
_RESULT = base64.b64encode(b'"number"\n1\n').decode()
_NAME = "AnonymousSQLTask"


def error(status: int, code: str, message: str) -> Answer:
    return _xml(f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>1</RequestId><HostId>here</HostId></Error>", status)


class OdpsLoopback(Loopback):
    """A `Loopback` that refuses in the words of MaxCompute, and once each with what is in *faults*, though the request was good."""

    def __init__(self, keys: Keys, verify: Verify, answer: Callable[[Request], Answer | None]) -> None:
        super().__init__(keys, verify, answer)
        self.faults: list[tuple[str, Answer]] = []
        self._faults_lock = threading.Lock()

    def fail(self, part: str, answer: Answer) -> None:
        """Answer the next request that has *part* in its target with *answer*."""
        self.faults.append((part, answer))

    def _serve(self, request: Request) -> Answer | None:
        answer = super()._serve(request)
        if answer is not None and answer.status == 403:
            return error(401, "Unauthorized", answer.body.decode())
        with self._faults_lock:
            for fault in self.faults:
                if fault[0] in request.target:
                    self.faults.remove(fault)
                    return fault[1]
        return answer


class Project:
    """The answers. Thread-safe. What is uploaded can be downloaded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uploaded = b""

    def __call__(self, request: Request) -> Answer:
        path, query = request.path, request.query
        if path.endswith("/logview/host"):
            return Answer(status=200, body=b"http://logview.invalid")
        if path.endswith("/tenants"):
            return _json({"Tenant": {"Name": "a_tenant", "TenantMeta": {}, "Parameters": {}}})
        if "/instances" in path:
            return self._instance(request)
        if request.path.startswith("/api"):
            if path.endswith(f"/projects/{PROJECT}"):
                return _xml(f"<Project><Name>{PROJECT}</Name><State>AVAILABLE</State><Properties/></Project>")
            if path.endswith("/tables"):
                return _xml(f"<Tables><Marker/><MaxItems>1</MaxItems><Table><Name>{TABLE}</Name><Owner>me</Owner></Table></Tables>")
            if path.endswith(f"/tables/{TABLE}"):
                return _xml(f"<Table><Name>{TABLE}</Name><Schema format='Json'><![CDATA[{json.dumps(_SCHEMA)}]]></Schema></Table>")
            return error(404, "NoSuchObject", "there is no such thing")
        return self._tunnel(request, query)

    def _instance(self, request: Request) -> Answer:
        if request.method == "POST":
            return Answer(status=201, headers=(("Location", f"http://127.0.0.1{request.path}/20240101000000001"),))
        if "result" in request.query:
            return _xml(
                f'<Instance><Tasks><Task Type="SQL"><Name>{_NAME}</Name><Result Transform="Base64" Format="csv">'
                f"<![CDATA[{_RESULT}]]></Result></Task></Tasks></Instance>"
            )
        if "taskstatus" in request.query:
            return _xml(
                "<Instance><Status>Terminated</Status><Tasks>"
                f'<Task Type="SQL"><Name>{_NAME}</Name><Status>Success</Status></Task></Tasks></Instance>'
            )
        if "source" in request.query:
            return _xml(f"<Job><Tasks><SQL><Name>{_NAME}</Name><Query>SELECT</Query></SQL></Tasks></Job>")
        return _xml("<Instance><Status>Terminated</Status></Instance>")

    def _tunnel(self, request: Request, query: dict[str, str]) -> Answer:
        with self._lock:
            if request.method == "PUT":
                self._uploaded = request.body
                return Answer(status=200)
            if "data" in query:
                return Answer(status=200, body=self._uploaded)
        if "downloads" in query or "downloadid" in query:
            return _json({"DownloadID": "one", "Status": "normal", "RecordCount": 1, "Schema": _SCHEMA})
        blocks: Json = [{"BlockID": 0}]
        return _json({"UploadID": "one", "Status": "normal", "UploadedBlockList": blocks, "Schema": _SCHEMA})


def _json(payload: Json) -> Answer:
    return Answer(status=200, body=json.dumps(payload).encode(), headers=(("Content-Type", "application/json"),))


def _xml(text: str, status: int = 200) -> Answer:
    return Answer(status=status, body=f'<?xml version="1.0"?>{text}'.encode(), headers=(("Content-Type", "application/xml"),))
