"""As much of a Nacos server as its client needs to see, over gRPC on 127.0.0.1: configurations, services, prompts, and faults to inject."""

from __future__ import annotations

import hashlib
import json
import queue
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from alicred.testing.cloud.exchange import Answer, Request
from tests.clients.signatures import nacos as signatures
from tests.clients.support import Keys, Loopback

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client does at its import
    import grpc
    from google.protobuf.any_pb2 import Any as AnyValue
    from v2.nacos.transport.grpcauto.nacos_grpc_service_pb2 import Metadata, Payload

Json = dict[str, Any]
_WORKERS = 16  # each connection of a client takes one for as long as it lasts
_USUAL = 1000  # how far the port for gRPC is above the other one
_BROKEN = object()


class NacosLoopback(Loopback):
    """A `Loopback` that speaks gRPC as well, on the port that is *offset* above the other one. Refusals are what Nacos makes of them.

    ``faults`` holds messages of errors, which are answered once each to requests that are good.
    """

    def __init__(self, keys: Keys) -> None:
        super().__init__(keys, signatures.verify, self._over_http)
        self.faults: list[str] = []
        self.connections = 0
        self.contents: dict[tuple[str, str, str], str] = {}
        self.hosts: dict[tuple[str, str], list[Json]] = {}
        self._state = threading.Lock()
        self._pushes: list[queue.SimpleQueue[object]] = []

    def __enter__(self) -> NacosLoopback:
        super().__enter__()
        self._workers = ThreadPoolExecutor(_WORKERS)
        self._grpc = grpc.server(self._workers, options=(("grpc.so_reuseport", 0),))
        codec = {"request_deserializer": Payload.FromString, "response_serializer": Payload.SerializeToString}
        unary = grpc.unary_unary_rpc_method_handler(self._unary, **codec)
        stream = grpc.stream_stream_rpc_method_handler(self._stream, **codec)
        handlers = (
            grpc.method_handlers_generic_handler("Request", {"request": unary}),
            grpc.method_handlers_generic_handler("BiRequestStream", {"requestBiStream": stream}),
        )
        self._grpc.add_generic_rpc_handlers(handlers)
        self.offset = self._grpc.add_insecure_port("127.0.0.1:0") - self.port
        self.for_the_usual_offset = f"127.0.0.1:{self.port + self.offset - _USUAL}"  # for a client that is not told another one
        self._grpc.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._grpc.stop(None).wait()
        self._workers.shutdown()
        super().__exit__(*exc_info)

    def push(self, kind: str, body: Json) -> None:
        """Send a request to every client that is connected."""
        self._to_all(_payload(kind, {"requestId": "1", "module": "config", **body}))

    def break_off(self) -> None:
        """End every connection."""
        self._to_all(_BROKEN)

    def _to_all(self, what: object) -> None:
        with self._state:
            pushes = list(self._pushes)
        for each in pushes:
            each.put(what)

    def _stream(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        """One connection: what is pushed, until either side ends it. What the client says here is not asked for."""
        pushes: queue.SimpleQueue[object] = queue.SimpleQueue()
        with self._state:
            self.connections += 1
            self._pushes.append(pushes)
        context.add_callback(lambda: pushes.put(None))
        while (what := pushes.get()) is not None:
            if what is _BROKEN:
                context.abort(grpc.StatusCode.UNAVAILABLE, "going away")
            yield what
        with self._state:
            self._pushes.remove(pushes)

    def _unary(self, payload: Any, context: Any) -> Any:
        kind, body = payload.metadata.type, payload.body.value
        if kind == "ServerCheckRequest":
            return _payload("ServerCheckResponse", {"connectionId": "1", "supportAbilityNegotiation": False})
        if kind == "HealthCheckRequest":
            return _payload("HealthCheckResponse", {})
        headers = {name.lower(): value for name, value in payload.metadata.headers.items()}
        request = Request(method="POST", target=kind, path=kind, query={}, form={}, headers=headers, body=body, over_tls=False)
        answered = self._serve(request)
        if isinstance(answered, Answer) and answered.status == 403:
            empty: Json = {"count": 0, "serviceNames": []}
            return _payload(_answer_to(kind), {**empty, "resultCode": 500, "errorCode": 403, "message": answered.body.decode()})
        with self._state:
            if self.faults:
                return _payload("ErrorResponse", {"resultCode": 500, "errorCode": 500, "message": self.faults.pop(0)})
            return _payload(_answer_to(kind), self._about(kind, json.loads(body)))

    def _over_http(self, request: Request) -> Answer:
        if not request.path.startswith("/"):
            return Answer(status=200)  # over gRPC: `_about` says what
        with self._state:
            if self.faults:
                return Answer(status=500, body=self.faults.pop(0).encode())
        return Answer(status=200, body=json.dumps({"data": _prompt(request.query["promptKey"])}).encode())

    def _about(self, kind: str, body: Json) -> Json:
        if kind == "ConfigBatchListenRequest":
            return {"changedConfigs": [_named(each) for each in body["configListenContexts"] if self._changed(each)]}
        if kind == "QueryPromptRequest":
            return {"promptInfo": _prompt(body["promptKey"])}
        if kind.startswith("Config"):
            return self._about_content(kind, (body["tenant"], body["group"], body["dataId"]), body)
        return self._about_service(kind, (body["groupName"], body["serviceName"]), body)

    def _about_content(self, kind: str, key: tuple[str, str, str], body: Json) -> Json:
        if kind == "ConfigPublishRequest":
            self.contents[key] = body["content"]
        elif kind == "ConfigRemoveRequest":
            self.contents.pop(key, None)
        elif key not in self.contents:
            return {"resultCode": 500, "errorCode": 300, "message": "config data not exist"}
        return {"content": self.contents.get(key, ""), "contentType": "text", "lastModified": 1}

    def _about_service(self, kind: str, key: tuple[str, str], body: Json) -> Json:
        if kind == "BatchInstanceRequest":
            self.hosts[key] = body["instances"]
        elif kind.endswith("InstanceRequest"):
            register = body["type"] == "registerInstance"
            self.hosts[key] = [body["instance"]] if register else []
        elif kind == "ServiceListRequest":
            names = [name for group, name in self.hosts if group == key[0]]
            return {"count": len(names), "serviceNames": names}
        group, name = key
        return {"serviceInfo": {"name": name, "groupName": group, "hosts": self.hosts.get(key, []), "lastRefTime": 1}}

    def _changed(self, listened: Json) -> bool:
        content = self.contents.get((listened["tenant"], listened["group"], listened["dataId"]))
        return content is not None and hashlib.md5(content.encode()).hexdigest() != listened["md5"]


def _named(listened: Json) -> Json:
    return {name: listened[name] for name in ("tenant", "group", "dataId")}


def _prompt(key: str) -> Json:
    return {"promptKey": key, "template": f"a prompt of {key}"}


def _answer_to(kind: str) -> str:
    unlike = {
        "ConfigBatchListenRequest": "ConfigChangeBatchListenResponse",
        "PersistentInstanceRequest": "InstanceResponse",
        "ServiceQueryRequest": "QueryServiceResponse",
    }
    return unlike.get(kind, kind.replace("Request", "Response"))


def _payload(kind: str, body: Json) -> Any:
    return Payload(metadata=Metadata(type=kind, clientIp="127.0.0.1"), body=AnyValue(value=json.dumps(body).encode()))
