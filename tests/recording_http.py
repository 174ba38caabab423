"""A stand-in for `HttpClient` that keeps what it was asked, for hosts that no test may reach."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs

from alicred.wire.response import HttpResponse


@attrs.frozen
class Sent:
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class RecordingHttp:
    """Answers each request with the next of *answers*: a JSON object, a whole answer, or an error to raise; the last one is repeated."""

    def __init__(self, *answers: object) -> None:
        self.answers = answers
        self.sent: list[Sent] = []

    def request(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> HttpResponse:
        self.sent.append(Sent(method, url, {name.lower(): value for name, value in (headers or {}).items()}, body))
        answer = self.answers[min(len(self.sent), len(self.answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, HttpResponse) else reply(answer)


def reply(answer: object, status: int = 200, *, secure: bool = True, **headers: str) -> HttpResponse:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return HttpResponse(status, headers, body, secure)


def canned(case: Mapping[str, Any]) -> RecordingHttp:
    """What answered the official libraries in a captured case."""
    return RecordingHttp(*(reply(each["body"].encode(), each["status"]) for each in case["canned_responses"]))


def by_official(case: Mapping[str, Any], library: str) -> list[dict[str, object]]:
    """The requests of one official library in a captured case, in the words of `in_those_words`."""
    (found,) = [each for name, each in case["results"].items() if name.startswith(library)]
    requests: list[dict[str, object]] = []
    for each in found["requests"]:
        url = each.get("url") or f"{each['protocol']}://{each['host']}{_port(each)}{each['path']}"
        body = each["body"] or ""
        form = each.get("form") or ({name: values[0] for name, values in parse_qs(body).items()} if "=" in body else None)
        headers = {name.lower(): value for name, value in (each["headers"] or {}).items() if name.lower() != "user-agent"}
        requests.append(_words(each["method"], url, each.get("query") or {}, headers, form, body))
    return requests


def _port(request: Mapping[str, Any]) -> str:
    # 80 is what that library's request objects say when nobody has set a port; it is not what it connects to.
    port = request.get("port", 80)
    return "" if port == 80 else f":{port}"


def in_those_words(sent: Sent) -> dict[str, object]:
    """*sent* as the captured cases describe a request. `accept` is left out where only alicred sends it; it changes no answer."""
    body = sent.body.decode()
    form = {name: values[0] for name, values in parse_qs(body).items()} if "=" in body else None
    return _words(sent.method, sent.url, {}, dict(sent.headers), form, body)


def _words(
    method: str, url: str, query: Mapping[str, str], headers: Mapping[str, str], form: Mapping[str, str] | None, body: str
) -> dict[str, object]:
    parts = urlsplit(url)
    words: dict[str, object] = {
        "method": method,
        "url": f"{parts.scheme}://{parts.netloc}{parts.path}",
        "query": dict(query) or {name: values[0] for name, values in parse_qs(parts.query).items()},
        "headers": {name: value for name, value in headers.items() if name != "accept"},
    }
    if form is not None:
        return {**words, "form": {**form, "Timestamp": "<utc now>"} if "Timestamp" in form else form}
    return {**words, "json": json.loads(body) if body else None}
