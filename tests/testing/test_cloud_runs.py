"""Starting, stopping, many clients at once, and what a client may send."""

from __future__ import annotations

import contextlib
import errno
import gc
import http.client
import os
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
import urllib3

from alicred import ConfigurationError, Credential
from alicred.testing import FakeCloud
from alicred.wire import signing
from tests.forked import in_child
from tests.support import wait_until
from tests.testing.caller import acs3, send

THREADS, CALLS = 64, 50


def cloud_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("alicred-fake-cloud")]


def address(cloud: FakeCloud) -> tuple[str, int]:
    host, _, port = cloud.http_endpoint.partition("://")[2].partition(":")
    return host, int(port)


def test_many_clients_at_once_are_all_served_and_all_recorded(alicred_cloud: FakeCloud) -> None:
    keys = [alicred_cloud.add_access_key() for _ in range(THREADS)]
    host = alicred_cloud.http_endpoint.partition("://")[2]

    def work(key: Credential) -> int:
        connection = http.client.HTTPConnection(host, timeout=30)
        accepted = 0
        for _ in range(CALLS):
            headers = signing.acs3_headers(
                key,
                method="POST",
                host=host,
                headers={},
                body=b"",
                action="RecognizeCharacter",
                version="2019-12-30",
                now=alicred_cloud.now(),
                nonce=signing.nonce(),
            )
            connection.request("POST", "/", headers=headers)
            answer = connection.getresponse()
            answer.read()
            accepted += answer.status == 200
        connection.close()
        return accepted

    with ThreadPoolExecutor(THREADS) as pool:
        assert sum(pool.map(work, keys)) == THREADS * CALLS
    assert alicred_cloud.count("RecognizeCharacter") == THREADS * CALLS == len(alicred_cloud.raw)
    assert alicred_cloud.rejected == ()
    counts = {key.access_key_id: 0 for key in keys}
    for call in alicred_cloud.calls:
        counts[call.access_key_id] += 1
    assert set(counts.values()) == {CALLS}


def test_it_stops_with_connections_open_and_leaves_no_thread() -> None:
    before = cloud_threads()
    with FakeCloud() as cloud:
        idle = [socket.create_connection(address(cloud), timeout=30) for _ in range(3)]
        silent_tls = socket.create_connection((address(cloud)[0], int(cloud.endpoint.rpartition(":")[2])), timeout=30)
        with urllib3.PoolManager(retries=False) as pool:
            assert pool.request("GET", cloud.http_endpoint + "/credentials").status == 200
            began = time.monotonic()
            cloud.stop()
            assert time.monotonic() - began < 4
    assert cloud_threads() == before
    for connection in (*idle, silent_tls):
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
        connection.close()


def test_no_server_listens_after_the_stop() -> None:
    with FakeCloud() as cloud:
        where = address(cloud)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(where, timeout=30)


def test_it_starts_many_times_and_keeps_what_it_knows() -> None:
    cloud = FakeCloud()
    key = cloud.access_key
    for _ in range(20):
        with cloud:
            assert cloud.start() is cloud, "starting what runs does nothing"
            assert acs3(cloud, key).status == 200
        cloud.stop()
    assert cloud.count() == 20
    assert cloud_threads() == []


def test_several_run_side_by_side_and_know_nothing_of_each_other() -> None:
    with FakeCloud() as one, FakeCloud() as other:
        assert acs3(one, one.access_key).status == 200
        assert acs3(one, other.access_key).code == "InvalidAccessKeyId.NotFound"
        assert other.calls == ()


def test_starting_and_stopping_is_quick() -> None:
    FakeCloud().start().stop()  # whatever has to be imported
    began = time.monotonic()
    for _ in range(5):
        FakeCloud().start().stop()
    assert (time.monotonic() - began) / 5 < 1


def test_the_certificate_is_trusted_through_its_file_alone_and_goes_with_the_cloud() -> None:
    with FakeCloud() as cloud:
        ca_file = Path(cloud.ca_file)
        assert send("GET", cloud.endpoint + "/credentials", ca_file=str(ca_file)).status == 200
        assert send("GET", cloud.endpoint.replace("127.0.0.1", "localhost") + "/credentials", ca_file=str(ca_file)).status == 200
        assert os.listdir(ca_file.parent) == ["ca.pem"], "no private key stays on the disk"
        with pytest.raises(urllib3.exceptions.SSLError):
            send("GET", cloud.endpoint + "/credentials", ca_file=ssl.get_default_verify_paths().cafile)
    assert not ca_file.parent.exists()


def test_the_certificate_passes_a_strict_check(alicred_cloud: FakeCloud) -> None:
    context = ssl.create_default_context(cafile=alicred_cloud.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with urllib3.PoolManager(retries=False, ssl_context=context) as pool:
        assert pool.request("GET", alicred_cloud.endpoint + "/credentials").status == 200


def test_it_is_not_needed_to_run_for_its_account_to_be_set_up() -> None:
    cloud = FakeCloud()
    assert cloud.add_access_key().access_key_id
    assert repr(cloud) == "<FakeCloud not running, 0 calls>"
    with pytest.raises(ConfigurationError, match="not running"):
        cloud.http_endpoint  # noqa: B018


def test_a_forked_child_can_use_it_and_cannot_end_it(alicred_cloud: FakeCloud) -> None:
    def use_and_stop() -> int:
        status = acs3(alicred_cloud, alicred_cloud.access_key).status
        alicred_cloud.stop()
        return status

    assert in_child(use_and_stop) == 200
    assert alicred_cloud.calls[0].accepted
    assert acs3(alicred_cloud, alicred_cloud.access_key, over_tls=True).status == 200
    assert Path(alicred_cloud.ca_file).exists()


def test_a_connection_is_kept_alive_unless_the_client_closes_it(alicred_cloud: FakeCloud) -> None:
    connection = http.client.HTTPConnection(*address(alicred_cloud), timeout=30)
    for close in (False, False, True):
        connection.request("GET", "/credentials", headers={"Connection": "close"} if close else {})
        answer = connection.getresponse()
        answer.read()
        assert answer.will_close is close
    connection.close()


def test_a_chunked_body_is_read(alicred_cloud: FakeCloud) -> None:
    login = alicred_cloud.add_oauth_login()
    body = f"grant_type=refresh_token&client_id={login.client_id}&refresh_token={signing.percent_encode(login.refresh_token)}"
    connection = http.client.HTTPConnection(*address(alicred_cloud), timeout=30)
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    connection.request("POST", "/v1/token", body=iter([body[:7].encode(), body[7:].encode()]), headers=headers, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 200
    answer.read()
    connection.close()
    assert alicred_cloud.raw[0].body == body.encode()


def test_a_whole_url_in_the_request_line_is_served_as_a_proxy_would(alicred_cloud: FakeCloud) -> None:
    connection = http.client.HTTPConnection(*address(alicred_cloud), timeout=30)
    connection.request("GET", "http://metadata.test/latest/meta-data/ram/security-credentials/")
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"test-role")
    connection.close()
    assert alicred_cloud.raw[0].line.startswith("GET http://metadata.test/")


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00", id="TLS on the plain port"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf", id="half a body"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", id="half a chunk"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", id="no last chunk"),
    ],
)
def test_a_request_that_breaks_off_leaves_no_record_and_does_no_harm(alicred_cloud: FakeCloud, sent: bytes) -> None:
    with socket.create_connection(address(alicred_cloud), timeout=30) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(1000):
            pass
    assert alicred_cloud.calls == ()
    assert send("GET", alicred_cloud.http_endpoint + "/credentials").status == 200


def test_no_tls_on_the_tls_port_does_no_harm(alicred_cloud: FakeCloud) -> None:
    with socket.create_connection((address(alicred_cloud)[0], int(alicred_cloud.endpoint.rpartition(":")[2])), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            while connection.recv(1000):
                pass
    assert send("GET", alicred_cloud.endpoint + "/credentials", ca_file=alicred_cloud.ca_file).status == 200


def test_a_cloud_that_was_never_stopped_is_no_litter_after_it_was() -> None:
    cloud = FakeCloud().start()
    directory = Path(cloud.ca_file).parent
    cloud.stop()
    del cloud
    gc.collect()
    assert not directory.exists()


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_without_a_descriptor_left_it_tries_again_at_its_leisure(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    accept, tried, none_left = socket.socket.accept, [], True

    def scarce(listener: socket.socket) -> tuple[socket.socket, object]:
        if none_left:
            tried.append(time.monotonic())
            raise OSError(number, os.strerror(number))
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", scarce)
    with FakeCloud() as cloud, socket.create_connection(address(cloud), timeout=10) as waiting:
        wait_until(lambda: len(tried) >= 4)
        none_left = False
        assert all(later - earlier >= 0.02 for earlier, later in pairwise(tried))
        waiting.sendall(b"GET /credentials HTTP/1.1\r\nHost: x\r\n\r\n")
        assert waiting.recv(12) == b"HTTP/1.1 200"


def test_it_stops_without_a_descriptor_left(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(listener: socket.socket) -> tuple[socket.socket, object]:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    monkeypatch.setattr(socket.socket, "accept", none_left)
    with FakeCloud() as cloud, socket.create_connection(address(cloud), timeout=10):
        cloud.stop()
    assert cloud_threads() == []
