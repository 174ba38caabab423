"""What every service of a fake cloud can do."""

from __future__ import annotations

from typing import Protocol

from alicred.testing.cloud.exchange import Answer, Exchange, Refused, Request, text_answer


class Service(Protocol):
    """One of the cloud's services."""

    def operation(self, request: Request) -> str | None:
        """Name of the operation if the request is for this service."""
        ...

    def handle(self, exchange: Exchange) -> Answer:
        """The answer. Raises `Refused` if the cloud says no."""
        ...

    def error_answer(self, refused: Refused, request_id: str) -> Answer:
        """A no in this service's own shape."""
        ...


class _Nowhere:
    """Takes what is for no service."""

    def operation(self, request: Request) -> str | None:
        return ""

    def handle(self, exchange: Exchange) -> Answer:
        raise Refused(404, "NotFound", "There is nothing here.")

    def error_answer(self, refused: Refused, request_id: str) -> Answer:
        return text_answer(refused.message, refused.status)


NOWHERE: Service = _Nowhere()
"""The service for everything that no other one takes."""
