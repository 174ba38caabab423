"""Whatever a server does, a worker gets what its source gives; and no server gets a secret."""

from __future__ import annotations

import secrets
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from alicred import CachingProvider, Credential, DeniedError, TransientError
from alicred.events import StoreFailed
from alicred.sharing import RedisStore, SharedProvider, StoreKey
from tests.secrecy import SECRET, SHAPES
from tests.sharing.fleets import needs_make_fleet
from tests.sharing.redis_servers import Server, calls, claim, keys, needs_redis, new_entry, record, running, wait_until
from tests.support import HOUR, Recorder, Script

pytestmark = [needs_make_fleet, needs_redis]
SHORT = timedelta(milliseconds=250)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(Server(tmp_path)) as server:
        yield server


class Worker:
    """One that shares by *store*, and what it has heard."""

    def __init__(self, store: RedisStore, key: StoreKey, source: Any = None) -> None:
        self.heard = Recorder()
        self.source = source or Script(HOUR)
        self.shared = SharedProvider(self.source, store, name="fleet", key=key, listener=self.heard)

    def goes_on(self) -> BaseException:
        """It gets what its source gives, soon; what it was told of the store."""
        began = time.monotonic()
        assert self.shared.get().access_key_id
        assert time.monotonic() - began < 1.5
        assert self.source.calls == 1
        errors = [event.error for event in self.heard.of(StoreFailed)]
        assert errors
        return errors[0]


def full(server: Server) -> None:
    server.run("CONFIG", "SET", "maxmemory", "1")


def read_only(server: Server) -> None:
    server.run("CONFIG", "SET", "replica-serve-stale-data", "yes")
    server.run("REPLICAOF", "127.0.0.1", "1")


def cut_off(server: Server) -> None:
    server.run("CONFIG", "SET", "replica-serve-stale-data", "no")
    server.run("REPLICAOF", "127.0.0.1", "1")


def locked(server: Server) -> None:
    server.run("CONFIG", "SET", "requirepass", secrets.token_hex(8))


def busy(server: Server) -> None:
    server.run("CONFIG", "SET", "busy-reply-threshold", "10")

    def loop() -> None:
        with suppress(Exception):
            server.run("EVAL", "while true do end", 0)

    threading.Thread(target=loop, daemon=True).start()
    wait_until(lambda: is_busy(server))


def is_busy(server: Server) -> bool:
    try:
        server.run("PING")
    except Exception as error:
        return "BUSY" in str(error).upper()
    return False


def without_scripts(server: Server) -> None:
    server.run("ACL", "SETUSER", "default", "-@scripting")


TROUBLES = [
    (full, TransientError, "OutOfMemoryError|OOM|ResponseError"),
    (read_only, TransientError, "ReadOnlyError"),
    (cut_off, TransientError, "MasterDownError|ResponseError"),
    (locked, DeniedError, "AuthenticationError"),
    (busy, TransientError, "Busy|ResponseError"),
    (without_scripts, DeniedError, "NoPermissionError"),
    (Server.kill, TransientError, "Connection refused"),
    (Server.stop, TransientError, "TimeoutError"),
]


@pytest.mark.parametrize(("trouble", "kind", "text"), TROUBLES, ids=[each[0].__name__ for each in TROUBLES])
def test_13_a_worker_goes_on_by_itself(trouble: Callable[[Server], None], kind: type[Exception], text: str, server: Server) -> None:
    worker = Worker(RedisStore(server.url, timeout=SHORT), StoreKey.generate())
    claim(RedisStore(server.url), new_entry()).end()
    trouble(server)
    error = worker.goes_on()
    assert type(error) is kind
    with pytest.raises(kind, match=text):
        raise error


def test_what_a_full_server_holds_is_still_adopted(server: Server) -> None:
    store, key = RedisStore(server.url), StoreKey.generate()
    first = Worker(store, key).shared.get()
    full(server)
    second = Worker(store, key)
    assert second.shared.get() == first
    assert second.source.calls == 0


def test_what_a_replica_holds_is_still_adopted(server: Server) -> None:
    store, key = RedisStore(server.url), StoreKey.generate()
    first = Worker(store, key).shared.get()
    server.run("CONFIG", "SET", "replica-serve-stale-data", "yes")
    server.run("REPLICAOF", "127.0.0.1", "1")
    second = Worker(store, key)
    assert second.shared.get() == first
    assert second.source.calls == 0


def test_a_save_that_a_full_server_refuses_changes_nothing(server: Server) -> None:
    store, entry = RedisStore(server.url), new_entry()
    assert claim(store, entry).save(record(1))
    lease = claim(store, entry, 1)
    server.run("CONFIG", "SET", "maxmemory", "1")
    try:
        saved = lease.save(record(2))
    except TransientError:
        saved = False
    assert claim(store, entry).record.generation == (2 if saved else 1)


# --- servers that are none ----------------------------------------------------------------------------------------------------------


@contextmanager
def answering(*parts: bytes, pause: float = 0) -> Iterator[int]:
    """The port of a server that reads a little, and says these over and over, whatever it was asked."""
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        try:
            with connection:
                connection.settimeout(5)
                connection.recv(65536)
                while not over.is_set():
                    for part in parts:
                        connection.sendall(part)
                        over.wait(pause)
        except OSError:
            pass

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


LIES = {
    "another protocol": (b"HTTP/1.1 400 Bad Request\r\n\r\n",),
    "noise": (b"\x00\xff\x07" * 100,),
    "nothing": (b"$-1\r\n",),
    "a number": (b":1\r\n",),
    "an empty list": (b"*0\r\n",),
    "the time alone": (b"*1\r\n:1\r\n",),
    "no time": (b"*2\r\n$4\r\nlate\r\n:1\r\n",),
    "late, for ever": (b"*2\r\n:1\r\n$4\r\nlate\r\n",),
    "a lease of no number": (b"*4\r\n:1\r\n$5\r\nlease\r\n$1\r\nx\r\n$1\r\n0\r\n",),
    "a pause of ages": (b"*4\r\n:1\r\n$4\r\nbusy\r\n:9223372036854775807\r\n$2\r\n!X\r\n",),
    "a record of no length": (b"*6\r\n:1\r\n$6\r\nstored\r\n$1\r\n9\r\n$0\r\n\r\n:9223372036854775807\r\n:1\r\n",),
    "a moment far away": (b"*2\r\n:" + b"9" * 4000 + b"\r\n$4\r\nlate\r\n",),
    "half an answer": (b"*2\r\n:1\r\n$400\r\nlate",),
}


@pytest.mark.parametrize("lie", LIES)
def test_13_a_server_that_talks_nonsense_holds_no_worker_up(lie: str) -> None:
    with answering(*LIES[lie], pause=0.6) as port:
        Worker(RedisStore(f"redis://127.0.0.1:{port}", timeout=SHORT), StoreKey.generate()).goes_on()


@pytest.mark.parametrize("part", [b"+", b"x", b"$60000\r\n", b"*9\r\n"])
def test_22_an_answer_that_drips_is_waited_for_no_longer_than_another(part: bytes) -> None:
    with answering(part, pause=0.05) as port:
        began = time.monotonic()
        with pytest.raises(TransientError):
            claim(RedisStore(f"redis://127.0.0.1:{port}", timeout=SHORT), new_entry())
        assert time.monotonic() - began < 0.5


def test_an_answer_without_an_end_is_not_read() -> None:
    with answering(b"$1000000000\r\n", *[b"x" * 65536] * 1000) as port:
        store = RedisStore(f"redis://127.0.0.1:{port}", timeout=timedelta(seconds=20))
        began = time.monotonic()
        with pytest.raises(TransientError):
            claim(store, new_entry())
        assert time.monotonic() - began < 5


# --- secrets ------------------------------------------------------------------------------------------------------------------------


class Telling:
    """A source whose credential, and whose failures, are full of secrets."""

    name = "telling"

    def __init__(self) -> None:
        self.calls = 0
        self.fails = False

    def get(self) -> Credential:
        self.calls += 1
        if self.fails:
            raise TransientError("throttled", code=f"Throttling\n{'x' * 200}")
        end = datetime.now(timezone.utc) + HOUR
        return Credential("STS.planted-id", SECRET, SECRET[::-1], expires_at=end)


def test_no_secret_is_in_a_byte_that_goes_to_the_server(server: Server, tmp_path: Path) -> None:
    password, key_bytes = secrets.token_urlsafe(24), secrets.token_bytes(32)
    server.run("ACL", "SETUSER", "worker", "on", f">{password}", "~alicred:*", "+@all")
    sent = bytearray()
    with recording(server.port, sent) as port:
        store = RedisStore(f"redis://worker:{password}@127.0.0.1:{port}", timeout=timedelta(seconds=5))
        source = Telling()
        shared = SharedProvider(source, store, name="fleet", key=StoreKey(key_bytes))
        cached = CachingProvider(shared)
        cached.invalidate(cached.get())
        cached.get()
        SharedProvider(source, store, name="fleet", key=StoreKey(key_bytes)).get()
        source.fails = True
        cached.invalidate(cached.get())
        with pytest.raises(TransientError):
            cached.get()
    assert source.calls == 3
    assert calls(server) >= 7
    kept = server.run("GET", keys(shared.entry)[1])
    assert kept == b"!Throttling" + b"x" * 54
    assert b"sealed" in sent
    for what in (bytes(sent), server.run("DUMP", keys(shared.entry)[0])):
        assert b"planted" not in what
        for shape in (*SHAPES, SECRET[::-1], SECRET[::-1][:12], key_bytes.hex()):
            assert shape.encode() not in what
        assert key_bytes not in what
    assert b"fleet" not in sent, "not even what the credential is called"


@contextmanager
def recording(port: int, sent: bytearray) -> Iterator[int]:
    """The port of a proxy that keeps what clients send."""

    def pass_on(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", port)) as upstream:
            while True:
                for source in select.select([client, upstream], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    if source is client:
                        sent.extend(data)
                    (upstream if source is client else client).sendall(data)

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError):
                pass_on(client)  # one after the other

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
