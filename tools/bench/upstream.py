"""Servers on this machine's loopback interface, in a process of their own: one that answers at once, and a `FakeCloud`.

The first answers every request with the same session, as ``AssumeRole`` would, over plain HTTP and over TLS. It does next to nothing,
so that what is measured is the client.
"""

from __future__ import annotations

import contextlib
import json
import math
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path


@dataclass(frozen=True)
class Upstream:
    """Where the servers are, and a key for the `FakeCloud`."""

    plain: str
    tls: str
    ca_file: str
    cloud: str
    key_id: str
    key_secret: str
    role_arn: str


@contextlib.contextmanager
def upstream() -> Iterator[Upstream]:
    """The servers, for as long as the block runs."""
    command = [sys.executable, "-m", "tools.bench.upstream"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            yield Upstream(**json.loads(child.stdout.readline()))
        finally:
            child.stdin.close()  # which is how it learns that it is not needed any more


def answer() -> bytes:
    now = datetime.now(timezone.utc)
    session = {
        "AccessKeyId": "bench-session",
        "AccessKeySecret": "s" * 44,
        "SecurityToken": "t" * 600,
        "Expiration": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}",
    }
    user = {"Arn": "acs:ram::1234567890123456:role/bench/bench", "AssumedRoleId": "300000000000000001:bench"}
    body = json.dumps({"RequestId": "00000000-0000-4000-8000-000000000000", "AssumedRoleUser": user, "Credentials": session}).encode()
    head = (
        "HTTP/1.1 200 OK",
        f"Date: {format_datetime(now, usegmt=True)}",
        "Content-Type: application/json;charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: keep-alive",
        "x-acs-request-id: 00000000-0000-4000-8000-000000000000",
    )
    return "\r\n".join((*head, "", "")).encode() + body


def converse(connection: socket.socket, context: ssl.SSLContext | None) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is not None:
        connection = context.wrap_socket(connection, server_side=True)
    reply, received, made = b"", b"", -math.inf
    with contextlib.suppress(OSError):
        while True:
            while b"\r\n\r\n" not in received:
                chunk = connection.recv(65536)
                if not chunk:
                    return
                received += chunk
            head, _, body = received.partition(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            length = int(lengths[0].partition(b":")[2]) if lengths else 0
            while len(body) < length:
                body += connection.recv(65536)
            received = body[length:]
            if time.monotonic() - made > 1:  # the time in it is looked at
                reply, made = answer(), time.monotonic()
            connection.sendall(reply)


def listen(context: ssl.SSLContext | None) -> int:
    """Serve on a port of its own, from now on; the port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=converse, args=(connection, context), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def main() -> None:
    from alicred.testing import FakeCloud
    from alicred.testing.cloud.tls import server_context

    with tempfile.TemporaryDirectory() as folder, FakeCloud() as cloud:
        ca_file = Path(folder, "ca.pem")
        context = server_context(Path(folder), ca_file)
        found = Upstream(
            plain=f"http://127.0.0.1:{listen(None)}",
            tls=f"https://127.0.0.1:{listen(context)}",
            ca_file=str(ca_file),
            cloud=cloud.http_endpoint,
            key_id=cloud.access_key.access_key_id,
            key_secret=cloud.access_key.access_key_secret,
            role_arn=cloud.role_arn,
        )
        print(json.dumps(asdict(found)), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
