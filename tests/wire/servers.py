"""Small servers on loopback, one for each test: one that answers, one that misbehaves on the socket."""

from __future__ import annotations

import datetime
import http.server
import ipaddress
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs


@attrs.frozen
class Request:
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    peer: tuple[str, int]


@attrs.frozen
class Reply:
    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = attrs.field(factory=dict)


@attrs.define
class Server:
    port: int
    scheme: str = "http"
    requests: list[Request] = attrs.field(factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        return len({request.peer for request in self.requests})


@contextmanager
def answering(reply: Callable[[Request], Reply], *, certificate: Path | None = None) -> Iterator[Server]:
    """A server that answers each request with what *reply* says."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5
        wbufsize = -1

        def do(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(self.command, self.path, headers, body, self.client_address)
            server.requests.append(request)
            answer = reply(request)
            self.send_response_only(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()

        do_GET = do_POST = do_PUT = do

        def log_message(self, *args: object) -> None:
            pass

    class Quiet(http.server.ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, *args: object) -> None:
            pass

        def process_request(self, request: Any, client_address: Any) -> None:
            accepted.append(request)
            super().process_request(request, client_address)

    accepted: list[socket.socket] = []
    with Quiet(("127.0.0.1", 0), Handler) as listener:
        server = Server(listener.server_port)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            listener.socket = context.wrap_socket(listener.socket, server_side=True, do_handshake_on_connect=False)
            server.scheme = "https"
        thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown()
            thread.join()
            for connection in accepted:  # those that are kept alive would go on being served
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def misbehaving(act: Callable[[socket.socket], None]) -> Iterator[Server]:
    """A server that accepts and then does *act* with each connection, after it has read the head of a request."""
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection:
            connection.settimeout(5)
            try:
                read_head(connection)
                act(connection)
            except OSError:
                pass

    def accept() -> None:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
            threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.02)
        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield Server(listener.getsockname()[1])
        finally:
            stop.set()
            acceptor.join()
            for thread in threads:
                thread.join(5)


@contextmanager
def tls_proxy(certificate: Path, slow: threading.Event) -> Iterator[int]:
    """The port of a proxy that is reached over TLS and tunnels one connection. While *slow* is set, it drips what the server sends."""

    def pass_on(client: ssl.SSLSocket, upstream: socket.socket) -> None:
        while True:
            ready = [client] if client.pending() else select.select([client, upstream], [], [], 5)[0]
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                if source is client:
                    upstream.sendall(data)
                elif not slow.is_set():
                    client.sendall(data)
                else:
                    for byte in data:
                        client.sendall(bytes([byte]))
                        time.sleep(0.02)

    def serve() -> None:
        with suppress(OSError):
            accepted, _ = listener.accept()
            accepted.settimeout(5)
            with context.wrap_socket(accepted, server_side=True) as client:
                port = int(read_head(client).split(b" ")[1].rpartition(b":")[2])
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                with socket.create_connection(("127.0.0.1", port), timeout=30) as upstream:
                    pass_on(client, upstream)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def read_head(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionError
        received += chunk
    return received


def make_certificate(path: Path, *, expired: bool = False) -> Path:
    """A certificate for 127.0.0.1 that is its own authority, and its key, in one PEM file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.timezone.utc)
    shift = datetime.timedelta(days=-30 if expired else 0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + shift - datetime.timedelta(days=1))
        .not_valid_after(now + shift + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=True,
                crl_sign=False,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
