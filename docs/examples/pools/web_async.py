"""An ASGI application: ``gunicorn --config gunicorn_settings.py --worker-class uvicorn_worker.UvicornWorker web_async:application``."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from one_provider import call_in_task

Message = dict[str, Any]


async def application(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    """Answer one request."""
    if scope["type"] != "http":
        return
    body = json.dumps(await call_in_task()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})
