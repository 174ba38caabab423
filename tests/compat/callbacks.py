"""A program that prints a key, and callbacks that write down what they are told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.compat.support import command_of

ANSWER = {"access_key_id": "id", "access_key_secret": "secret", "sts_token": "token", "expiration": "2099-01-31T12:00:00Z"}


def program(**changes: Any) -> str:
    return command_of(f"print({json.dumps({**ANSWER, **changes})!r})")


class Notes:
    """Two callbacks that write down what they are told, and on which thread and loop."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.loops: list[Any] = []

    def save(self, *what: Any) -> None:
        self.calls.append(("save", *what))

    async def save_async(self, *what: Any) -> None:
        await asyncio.sleep(0)
        self.loops.append(asyncio.get_running_loop())
        self.calls.append(("save_async", *what))
