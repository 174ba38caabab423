"""A credentials URI on the loopback interface, for the programs that are told its address and nothing else.

`LoopbackServer` is strict: any process of the machine, and any page in a browser, can send requests to loopback. The address holds a
token of 256 bits, made at the start. Clients put the whole address into their error texts, so the token counts for one server only.
"""

from __future__ import annotations

import hmac
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qs

from alicred.credential import Credential
from alicred.errors import AlicredError
from alicred.policy.refresh import RefreshPolicy
from alicred.policy.window import FixedWindow
from alicred.refresh.cache import CachingProvider
from alicred.server.request import Bad, Request, answer, read_request

_PATH = "/v1/credentials/"
_ANSWER_WITHIN = timedelta(milliseconds=800)  # the most hasty of the official clients gives up after one second
_CONNECTIONS = 64
_PER_SECOND = 50
_HEAD_WITHIN = 5.0  # seconds
_LOOK_AGAIN = 1.0  # seconds, where nothing says when to look
_SHORTLY = 0.1  # seconds
# A page in a browser, and what a proxy forwards, have these.
_FROM_ELSEWHERE = ("origin", "sec-fetch-site", "x-forwarded-for", "forwarded")


def for_clients() -> RefreshPolicy:
    """The policy for what is served: with less than 15 minutes left, four of the official clients would ask at every call."""
    return RefreshPolicy(ahead=FixedWindow(timedelta(minutes=20)), jitter=0.2)


class LoopbackServer:
    """Answers ``GET /v1/credentials/<name>?token=<token>`` on 127.0.0.1 from construction to `stop`, or in a ``with`` block.

    One thread accepts, one keeps the credentials fresh, and each request has one of its own. Thread-safe; it belongs to the process
    that made it. Keys without a security token are not served: they never end, and some clients refuse them.

    Args:
        providers: What is served, by name: caches that hold a value already. They stay open.
    """

    def __init__(self, providers: Mapping[str, CachingProvider[Credential]]) -> None:
        self._providers = dict(providers)
        self._token = secrets.token_urlsafe(32)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self._listener.settimeout(_LOOK_AGAIN)
        self._port: int = self._listener.getsockname()[1]
        self._hosts = {f"{host}{port}" for host in ("127.0.0.1", "localhost", "[::1]") for port in ("", f":{self._port}")}
        self._free = threading.BoundedSemaphore(_CONNECTIONS)
        self._rate = _Rate()
        self._stopped = threading.Event()
        for work, name in ((self._accept, "alicred-server"), (self._keep_fresh, "alicred-server-refresh")):
            threading.Thread(target=work, name=name, daemon=True).start()

    def uri(self, name: str) -> str:
        """The address of the credential *name*, token included: as secret as the credential."""
        return f"http://127.0.0.1:{self._port}{_PATH}{name}?token={self._token}"

    def stop(self) -> None:
        """Listen no longer. What is being answered is answered."""
        self._stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts, on Linux; elsewhere it looks every second
        self._listener.close()

    def __enter__(self) -> LoopbackServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<LoopbackServer on 127.0.0.1:{self._port}: {', '.join(self._providers)}>"

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            except OSError:  # it was closed; or a descriptor is lacking, or the client has gone
                self._stopped.wait(_SHORTLY)
                continue
            if not self._free.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(target=self._converse, args=(connection,), name="alicred-server-request", daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError):  # the client has gone
                given = self._answer(connection)
                connection.settimeout(_HEAD_WITHIN)
                connection.sendall(given)
                connection.shutdown(socket.SHUT_WR)
        finally:
            self._free.release()

    def _answer(self, connection: socket.socket) -> bytes:
        try:
            return self._served(read_request(connection, within=_HEAD_WITHIN))
        except Bad as bad:
            return answer(bad.status, {"Code": bad.code, "Message": bad.message}, retry_after=bad.retry_after)

    def _served(self, request: Request) -> bytes:
        """The answer to *request*.

        Raises:
            Bad: There is none.
        """
        if request.headers.get("host", "").lower() not in self._hosts or any(name in request.headers for name in _FROM_ELSEWHERE):
            raise Bad(403, "Forbidden", "this address is for programs on this machine")
        path, _, query = request.target.partition("?")
        if not hmac.compare_digest(_token(request, query).encode(), self._token.encode()):
            raise Bad(401, "Unauthorized", "the token is missing or wrong: use the whole address")
        if request.method != "GET":
            raise Bad(405, "MethodNotAllowed", "use GET")
        if not self._rate.allows():
            raise Bad(429, "TooManyRequests", f"more than {_PER_SECOND} requests in a second", retry_after=1)
        provider = self._providers.get(path.removeprefix(_PATH)) if path.startswith(_PATH) else None
        if provider is None:
            raise Bad(404, "NotFound", "there is no credential of this name")
        try:
            credential = provider.get(max_wait=_ANSWER_WITHIN)
        except AlicredError as error:
            raise Bad(503, error.code or "Unavailable", str(error), retry_after=1) from None
        if credential.security_token is None or credential.expires_at is None:
            raise Bad(503, "NotTemporary", "the credential is not temporary, and is not served")
        return answer(
            200,
            {
                "Code": "Success",
                "AccessKeyId": credential.access_key_id,
                "AccessKeySecret": credential.access_key_secret,
                "SecurityToken": credential.security_token,
                "Expiration": credential.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        )

    def _keep_fresh(self) -> None:
        """Ask each provider when its refresh is due, so that no client waits for it."""
        while True:
            pauses = [_pause(provider) for provider in self._providers.values()]
            if self._stopped.wait(max(_SHORTLY, min(pauses, default=_LOOK_AGAIN))):
                return
            for provider in self._providers.values():
                with suppress(AlicredError):  # the log has it, and clients get it when they ask
                    provider.get(max_wait=timedelta(0))


def _pause(provider: CachingProvider[Credential]) -> float:
    """Seconds until *provider* should be asked; not more than a minute, since clocks are set."""
    state = provider.state()
    moments = [moment for moment in (state.refresh_due_at, state.next_attempt_at) if moment is not None]
    if not moments:
        return _LOOK_AGAIN
    return min(60.0, max(0.0, (max(moments) - datetime.now(timezone.utc)).total_seconds()))


def _token(request: Request, query: str) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    return parse_qs(query).get("token", [""])[-1]


class _Rate:
    """At most `_PER_SECOND` in each second. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._second = 0
        self._count = 0

    def allows(self) -> bool:
        """Whether one more is allowed now; it counts."""
        with self._lock:
            second = int(time.monotonic())
            if second != self._second:
                self._second, self._count = second, 0
            self._count += 1
            return self._count <= _PER_SECOND
