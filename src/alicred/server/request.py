"""One HTTP request of a connection, and one answer: no more of HTTP than a credentials URI needs."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from http import HTTPStatus

import attrs

_LARGEST_HEAD = 8192  # bytes


@attrs.frozen
class Request:
    """The head of a request. Names of headers are in small letters; of a header that comes twice, all values are kept."""

    method: str
    target: str
    headers: Mapping[str, str]


class Bad(Exception):
    """A request that is answered with an error.

    Args:
        status: HTTP status.
        code: A short word for it.
        message: What is wrong, without any part of a credential or a token.
        retry_after: After how many seconds another attempt may help.
    """

    def __init__(self, status: int, code: str, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after


def read_request(connection: socket.socket, *, within: float) -> Request:
    """The request that the client sends *within* so many seconds.

    Raises:
        Bad: It is too large, too slow, has a body or is no request.
        OSError: The connection broke.
    """
    head = _head(connection, time.monotonic() + within)
    try:
        first, *lines = head.decode("ascii").split("\r\n")
        method, target, version = first.split(" ")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise ValueError
            key = name.lower()
            headers[key] = f"{headers[key]}, {value.strip()}" if key in headers else value.strip()
    except ValueError:
        raise Bad(400, "BadRequest", "this is no HTTP request") from None
    if not version.startswith("HTTP/1.") or not target.startswith("/"):
        raise Bad(400, "BadRequest", "this is no HTTP/1.1 request for a path")
    if "transfer-encoding" in headers or headers.get("content-length", "0") != "0":
        raise Bad(400, "BadRequest", "a request here has no body")
    return Request(method, target, headers)


def _head(connection: socket.socket, until: float) -> bytes:
    """What stands before the first empty line."""
    received = bytearray()
    while b"\r\n\r\n" not in received:
        if len(received) > _LARGEST_HEAD:
            raise Bad(431, "TooLarge", f"the head of the request is larger than {_LARGEST_HEAD} bytes")
        left = until - time.monotonic()
        if left <= 0:
            raise Bad(408, "TooSlow", "the head of the request took too long")
        connection.settimeout(left)
        try:
            part = connection.recv(_LARGEST_HEAD)
        except TimeoutError:
            continue
        if not part:
            raise ConnectionError("the client has gone")
        received += part
    if received.index(b"\r\n\r\n") > _LARGEST_HEAD:
        raise Bad(431, "TooLarge", f"the head of the request is larger than {_LARGEST_HEAD} bytes")
    return bytes(received[: received.index(b"\r\n\r\n")])


def answer(status: int, body: Mapping[str, str], *, retry_after: int | None = None) -> bytes:
    """An answer with *body* as JSON, after which the connection ends."""
    content = json.dumps(body).encode("ascii")
    head = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        "Content-Type: application/json",
        f"Content-Length: {len(content)}",
        "Cache-Control: no-store",
        "Connection: close",
    ]
    if retry_after is not None:
        head.append(f"Retry-After: {retry_after}")
    return "\r\n".join([*head, "", ""]).encode("ascii") + content
