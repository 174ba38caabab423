"""One request and one answer, as the parts of the fake cloud hand them to each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Union

import attrs

Json = Union[None, bool, int, float, str, "list[Json]", "dict[str, Json]"]
"""What a JSON text may hold."""


class Refused(Exception):
    """The cloud says no. Each service puts this into its own shape.

    Args:
        status: HTTP status.
        code: The error code.
        message: The error text, as the real services word it: it may hold the string to sign.
        headers: Further headers of the answer.
    """

    def __init__(self, status: int, code: str, message: str = "", *, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(status, code)
        self.status = status
        self.code = code
        self.message = message or code
        self.headers = headers


@attrs.frozen(kw_only=True, repr=False)
class Request:
    """One request as it came in. Its ``repr`` shows only the method and the path.

    Args:
        method: Upper-case method.
        target: What stood in the request line, the query included.
        path: The path as it was sent, percent-encoded.
        query: The parameters of the query.
        form: The parameters of a form body.
        headers: The headers by their lower-case names.
        body: The bytes of the body.
        over_tls: Whether it came over TLS.
    """

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    form: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    over_tls: bool

    @property
    def params(self) -> dict[str, str]:
        """The parameters of query and form together, as RPC operations take them."""
        return {**self.query, **self.form}

    def __repr__(self) -> str:
        return f"<{self.method} {self.path}>"


@attrs.define(kw_only=True)
class Exchange:
    """A request on its way through the cloud. Belongs to the thread that serves it.

    Args:
        request: What came in.
        operation: Name of the operation, such as ``"AssumeRole"``.
        request_id: Goes into the answer.
        access_key_id: The key that the request claims to be signed with, as soon as it is known.
    """

    request: Request
    operation: str
    request_id: str
    access_key_id: str = ""


@attrs.frozen(kw_only=True, repr=False)
class Answer:
    """What goes back. Its ``repr`` shows only the status.

    Args:
        status: HTTP status.
        body: The bytes of the body.
        headers: The headers; length, date and connection come by themselves.
        cut_at: Send only so many bytes of the body and close; ``None`` sends all of it.
        reset: Send nothing and reset the connection.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    cut_at: int | None = None
    reset: bool = False

    def __repr__(self) -> str:
        return f"<{self.status}>"


def json_answer(payload: Mapping[str, Json], status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An answer with a JSON body."""
    body = json.dumps(payload, separators=(",", ":")).encode()
    return Answer(status=status, body=body, headers=(("Content-Type", "application/json;charset=utf-8"), *headers))


def text_answer(text: str, status: int = 200, kind: str = "text/plain") -> Answer:
    """An answer with a text body."""
    return Answer(status=status, body=text.encode(), headers=(("Content-Type", kind),))
