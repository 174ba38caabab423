"""A WSGI application: ``gunicorn --config gunicorn_settings.py web:application``."""

import json
from collections.abc import Callable, Iterable

from one_provider import call, provider

provider.get()  # not needed; with `preload_app`, the workers start with this value and fetch nothing


def application(environ: dict[str, object], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    """Answer one request."""
    body = json.dumps(call()).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
