"""Waits on this machine for the browser that a person has logged in with."""

from __future__ import annotations

import errno
import hmac
import select
import socket
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar, cast
from urllib.parse import parse_qsl, urlsplit

import attrs

from alicred._internal.late import os
from alicred._internal.real_time import monotonic
from alicred.errors import AlicredError, ConfigurationError, DeniedError, MalformedResponseError, TransientError
from alicred.login import TIMED_OUT
from alicred.login.page import HEADERS, Page
from alicred.wire.service_errors import own_words, safe_code

HOST, PATH = "127.0.0.1", "/cli/callback"
PORTS = tuple(range(12345, 12350))
"""The only ones that the application is known to be sent back to."""

_PATIENCE = 5.0  # seconds; a browser opens connections that it then does not use
_LONGEST_CODE = 4096
_LONGEST_LINE = 1 << 16
_TAKEN = (errno.EADDRINUSE, errno.EACCES)


@attrs.frozen
class _Answer:
    """What the browser gets."""

    status: int
    title: str
    text: str


_NOT_FOUND = _Answer(404, "There is nothing here", "The login comes back at another address.")
_NOT_ALLOWED = _Answer(405, "This is no login", "A browser comes back with GET.")
_NOT_THIS_LOGIN = _Answer(
    400, "This is not the login that is waiting", "It may be an older one. Go on in the window that was opened last, or start again."
)
_DONE = _Answer(200, "The login is confirmed", "You can close this window and go back to the terminal.")
_DENIED = _Answer(200, "You are not logged in", "The login was denied. You can close this window and go back to the terminal.")
_NO_CODE = _Answer(400, "You are not logged in", "The site has sent no code. You can close this window and go back to the terminal.")


class RedirectListener:
    """Listens on 127.0.0.1 alone, from its construction to `close`, which also ends a ``with`` block.

    `wait` is for one thread. What comes with another state than the login's is refused, and changes nothing.

    Args:
        state: What the redirect of this login must have.
        page: What the browser shows then.

    Raises:
        ConfigurationError: None of the ports is free.
    """

    def __init__(self, state: str, page: Page) -> None:
        self._state = state
        self._page = page
        self._lock = threading.Lock()
        self._taken: str | None = None  # the query that has ended the wait
        self._answer = _NOT_THIS_LOGIN
        self._outcome: str | AlicredError | None = None
        self._server = _listening(self)
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), name="alicred-login", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_port

    @property
    def redirect_uri(self) -> str:
        """Where the browser must be sent."""
        return f"http://{HOST}:{self.port}{PATH}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._wake.close()
        self._woken.close()

    def __enter__(self) -> RedirectListener:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    # --- waiting ------------------------------------------------------------------------------------------------------------------

    def wait(self, at_most: timedelta, *, pasted: int | None = None, on_wrong_paste: Callable[[], None] = lambda: None) -> str:
        """The code that the browser brings.

        Args:
            at_most: How long to wait.
            pasted: A descriptor to read lines from; one may be the address at which a browser elsewhere has ended.
            on_wrong_paste: Called for every line that is no such address.

        Raises:
            DeniedError: The person, or the site, has said no.
            MalformedResponseError: The site has sent the browser back without a code.
            TransientError: Nothing came.
        """
        deadline = monotonic() + at_most.total_seconds()
        lines = None if pasted is None else _Lines(pasted)
        while self._outcome is None:
            left = deadline - monotonic()
            if left <= 0:
                raise TransientError(
                    f"the login in the browser failed: nothing came back within {at_most.total_seconds():.0f} s. Start again, and confirm "
                    "the login in the browser. If the page there says that you are not assigned to the application, ask an administrator "
                    "of the account first.",
                    code=TIMED_OUT,
                )
            watched: list[int] = [self._woken.fileno(), *([] if lines is None else [lines.descriptor])]
            ready, _, _ = select.select(watched, [], [], left)
            if lines is not None and lines.descriptor in ready:
                for line in lines.read():
                    if self.take_pasted(line) is _NOT_THIS_LOGIN:
                        on_wrong_paste()
                if lines.has_ended:
                    lines = None
        if isinstance(self._outcome, AlicredError):
            raise self._outcome
        return self._outcome

    def take_pasted(self, line: str) -> _Answer:
        """What a person has pasted: the address at which a browser elsewhere has ended."""
        try:
            parts = urlsplit(line.strip())
        except ValueError:
            return _NOT_THIS_LOGIN
        answer = self.take(parts.query) if parts.path == PATH else _NOT_THIS_LOGIN
        self.settle(answer)
        return answer

    # --- what came ----------------------------------------------------------------------------------------------------------------

    def take(self, query: str) -> _Answer:
        """What to answer to the redirect with *query*. The first of this login is the one that counts, once it is `settle`d."""
        values = dict(parse_qsl(query, keep_blank_values=True))
        if not hmac.compare_digest(values.get("state", "").encode(), self._state.encode()):
            return _NOT_THIS_LOGIN
        with self._lock:
            if self._taken is None:
                self._taken = query
                self._answer = _answer(values)
            return self._answer if self._taken == query else _NOT_THIS_LOGIN

    def settle(self, answer: _Answer) -> None:
        """End the wait, if *answer*, which the browser has by now, is that to the redirect that counts."""
        with self._lock:
            if self._taken is None or answer is not self._answer or self._outcome is not None:
                return
            self._outcome = _outcome(dict(parse_qsl(self._taken, keep_blank_values=True)))
        self._wake.send(b"x")

    def written(self, answer: _Answer) -> bytes:
        """The page for *answer*."""
        return self._page.html(answer.title, answer.text, good=answer is _DONE).encode("utf-8", "replace")


def _code_in(values: Mapping[str, str]) -> str | None:
    code = values.get("code", "")
    return code if code and code.isascii() and code.isprintable() and len(code) <= _LONGEST_CODE else None


def _answer(values: Mapping[str, str]) -> _Answer:
    return _DENIED if "error" in values else _NO_CODE if _code_in(values) is None else _DONE


def _outcome(values: Mapping[str, str]) -> str | AlicredError:
    if "error" in values:
        code = safe_code(values)
        cause = "it was denied in the browser" if code == "access_denied" else "the site has sent the browser back with an error"
        text = f"the login in the browser failed: {cause}. Start again, and allow it, or ask an administrator of the account."
        return DeniedError(text + own_words(values, (values.get("state", ""), values.get("code", ""))), code=code)
    code = _code_in(values)
    if code is None:
        return MalformedResponseError("the login in the browser failed: the site has sent the browser back without a code. Start again.")
    return code


class _Lines:
    """Whole lines from a descriptor, as they come."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.has_ended = False
        self._rest = b""

    def read(self) -> list[str]:
        """Those that are there; call it when the descriptor is ready."""
        try:
            chunk = os.read(self.descriptor, _LONGEST_LINE)
        except OSError:
            chunk = b""
        self.has_ended = not chunk
        *whole, self._rest = (self._rest + chunk).split(b"\n")
        if self.has_ended or len(self._rest) > _LONGEST_LINE:
            whole, self._rest = [*whole, self._rest], b""
        return [text for line in whole if (text := line.decode("utf-8", "replace").strip())]


class _Server(ThreadingHTTPServer):
    """Never shares its port: one that came second would get the redirects of the first."""

    allow_reuse_address = os.name == "posix"  # there it only means that a port is free again at once
    allow_reuse_port = False
    daemon_threads = True
    block_on_close = False

    def __init__(self, port: int, listener: RedirectListener) -> None:
        self.listener = listener
        super().__init__((HOST, port), _Handler)

    def server_bind(self) -> None:
        """Without looking up what this machine is called, as the base class does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1) if self.allow_reuse_address else None
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = HOST, self.socket.getsockname()[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that goes away is no error."""


class _Handler(BaseHTTPRequestHandler):
    timeout: ClassVar[float | None] = _PATIENCE
    server_version, sys_version = "alicred", ""

    def do_GET(self) -> None:
        listener = cast("_Server", self.server).listener
        path, _, query = self.path.partition("?")
        answer = listener.take(query) if path == PATH else _NOT_FOUND
        try:
            self._write(listener, answer)
        finally:
            listener.settle(answer)

    def _refuse(self) -> None:
        self._write(cast("_Server", self.server).listener, _NOT_ALLOWED)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = _refuse

    def _write(self, listener: RedirectListener, answer: _Answer) -> None:
        content = listener.written(answer)
        self.send_response(answer.status)
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if answer.status == 405:
            self.send_header("Allow", "GET")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the address that was asked for holds the code."""


def _listening(listener: RedirectListener) -> _Server:
    for port in PORTS:
        try:
            return _Server(port, listener)
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
    raise ConfigurationError(
        f"the login in the browser failed: the ports {PORTS[0]} to {PORTS[-1]} of this machine are all in use, and the site sends the "
        "browser to no other. End the programs that listen there, such as another login."
    )
