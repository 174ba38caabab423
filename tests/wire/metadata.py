"""A metadata service for tests: which of its two versions answers, and what goes wrong, is said by attributes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from tests.wire.servers import Reply, Request, Server, answering

ROLES = "/latest/meta-data/ram/security-credentials/"
KEY = {
    "Code": "Success",
    "AccessKeyId": "STS.id",
    "AccessKeySecret": "planted-1",
    "SecurityToken": "planted-2",
    "Expiration": "2030-01-02T03:04:05Z",
}


@attrs.define
class Metadata:
    server: Server = attrs.field(factory=lambda: Server(0))
    v1: bool = True
    token_reply: Reply | None = None  # instead of a token
    roles: dict[str, Reply] = attrs.field(factory=lambda: {"role": Reply(body=json.dumps(KEY).encode())})
    listing: Reply = attrs.field(factory=lambda: Reply(body=b"role\n"))
    with_token: Reply | None = None  # instead of what a GET with a valid token yields
    listing_with_token: Reply | None = None  # instead of the listing, where a valid token was given
    key_with_token: Reply | None = None  # instead of a key, where a valid token was given
    token: str | None = None
    issued: int = 0

    def reply(self, request: Request) -> Reply:
        if request.target == "/latest/api/token":
            assert request.method == "PUT"
            assert request.headers["x-aliyun-ecs-metadata-token-ttl-seconds"].isdigit()
            if self.token_reply is not None:
                return self.token_reply
            self.issued += 1
            self.token = f"planted-token-{self.issued}="
            return Reply(body=self.token.encode())
        given = request.headers.get("x-aliyun-ecs-metadata-token")
        if given is None and not self.v1:
            return Reply(403, b"planted")
        if given is not None:
            if given != self.token:
                return Reply(401, b"planted")
            if self.with_token is not None:
                return self.with_token
        assert request.target.startswith(ROLES)
        name = request.target[len(ROLES) :]
        instead = self.key_with_token if name else self.listing_with_token
        if given is not None and instead is not None:
            return instead
        return self.roles.get(name, Reply(404, b"<html>planted")) if name else self.listing

    @property
    def steps(self) -> str:
        """What was asked, one letter each: T token, N name of the role, K key; lower case without a token."""
        letters = ""
        for request in self.server.requests:
            letter = "T" if request.method == "PUT" else "N" if request.target == ROLES else "K"
            letters += letter if letter == "T" or "x-aliyun-ecs-metadata-token" in request.headers else letter.lower()
        return letters


@contextmanager
def metadata() -> Iterator[Metadata]:
    service = Metadata()
    with answering(service.reply) as service.server:
        yield service
