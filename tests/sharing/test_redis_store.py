"""`RedisStore` against a real server: what it keeps, what it makes of what others put there, and what it costs."""

from __future__ import annotations

import os
import pickle
import secrets
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from alicred import ConfigurationError, DeniedError, TransientError
from alicred.sharing import Busy, Record, RedisStore, Stored
from alicred.testing.conformance import store_checks
from tests.forked import in_child
from tests.sharing.redis_servers import NAMES, Server, calls, claim, keys, needs_redis, new_entry, record, running, wait_until
from tests.testing.conformance.support import check_named

pytestmark = needs_redis
LEASE = timedelta(seconds=10)
HOUR = timedelta(hours=1)
ZERO = timedelta(0)
SHORT = timedelta(milliseconds=250)
RIGHTS = ("+eval", "+evalsha", "+hmget", "+hset", "+set", "+get", "+pttl", "+del", "+pexpire", "+time", "~alicred:*")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(Server(tmp_path_factory.mktemp("redis"))) as server:
        yield server


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server that a test may break."""
    server = Server(tmp_path)
    with running(server):
        yield server


def saved(store: RedisStore, entry: str, generation: int = 1) -> None:
    assert claim(store, entry).save(record(generation))


@pytest.mark.parametrize("name", NAMES)
def test_it_passes_the_checks_of_stores(name: str, server: Server) -> None:
    check_named(name, store_checks(server.store))()


@pytest.mark.parametrize("name", NAMES)
def test_so_does_one_with_a_client_of_the_users_own(name: str, server: Server) -> None:
    def make() -> RedisStore:
        return RedisStore.connected_by(Decoding(server.port), timeout=timedelta(seconds=5))

    check_named(name, store_checks(make))()


class Decoding:
    """Connects with a client that decodes answers and speaks the newest protocol, as a program's own may."""

    def __init__(self, port: int) -> None:
        self.port = port

    def __call__(self) -> redis.Redis:
        return redis.Redis(port=self.port, decode_responses=True, protocol=3, socket_timeout=5)


# --- what is stored -----------------------------------------------------------------------------------------------------------------


def test_an_entry_is_two_keys_and_both_end(server: Server) -> None:
    store, entry = server.store(), new_entry()
    lease = claim(store, entry)
    assert 0 < server.run("PTTL", keys(entry)[1]) <= 10_000
    assert lease.save(record())
    assert server.run("KEYS", f"*{entry}*") == [keys(entry)[0].encode()]
    assert 3_590_000 < server.run("PTTL", keys(entry)[0]) <= 3_600_000
    claim(store, entry, 1).end(pause=LEASE, reason="Throttling.User")
    assert server.run("GET", keys(entry)[1]) == b"!Throttling.User"


def test_a_failure_without_a_record_is_forgotten_in_the_end(server: Server) -> None:
    store, entry = server.store(), new_entry()
    claim(store, entry).end(pause=LEASE, reason="X")
    assert 3_600_000 < server.run("PTTL", keys(entry)[0]) <= 3_610_000


def test_a_failure_keeps_a_record_no_shorter(server: Server) -> None:
    store, entry = server.store(), new_entry()
    assert claim(store, entry).save(Record(generation=1, sealed=b"x", keep=timedelta(hours=12)))
    claim(store, entry, 1).end(pause=LEASE, reason="X")
    assert server.run("PTTL", keys(entry)[0]) > 40_000_000
    assert claim(store, entry).record.keep == timedelta(hours=12)


def test_a_record_that_has_ended_is_absent_though_the_count_of_failures_is_kept(server: Server) -> None:
    store, entry = server.store(), new_entry()
    assert claim(store, entry).save(Record(generation=7, sealed=b"x", keep=timedelta(milliseconds=80)))
    claim(store, entry, 7).end(pause=timedelta(milliseconds=1), reason="X")
    time.sleep(0.1)
    lease = claim(store, entry)
    assert (lease.over, lease.failures) == (7, 1)


@pytest.mark.parametrize(
    "field",
    [
        {"generation": "abc"},
        {"generation": ""},
        {"generation": "-5"},
        {"generation": "1e300"},
        {"generation": "nan"},
        {"generation": "inf"},
        {"generation": "0x10"},
        {"generation": "1.5"},
        {"generation": " 7"},
        {"generation": str(2**53)},
        {"generation": "9" * 400},
        {"generation": b"\xff\x00"},
        {"sealed": b"x" * (64 * 1024 + 1)},
        {"saved": "nan"},
        {"saved": ""},
        {"keep": "-1"},
        {"keep": "never"},
        {"failures": "many"},
    ],
    ids=repr,
)
def test_11_nonsense_counts_as_absent_and_is_overwritten(field: dict[str, Any], server: Server) -> None:
    store, entry = server.store(), new_entry()
    saved(store, entry, 7)
    for name, value in field.items():
        server.run("HSET", keys(entry)[0], name, value)
    lease = claim(store, entry, 7 if "failures" in field else 0)
    assert lease.over == (0 if "generation" in field else 7)
    assert lease.failures == 0
    assert lease.save(record(8))
    assert claim(store, entry).record.generation == 8


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    "command", [("RPUSH", "x", "y"), ("SET", "x"), ("HSET", "generation", "5"), ("SADD", "x")], ids=lambda each: each[0]
)
def test_13_a_key_of_another_type_is_overwritten(which: int, command: tuple[str, ...], server: Server) -> None:
    store, entry = server.store(), new_entry()
    server.run(command[0], keys(entry)[which], *command[1:])
    claim(store, entry).end(pause=timedelta(milliseconds=1), reason="X")
    time.sleep(0.01)
    server.run("DEL", keys(entry)[which])
    server.run(command[0], keys(entry)[which], *command[1:])
    assert claim(store, entry).save(record(8))
    assert claim(store, entry).record == record(8)


def test_a_lease_that_never_ends_is_none(server: Server) -> None:
    store, entry = server.store(), new_entry()
    server.run("SET", keys(entry)[1], "for ever")
    assert claim(store, entry).save(record())


def test_one_of_a_thousand_years_is_told_as_a_day(server: Server) -> None:
    store, entry = server.store(), new_entry()
    server.run("SET", keys(entry)[1], b"!\xff\x07" + b"X" * 100_000, "PX", 9 * 10**15)
    busy = claim(store, entry)
    assert busy.left == timedelta(days=1)
    assert busy.pausing == "X" * 62


def test_15_a_save_replaces_only_what_the_claim_saw(server: Server) -> None:
    store, entry = server.store(), new_entry()
    late = claim(store, entry, lease=timedelta(milliseconds=1))
    time.sleep(0.02)
    saved(store, entry, 5)
    assert not late.save(record(9))
    assert claim(store, entry).record.generation == 5


def test_15_a_late_save_leaves_the_lease_of_another(server: Server) -> None:
    store, entry = server.store(), new_entry()
    late = claim(store, entry, lease=timedelta(milliseconds=1))
    time.sleep(0.02)
    second = claim(store, entry)
    assert late.save(record(9))
    assert isinstance(claim(store, entry, 9), Busy)
    assert not second.save(record(10))
    assert claim(store, entry, 9).over == 9, "whose lease is over now"


def test_a_save_where_the_record_has_ended_meanwhile_is_taken(server: Server) -> None:
    store, entry = server.store(), new_entry()
    saved(store, entry, 5)
    lease = claim(store, entry, 5)
    server.run("DEL", *keys(entry))
    assert lease.save(record(9))
    assert claim(store, entry).record.generation == 9


@pytest.mark.parametrize("which", [0, 1])
def test_37_an_evicted_key_costs_one_lease(which: int, server: Server) -> None:
    store, entry = server.store(), new_entry()
    saved(store, entry, 5)
    first = claim(store, entry, 5)
    server.run("DEL", keys(entry)[which])
    if which == 0:
        assert isinstance(claim(store, entry), Busy)
        assert first.save(record(6))
    else:
        second = claim(store, entry, 5)
        assert second.save(record(6))
        assert not first.save(record(7))
    assert claim(store, entry, 5).record.generation == 6


def test_37_forgotten_scripts_are_sent_again(server: Server) -> None:
    store, entry = server.store(), new_entry()
    server.run("SCRIPT", "FLUSH")
    lease = claim(store, entry)
    server.run("SCRIPT", "FLUSH")
    assert lease.save(record())
    server.run("SCRIPT", "FLUSH")
    claim(store, entry, 1).end()
    assert isinstance(claim(store, entry), Stored)


# --- time ---------------------------------------------------------------------------------------------------------------------------


def test_the_age_is_on_the_servers_clock(server: Server) -> None:
    store, entry = server.store(), new_entry()
    saved(store, entry)
    server.run("HINCRBY", keys(entry)[0], "saved", -600_000)
    assert timedelta(minutes=10) <= claim(store, entry).age < timedelta(minutes=10, seconds=10)
    server.run("HINCRBY", keys(entry)[0], "saved", 3_600_000)
    assert claim(store, entry).age == ZERO, "a clock that was set back makes nothing younger than new"


def test_17_a_claim_that_is_executed_late_does_nothing(own: Server) -> None:
    store, entry = own.store(timeout=SHORT), new_entry()
    store.claim(entry, newer_than=0, lease=ZERO)  # so the server's time is known
    own.stop()
    began = time.monotonic()
    with pytest.raises(TransientError, match="TimeoutError"):
        claim(store, entry)
    assert time.monotonic() - began < 2 * SHORT.total_seconds() + 0.5
    time.sleep(2 * SHORT.total_seconds())
    own.go_on()
    wait_until(lambda: calls(own) >= 2)
    assert own.run("EXISTS", *keys(entry)) == 0
    assert claim(store, entry).save(record())


def test_17_a_server_with_another_clock_is_asked_once_more(server: Server) -> None:
    store, entry = server.store(), new_entry()
    claim(store, entry, lease=ZERO)
    time_of_server, at = store._seen or (0, 0.0)
    store._seen = (time_of_server - 3_600_000, at)  # as after a failover to a server whose clock is an hour ahead
    before = calls(server)
    assert claim(store, entry).save(record())
    assert calls(server) - before == 3
    assert claim(store, entry).record == record()
    assert calls(server) - before == 4, "by then its clock is known"


# --- connections --------------------------------------------------------------------------------------------------------------------


def test_23_no_connection_is_kept(server: Server) -> None:
    store, entry = server.store(), new_entry()
    received = server.run("INFO", "stats")["total_connections_received"]
    lease = claim(store, entry)
    assert connections(server) == 0
    lease.save(record())
    assert connections(server) == 0
    assert server.run("INFO", "stats")["total_connections_received"] == received + 2 + 3, "one for each step, and those of this test"


def connections(server: Server) -> int:
    """Beside the one that asks."""
    clients: int = server.run("INFO", "clients")["connected_clients"]
    return clients - 1


def test_a_look_is_one_command(own: Server) -> None:
    store, entry = own.store(), new_entry()
    saved(store, entry)
    own.run("CONFIG", "RESETSTAT")
    claim(store, entry)
    said = own.run("INFO", "commandstats")
    # The clients of this test have told their name, and asked.
    ours = {name.removeprefix("cmdstat_") for name in said} - {"config|resetstat", "client|setinfo", "hello", "info"}
    assert ours == {"evalsha", "time", "hmget"}
    assert said["cmdstat_evalsha"]["calls"] == 1


def test_nothing_is_tried_twice_where_no_server_is(closed_port: int) -> None:
    store = RedisStore(f"redis://127.0.0.1:{closed_port}")
    began = time.monotonic()
    with pytest.raises(TransientError, match="Connection refused"):
        claim(store, new_entry())
    assert time.monotonic() - began < 0.25


def test_22_a_silent_server_costs_one_timeout(own: Server) -> None:
    store = own.store(timeout=SHORT)
    claim(store, new_entry())
    own.stop()
    began = time.monotonic()
    with pytest.raises(TransientError, match="TimeoutError"):
        claim(store, new_entry())
    assert 0.2 < time.monotonic() - began < 0.5


def test_24_nothing_is_imported_or_opened_before_the_first_claim() -> None:
    program = (
        "import sys\n"
        "from alicred.sharing import RedisStore\n"
        "import pickle\n"
        "store = pickle.loads(pickle.dumps(RedisStore('redis://127.0.0.1:1', password_file='/nowhere')))\n"
        "print([name for name in ('redis', 'ssl', 'socket', 'asyncio', 'urllib3') if name in sys.modules])\n"
    )
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=unmeasured)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_27_a_forked_child_has_connections_of_its_own(server: Server) -> None:
    store, entry = server.store(), new_entry()
    saved(store, entry)
    found = threading.Event()

    def keep_asking() -> None:
        while not found.is_set():
            assert claim(store, entry).record == record()

    thread = threading.Thread(target=keep_asking)
    thread.start()
    try:
        for _ in range(5):
            assert in_child(lambda: claim(store, entry).record.generation) == 1
    finally:
        found.set()
        thread.join()


def test_30_a_pickle_holds_the_configuration(server: Server, tmp_path: Path) -> None:
    store = RedisStore(server.url, timeout=SHORT, prefix="other:")
    claim(store, "e" * 40).save(record())
    copy = pickle.loads(pickle.dumps(store))
    assert (copy.name, repr(copy)) == (store.name, repr(store))
    assert copy._seen is None
    assert claim(copy, "e" * 40).record == record()
    assert server.run("EXISTS", "other:{" + "e" * 40 + "}")


# --- refusals -----------------------------------------------------------------------------------------------------------------------


def test_a_user_with_the_rights_of_the_documentation_does_everything(own: Server, tmp_path: Path) -> None:
    password = secrets.token_urlsafe(24)
    file = tmp_path / "password"
    file.write_text(password + "\n")
    file.chmod(0o600)
    own.run("ACL", "SETUSER", "worker", "on", f">{password}", "resetkeys", "resetchannels", "-@all", *RIGHTS)
    store = RedisStore(f"redis://worker@127.0.0.1:{own.port}", password_file=file)
    for name in NAMES:
        check_named(name, store_checks(lambda: store))()
    for missing in RIGHTS:
        if missing.startswith("+"):
            own.run("ACL", "SETUSER", "worker", missing.replace("+", "-", 1))
            own.run("SCRIPT", "FLUSH")
            assert isinstance(attempt(store), DeniedError), missing
            own.run("ACL", "SETUSER", "worker", missing)
    with pytest.raises(DeniedError):
        claim(RedisStore(f"redis://worker:{password}@127.0.0.1:{own.port}", prefix="another:"), new_entry())
    with pytest.raises(DeniedError, match="AuthenticationError"):
        claim(RedisStore(f"redis://worker:wrong@127.0.0.1:{own.port}"), new_entry())


def attempt(store: RedisStore) -> Exception | None:
    entry = new_entry()
    try:
        claim(store, entry).save(record())
        claim(store, entry, 1).end(pause=LEASE, reason="X")
    except Exception as error:
        return error
    return None


def test_38_the_password_file_may_change(own: Server, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.touch(0o600)
    store, entry = RedisStore(own.url, password_file=file), new_entry()
    with pytest.raises(ConfigurationError, match="the password file is empty"):
        claim(store, entry)
    admin = own.admin()
    for _ in range(2):
        password = secrets.token_urlsafe(24)
        file.write_text(password)
        with pytest.raises(DeniedError, match="Check user, password and rights") as caught:
            claim(store, entry)
        assert password not in "".join(traceback.format_exception(caught.value))
        admin.config_set("requirepass", password)  # who is connected stays so
        claim(store, entry).end()
    admin.close()
    file.unlink()
    with pytest.raises(ConfigurationError, match="the password file"):
        claim(store, entry)


def test_a_password_is_in_no_error_though_the_server_quotes_it(tmp_path: Path) -> None:
    password = secrets.token_urlsafe(24)
    with running(Server(tmp_path, config='rename-command AUTH ""\n')) as server:
        store = RedisStore(f"redis://:{password}@127.0.0.1:{server.port}/0")
        with pytest.raises(TransientError) as caught:
            claim(store, new_entry())
    assert password not in "".join(traceback.format_exception(caught.value)) + repr(caught.value.__context__) + repr(store) + store.name


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("redis://localhost", "redis://localhost:6379/0"),
        ("redis://me:p%40ss@[::1]:7000/3", "redis://[::1]:7000/3"),
        ("rediss://:p@redis.example.com/", "rediss://redis.example.com:6379/0"),
        ("unix://me:p@/run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_its_name_is_its_address(url: str, name: str) -> None:
    store = RedisStore(url)
    assert (store.name, repr(store)) == (name, f"<RedisStore {name}>")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"url": "http://s3cret@localhost"}, "must be redis://"),
        ({"url": "redis://:s3cret@"}, "needs a host"),
        ({"url": "redis://:s3cret@host:port"}, "must be redis://"),
        ({"url": "redis://:s3cret@[half"}, "must be redis://"),
        ({"url": "redis://:s3cret@host/one"}, "a number or nothing"),
        ({"url": "rediss://:s3cret@host?ssl_cert_reqs=none"}, "must end with the path"),
        ({"url": "redis://host?password=s3cret"}, "must end with the path"),
        ({"url": "unix://:s3cret@host"}, "path of a socket"),
        ({"url": "redis://:s3cret@host", "password_file": "/s"}, "Leave one out"),
        ({"url": "redis://host", "ca_file": "/s"}, "rediss://"),
        ({"url": "redis://host", "prefix": "a{b}"}, "no braces"),
        ({"url": "redis://host", "timeout": ZERO}, "timeout"),
        ({"url": b"redis://:s3cret@host"}, "must be a string"),
        ({"url": "redis://:s3cret\n@host"}, "control character"),
    ],
)
def test_what_is_wrong_is_told_when_it_is_given(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text) as caught:
        RedisStore(**arguments)
    assert "s3cret" not in "".join(traceback.format_exception(caught.value)) + repr(caught.value.__context__)


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alicred.sharing.redis_store.find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'alicred\[redis\]'"):
        RedisStore("redis://localhost")
