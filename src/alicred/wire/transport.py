"""One request on a connection of its own, by urllib3's pools. Loaded at the first request, never by ``import alicred``.

Every name of urllib3's is looked up when it is used. So a tool that instruments or records urllib3 sees these requests, and leaves nothing
behind. `_Answer`, `_connection_class` and `Trust` keep the promises that urllib3 does not make. Everything else is left to urllib3.
"""

from __future__ import annotations

import http.client
import io
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import urllib3

from alicred._internal.real_time import monotonic
from alicred.errors import AlicredError, ConfigurationError
from alicred.wire.failures import connect_failure, exchange_failure, is_of_connecting
from alicred.wire.operation import Operation
from alicred.wire.response import HttpResponse
from alicred.wire.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from alicred.wire.proxies import Proxy
    from alicred.wire.url import Target

LARGEST_BODY = 1 << 20  # bytes
_CHUNK = 65536


class _DeadlineReader(io.RawIOBase):
    """A socket as a file whose every read ends by one moment, not each within a time-out of its own."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._file = sock.makefile("rb", 0)  # which keeps the socket open when its connection closes it early, as http.client's does
        self._timeout = sock.gettimeout()
        self._ends = None if self._timeout is None else monotonic() + self._timeout
        self.has_ended = False

    def makefile(self, mode: str) -> io.BufferedReader:
        """Itself, buffered: what `http.client.HTTPResponse` asks a socket for."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int | None:  # type: ignore[override]  # a bytes-like object is enough
        if self._ends is not None:
            left = self._ends - monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
        count = self._file.readinto(buffer)
        self.has_ended = count == 0
        return count

    def close(self) -> None:
        if not self.closed:
            if self._sock.fileno() >= 0:
                self._sock.settimeout(self._timeout)  # the connection goes on after the answer to CONNECT
            self._file.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer that must be complete within the time-out that the socket has when it begins.

    The base class also trusts interim answers, headers that break off, lines that are no headers, and the sizes of chunks.
    """

    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None, url: str | None = None) -> None:
        self._reader = _DeadlineReader(sock)
        super().__init__(self._reader, debuglevel, method, url)  # type: ignore[arg-type]  # no socket, but it has makefile()

    def begin(self) -> None:
        super().begin()
        while 100 <= self.status < 200 and self.status != http.client.SWITCHING_PROTOCOLS:
            # Interim, as 103: the base class knows 100 alone, and takes the others for the whole answer.
            self.headers = None  # type: ignore[assignment]  # so that it begins again
            super().begin()
        if self._reader.has_ended:  # within the headers, which the base class takes for their end
            raise http.client.IncompleteRead(b"")
        # What is no header is passed over. Left there, urllib3 would write it to its log.
        self.msg.defects.clear()
        self.msg.set_payload("")

    def _read_next_chunk_size(self) -> int:
        # The base class takes -1 for a size, and then reads for as long as something comes.
        size = int(super()._read_next_chunk_size())  # type: ignore[misc]  # private: a test notices when it is gone
        if size < 0:
            raise http.client.HTTPException
        return size


def _connection_class(base: type[Any], target: str, stands: Callable[[], None]) -> type[Any]:
    """The class of a connection that asks for *target*, whatever URL its pool was given, and reads an `_Answer`.

    A pool logs its URL, encodes it again, and is watched by tools that keep URLs. So the pool gets a URL without the query, which may hold
    a secret, and the request line is put in here.

    Args:
        base: The class that the pool would use now: urllib3's own, or the one that a tool has put in its place.
        target: What the request line names.
        stands: Called when the connection stands, or, without TLS, is about to be made.
    """

    def request(self: Any, method: str, url: str, *arguments: Any, **options: Any) -> None:
        stands()
        base.request(self, method, target, *arguments, **options)

    return type("Connection", (base,), {"request": request, "response_class": staticmethod(_Answer)})


def send(
    method: str,
    target: Target,
    headers: dict[str, str],
    body: bytes,
    proxy: Proxy | None,
    *,
    connect_timeout: float,
    read_timeout: float,
    ca_file: str | None,
) -> HttpResponse:
    """One request, one whole answer. What *target* and *headers* may hold, `Target` has seen to.

    Raises:
        AlicredError: Anything else that happened.
    """
    if not method.isascii() or not method.isalpha():
        raise ConfigurationError("the method of a request must be a word, such as GET or POST")
    operation = Operation(f"{method} {target}")
    forwarded = proxy is not None and target.endpoint.scheme == "http"
    stood: list[bool] = []
    trust = Trust(ca_file)
    failed: AlicredError
    try:
        with _pool(target, proxy, trust, urllib3.Timeout(connect=connect_timeout, read=read_timeout)) as pool:
            whole = target.absolute_form if forwarded else target.origin_form
            pool.ConnectionCls = _connection_class(pool.ConnectionCls, whole, partial(stood.append, True))
            answer = pool.urlopen(
                method,
                str(target) if forwarded else target.path,
                body=body or None,
                headers={"accept-encoding": "identity", **headers},
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
            )
            try:
                return HttpResponse(answer.status, _joined(answer), _read(answer, operation), target.endpoint.scheme == "https")
            finally:
                answer.close()
    except AlicredError:
        raise
    except Exception as error:  # noqa: BLE001  (there is no end to what an answer can make the layers below raise)
        if stood and not is_of_connecting(error):
            failed = exchange_failure(error, operation=operation, timeout=read_timeout)
        else:
            failed = connect_failure(error, operation=operation, proxy=None if proxy is None else proxy.endpoint, trust=trust)
    raise failed  # here, so that the error that may quote what was sent is not even its context


def _pool(target: Target, proxy: Proxy | None, trust: Trust, timeout: urllib3.Timeout) -> urllib3.HTTPConnectionPool:
    """A pool for one connection, which is closed with it."""
    server = target.endpoint
    secure = server.scheme == "https" or (proxy is not None and proxy.endpoint.scheme == "https")
    context = trust.context() if secure else None
    if proxy is None:
        if context is None:
            return urllib3.HTTPConnectionPool(server.host, server.port, timeout=timeout)
        return urllib3.HTTPSConnectionPool(server.host, server.port, timeout=timeout, ssl_context=context)
    headers = {} if proxy.authorization is None else {"Proxy-Authorization": proxy.authorization}
    if server.scheme == "https":
        headers["Host"] = f"{server.host}:{server.port or 443}"  # http.client leaves the brackets of an address out
    proxies = urllib3.ProxyManager(
        str(proxy.endpoint), proxy_headers=headers, proxy_ssl_context=context, timeout=timeout, ssl_context=context
    )
    return proxies.connection_from_host(server.host, server.port, server.scheme)


def _joined(answer: Any) -> Mapping[str, str]:
    received: dict[str, str] = {}
    for name, value in answer.headers.items():
        lower = name.lower()
        received[lower] = f"{received[lower]}, {value}" if lower in received else value
    return received


def _read(answer: Any, operation: Operation) -> bytes:
    too_large = operation.malformed(f"the answer is larger than {LARGEST_BODY} bytes and was not read", status=answer.status)
    if (answer.length_remaining or 0) > LARGEST_BODY:
        raise too_large
    content = bytearray()
    while chunk := answer.read(min(_CHUNK, LARGEST_BODY + 1 - len(content))):  # waits for no more than it takes to refuse
        content += chunk
        if len(content) > LARGEST_BODY:
            raise too_large
    return bytes(content)
