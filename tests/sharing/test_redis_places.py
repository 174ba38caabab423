"""`RedisStore` where a server is not alone, or not in the clear: TLS, a Unix socket, Sentinel, a Cluster."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import attrs
import pytest
import redis
from redis.backoff import NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.retry import Retry
from redis.sentinel import Sentinel

from alicred import TransientError
from alicred.sharing import Busy, RedisStore, Stored
from alicred.testing.conformance import store_checks
from tests.sharing.fleets import needs_make_fleet
from tests.sharing.redis_servers import NAMES, Server, claim, free_port, keys, needs_redis, new_entry, record, running, wait_until
from tests.testing.conformance.support import check_named
from tests.wire.servers import make_certificate

pytestmark = [needs_make_fleet, needs_redis]
SECOND = timedelta(seconds=1)


# --- TLS ----------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture(scope="module")
def tls(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    options = ["--tls-cert-file", certificate, "--tls-key-file", certificate, "--tls-ca-cert-file", certificate, "--tls-auth-clients", "no"]
    server = Server(tmp_path_factory.mktemp("redis-tls"))
    server.options = ("--tls-port", str(server.port), "--port", "0", *map(str, options))
    with running(server):
        yield server


# Not "fork": OpenSSL has locks that a thread may hold at that moment, whatever a library does.
@pytest.mark.parametrize("name", ["lease", "newer", "size", "pickle"])
def test_38_over_tls(name: str, tls: Server, certificate: Path) -> None:
    url = f"rediss://127.0.0.1:{tls.port}"
    check_named(name, store_checks(lambda: RedisStore(url, ca_file=certificate, timeout=5 * SECOND)))()


def test_38_tls_verifies_the_host(tls: Server, certificate: Path) -> None:
    store = RedisStore(f"rediss://localhost:{tls.port}", ca_file=certificate, timeout=5 * SECOND)  # the certificate is for 127.0.0.1
    with pytest.raises(TransientError, match="certificate"):
        claim(store, new_entry())


def test_38_tls_verifies_who_has_signed(tls: Server, tmp_path: Path) -> None:
    other = make_certificate(tmp_path / "other.pem")
    for ca_file in (other, None):
        with pytest.raises(TransientError, match="certificate"):
            claim(RedisStore(f"rediss://127.0.0.1:{tls.port}", ca_file=ca_file, timeout=5 * SECOND), new_entry())


def test_38_a_file_of_certificates_takes_the_place_of_the_systems(
    tls: Server, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    url = f"rediss://127.0.0.1:{tls.port}"
    claim(RedisStore(url, timeout=5 * SECOND), new_entry()).end()
    with pytest.raises(TransientError, match="certificate"):
        claim(RedisStore(url, ca_file=make_certificate(tmp_path / "other.pem"), timeout=5 * SECOND), new_entry())


def test_a_file_of_certificates_that_is_missing_is_told(tls: Server, tmp_path: Path) -> None:
    with pytest.raises(TransientError, match="No such file"):
        claim(RedisStore(f"rediss://127.0.0.1:{tls.port}", ca_file=tmp_path / "no.pem"), new_entry())


def test_a_server_without_tls_is_not_spoken_to_in_the_clear(tmp_path: Path) -> None:
    with running(Server(tmp_path)) as server:
        store = RedisStore(f"rediss://:a-password@127.0.0.1:{server.port}")
        began = time.monotonic()
        with pytest.raises(TransientError):
            claim(store, new_entry())
        assert time.monotonic() - began < 1


# --- a Unix socket ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["lease", "newer", "fork"])
def test_over_a_unix_socket(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a socket"
    password = secrets.token_hex(8)
    with running(Server(tmp_path, "--unixsocket", str(path), "--requirepass", password)):
        wait_until(path.exists)
        url = f"unix://:{password}@{path}".replace(" ", "%20")
        check_named(name, store_checks(lambda: RedisStore(url, timeout=5 * SECOND)))()


# --- Sentinel -----------------------------------------------------------------------------------------------------------------------


@attrs.frozen
class BySentinel:
    """As the documentation has it."""

    port: int

    def __call__(self) -> redis.Redis:
        options = {"socket_timeout": 0.25, "socket_connect_timeout": 0.25, "retry": Retry(NoBackoff(), 0)}
        client: redis.Redis = Sentinel([("127.0.0.1", self.port)], sentinel_kwargs=options, **options).master_for("fleet")
        return client


def test_36_a_sentinel_says_who_has_taken_over(tmp_path: Path) -> None:
    with ExitStack() as stack:
        master = stack.enter_context(running(Server(tmp_path)))
        of_master = ("--replicaof", "127.0.0.1", str(master.port), "--repl-diskless-sync-delay", "0")
        replica = stack.enter_context(running(Server(tmp_path, *of_master)))
        wait_until(lambda: replica.run("INFO", "replication")["master_link_status"] == "up")
        config = (
            f"sentinel monitor fleet 127.0.0.1 {master.port} 1\n"
            "sentinel down-after-milliseconds fleet 500\n"
            "sentinel failover-timeout fleet 3000\n"
        )
        sentinel = stack.enter_context(running(Server(tmp_path, "--sentinel", config=config)))
        wait_until(lambda: replicas_of(sentinel) == 1)
        store, entry = RedisStore.connected_by(BySentinel(sentinel.port), name="redis by sentinel"), new_entry()
        for name in NAMES:
            check_named(name, store_checks(lambda: RedisStore.connected_by(BySentinel(sentinel.port), timeout=5 * SECOND)))()
        assert claim(store, entry).save(record(7))
        wait_until(lambda: replica.run("EXISTS", keys(entry)[0]))
        master.kill()
        began = time.monotonic()
        with pytest.raises(TransientError):
            claim(store, entry)
        assert time.monotonic() - began < 1
        wait_until(lambda: isinstance(attempt(store, entry), Stored))
        lease = claim(store, entry, 7)
        assert lease.over == 7
        assert lease.save(record(8))


def replicas_of(sentinel: Server) -> int:
    client = sentinel.admin()
    try:
        return len(client.sentinel_slaves("fleet"))
    finally:
        client.close()


def attempt(store: RedisStore, entry: str) -> object:
    try:
        return claim(store, entry)
    except TransientError as error:
        return error


# --- a Cluster ----------------------------------------------------------------------------------------------------------------------


@attrs.frozen
class ToCluster:
    """As the documentation has it."""

    ports: tuple[int, ...]

    def __call__(self) -> RedisCluster:
        nodes = [ClusterNode("127.0.0.1", port) for port in self.ports]
        return RedisCluster(startup_nodes=nodes, socket_timeout=0.25, socket_connect_timeout=0.25, retry=Retry(NoBackoff(), 0))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    folder = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(
                running(Server(folder, "--cluster-enabled", "yes", "--cluster-port", str(free_port()), "--cluster-node-timeout", "2000"))
            )
            for _ in range(3)
        ]
        for node, (first, last) in zip(nodes, ((0, 5460), (5461, 10922), (10923, 16383)), strict=True):
            node.run("CLUSTER", "ADDSLOTSRANGE", first, last)
        for node in nodes[1:]:
            bus = node.options[node.options.index("--cluster-port") + 1]
            nodes[0].run("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        wait_until(lambda: all(is_whole(node) for node in nodes))
        yield nodes


def is_whole(node: Server) -> bool:
    client = node.admin()
    try:
        said = client.cluster("INFO")
        return (said["cluster_state"], said["cluster_known_nodes"]) == ("ok", "3")
    finally:
        client.close()


@pytest.mark.parametrize("name", NAMES)
def test_a_cluster_passes_the_checks_of_stores(name: str, cluster: list[Server]) -> None:
    connect = ToCluster(tuple(node.port for node in cluster))
    check_named(name, store_checks(lambda: RedisStore.connected_by(connect, timeout=5 * SECOND)))()


def test_37_a_slot_that_moves_is_followed(cluster: list[Server]) -> None:
    connect = ToCluster(tuple(node.port for node in cluster))
    client = connect()

    class Kept:
        """Goes on with what it knew of the cluster, as a client does whose slot moves right now."""

        def __call__(self) -> RedisCluster:
            return client

    store = RedisStore.connected_by(Kept(), timeout=5 * SECOND)
    for _ in range(5):
        entry = new_entry()
        slot = client.keyslot(keys(entry)[0])
        assert slot == client.keyslot(keys(entry)[1])
        owner = client.nodes_manager.get_node_from_slot(slot)
        there = next(node for node in cluster if node.port != owner.port)
        number = there.run("CLUSTER", "MYID").decode()
        for node in cluster:
            node.run("CLUSTER", "SETSLOT", slot, "NODE", number)
        assert claim(store, entry).save(record(3))
        assert there.run("EXISTS", keys(entry)[0]) == 1
        assert claim(store, entry, 3).over == 3
        assert isinstance(claim(store, entry, 3), Busy)
    client.close()
