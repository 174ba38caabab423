"""Every fault does what it says, as a client sees it."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import attrs
import pytest
import urllib3

from alicred import ConfigurationError
from alicred.testing import FakeCloud, faults
from alicred.testing.cloud.exchange import Answer
from tests.testing.caller import Response, acs3, assume, role_params, send

SHORT = timedelta(milliseconds=150)


def session(cloud: FakeCloud, *, over_tls: bool = False) -> Response:
    return acs3(cloud, cloud.access_key, "AssumeRole", role_params(cloud), over_tls=over_tls)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (faults.Throttling(), 400, "Throttling.User"),
        (faults.ServerError(), 503, "ServiceUnavailable"),
        (faults.ServerError(500), 500, "InternalError"),
        (faults.Denied(), 403, "NoPermission"),
        (faults.Denied("EntityNotExist.Role", 404), 404, "EntityNotExist.Role"),
    ],
)
def test_the_service_says_no(alicred_cloud: FakeCloud, fault: faults.Fault, status: int, code: str) -> None:
    alicred_cloud.inject(fault)
    answer = session(alicred_cloud)
    assert (answer.status, answer.code) == (status, code)
    (call,) = alicred_cloud.rejected
    assert (call.status, call.code, call.fault) == (status, code, type(fault).__name__)
    assert alicred_cloud.sessions == ()
    assert session(alicred_cloud).status == 200, "a fault comes once unless told otherwise"


def test_throttling_may_say_how_long(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.Throttling(timedelta(seconds=1.5)))
    assert session(alicred_cloud).headers["x-acs-retry-after"] == "1500"
    alicred_cloud.inject(faults.Throttling())
    assert "x-acs-retry-after" not in session(alicred_cloud).headers


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [("POST", "/v1/exchange", "error"), ("POST", "/cloud-credentials", "ErrorCode"), ("GET", "/credentials", "Code")],
)
def test_each_service_says_no_in_its_own_way(alicred_cloud: FakeCloud, method: str, path: str, field: str) -> None:
    alicred_cloud.inject(faults.ServerError(500))
    answer = send(method, alicred_cloud.http_endpoint + path)
    assert (answer.status, answer.payload[field]) == (500, "InternalError")


def test_a_late_answer_is_late(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.Latency(SHORT))
    began = time.monotonic()
    assert session(alicred_cloud).status == 200
    assert time.monotonic() - began >= SHORT.total_seconds()
    assert alicred_cloud.calls[0].accepted


def test_a_reset_is_a_reset_and_the_request_was_handled(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.Reset())
    with pytest.raises(urllib3.exceptions.ProtocolError) as caught:
        session(alicred_cloud)
    assert type(caught.value.args[1]) is ConnectionResetError, "not its subclass for a connection that was merely closed"
    assert len(alicred_cloud.sessions) == 1
    assert alicred_cloud.calls[0].accepted


def drain_below_tls(connection: ssl.SSLSocket) -> None:
    """Read the bare bytes to their end: some versions of ssl show their reader a mere end where there was a reset."""
    while socket.socket.recv(connection, 4096):
        pass


def test_a_reset_below_tls_is_a_reset_too(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.Reset())
    context = ssl.create_default_context(cafile=alicred_cloud.ca_file)
    port = int(alicred_cloud.endpoint.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=30) as plain, context.wrap_socket(plain, server_hostname="127.0.0.1") as tls:
        tls.sendall(b"GET /credentials HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            drain_below_tls(tls)


@pytest.mark.parametrize("over_tls", [False, True], ids=["plain", "TLS"])
def test_a_truncated_body_ends_early(alicred_cloud: FakeCloud, over_tls: bool) -> None:
    alicred_cloud.inject(faults.Truncated())
    with pytest.raises(urllib3.exceptions.ProtocolError, match="IncompleteRead"):
        session(alicred_cloud, over_tls=over_tls)


def test_an_oversized_body_is_right_but_too_long(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.Oversized())
    answer = session(alicred_cloud)
    assert len(answer.body) > 1 << 20
    assert answer.payload["Credentials"]["AccessKeyId"] == alicred_cloud.sessions[0].access_key_id


def test_a_client_that_stops_reading_an_oversized_body_does_no_harm(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.Oversized(), times=3)
    host, _, port = alicred_cloud.http_endpoint.partition("://")[2].partition(":")
    for _ in range(3):
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        connection.request("GET", "/credentials")
        assert connection.getresponse().read(10) == b'{"AccessKe'
        connection.close()
    assert session(alicred_cloud).status == 200


def test_a_malformed_body_is_no_json_and_holds_the_secret(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.Malformed())
    answer = session(alicred_cloud)
    with pytest.raises(json.JSONDecodeError):
        answer.payload  # noqa: B018
    assert answer.status == 200
    assert b"AccessKeySecret" in answer.body


@pytest.mark.parametrize("name", ["AccessKeySecret", "SecurityToken", "Expiration", "Credentials"])
def test_a_field_is_missing(alicred_cloud: FakeCloud, name: str) -> None:
    whole = session(alicred_cloud).payload
    alicred_cloud.inject(faults.MissingField(name))
    answer = session(alicred_cloud)
    assert name.encode() not in answer.body
    kept = set(whole) | set(whole["Credentials"])
    got = set(answer.payload) | set(answer.payload.get("Credentials", {}))
    assert name in kept - got
    assert name == "Credentials" or kept - got == {name}


def test_an_expired_answer_has_ended_already(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.Expired())
    ended = datetime.fromisoformat(session(alicred_cloud).payload["Credentials"]["Expiration"].replace("Z", "+00:00"))
    assert timedelta(minutes=59) < alicred_cloud.now() - ended < timedelta(minutes=61)
    login = alicred_cloud.add_oauth_login()
    alicred_cloud.inject(faults.Expired())
    headers = {"Authorization": f"Bearer {login.access_token}"}
    answer = send("POST", alicred_cloud.http_endpoint + "/v1/exchange", headers=headers)
    assert datetime.fromisoformat(answer.payload["expiration"].replace("Z", "+00:00")) < alicred_cloud.now()


def test_wrong_content_is_a_page(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.WrongContent())
    answer = session(alicred_cloud)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html")
    assert answer.body.startswith(b"<!DOCTYPE html>")


def test_a_redirect_points_elsewhere(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.Redirect())
    alicred_cloud.inject(faults.Redirect("http://127.0.0.1:1/x"))
    assert (session(alicred_cloud).status, session(alicred_cloud).headers["Location"]) == (302, "http://127.0.0.1:1/x")
    assert [call.accepted for call in alicred_cloud.calls] == [False, False]


def test_a_fault_of_ones_own(alicred_cloud: FakeCloud) -> None:
    class OddDate(faults.Fault):
        def spoil(self, answer: Answer, now: datetime) -> Answer:
            return attrs.evolve(answer, body=answer.body.replace(b"Z", b"+00:00"))

    alicred_cloud.inject(OddDate())
    assert session(alicred_cloud).payload["Credentials"]["Expiration"].endswith("+00:00")


# --- which request gets which fault -------------------------------------------------------------------------------------------------


def statuses(cloud: FakeCloud, *calls: str) -> list[int]:
    acts: dict[str, Callable[[], Response]] = {
        "assume": lambda: session(cloud),
        "whoami": lambda: acs3(cloud, cloud.access_key),
    }
    return [acts[call]().status for call in calls]


def test_faults_come_one_after_another(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.ServerError(), times=2)
    alicred_cloud.inject(faults.Throttling())
    assert statuses(alicred_cloud, "assume", "assume", "assume", "assume") == [503, 503, 400, 200]


def test_a_fault_waits_for_its_operation(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.ServerError(), operation="GetCallerIdentity")
    assert statuses(alicred_cloud, "assume", "whoami", "whoami") == [200, 503, 200]


def test_a_fault_without_end_lasts_until_it_is_cleared(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.ServerError(), times=None)
    assert statuses(alicred_cloud, *["assume"] * 5) == [503] * 5
    alicred_cloud.clear()
    assert statuses(alicred_cloud, "assume") == [200]


def test_a_fault_may_last_for_a_block(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.Denied(), operation="GetCallerIdentity")
    with alicred_cloud.faulty(faults.ServerError()):
        assert statuses(alicred_cloud, "assume", "assume") == [503, 503]
    assert statuses(alicred_cloud, "assume", "whoami") == [200, 403], "another fault that lies in wait is not touched"


def test_a_delay_and_another_fault_go_together(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.Latency(SHORT), times=None)
    alicred_cloud.inject(faults.ServerError())
    began = time.monotonic()
    assert statuses(alicred_cloud, "assume") == [503]
    assert time.monotonic() - began >= SHORT.total_seconds()
    assert alicred_cloud.calls[0].fault == "Latency+ServerError"


@pytest.mark.parametrize("times", [0, -1])
def test_a_number_of_times_below_one_is_refused(times: int) -> None:
    with pytest.raises(ConfigurationError, match="times"):
        FakeCloud().inject(faults.Reset(), times=times)


@pytest.mark.parametrize(
    "make",
    [
        lambda: faults.Latency(timedelta(-1)),
        lambda: faults.Hang(timedelta(-1)),
        lambda: faults.Throttling(timedelta(-1)),
        lambda: faults.ServerError("503"),  # type: ignore[arg-type]  # the wrong type is the point
        lambda: faults.MissingField(3),  # type: ignore[arg-type]  # the wrong type is the point
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError, match="must be"):
        make()


def test_faults_are_values() -> None:
    assert faults.Throttling(SHORT) == faults.Throttling(SHORT)
    assert len({faults.Reset(), faults.Reset(), faults.Truncated()}) == 2


# --- hanging ------------------------------------------------------------------------------------------------------------------------


class InThread:
    """Runs *act* on a thread; `result` is what it returned or raised."""

    def __init__(self, act: Callable[[], Response]) -> None:
        self._act = act
        self.result: Response | Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._act()
        except Exception as error:
            self.result = error

    def join(self) -> Response | Exception | None:
        self._thread.join(5)
        return self.result


def test_a_hang_lasts_until_it_is_released(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.Hang())
    asking = InThread(lambda: session(alicred_cloud))
    assert alicred_cloud.wait_for("AssumeRole")
    time.sleep(0.05)
    assert asking.result is None
    assert statuses(alicred_cloud, "assume") == [200], "others are answered meanwhile"
    alicred_cloud.release()
    answer = asking.join()
    assert isinstance(answer, Response)
    assert answer.status == 200


def test_a_hang_may_have_an_end(alicred_cloud: FakeCloud) -> None:
    alicred_cloud.inject(faults.Hang(SHORT))
    began = time.monotonic()
    assert session(alicred_cloud).status == 200
    assert time.monotonic() - began >= SHORT.total_seconds()


def test_the_end_of_a_faulty_block_releases_what_hangs(alicred_cloud: FakeCloud) -> None:
    with alicred_cloud.faulty(faults.Hang()):
        asking = [InThread(lambda: session(alicred_cloud)) for _ in range(3)]
        assert alicred_cloud.wait_for("AssumeRole", count=3)
    answers = [each.join() for each in asking]
    assert [isinstance(answer, Response) and answer.status for answer in answers] == [200, 200, 200]


@pytest.mark.parametrize("fault", [faults.Hang(), faults.Latency(timedelta(minutes=1))])
def test_stopping_ends_what_hangs_at_once(fault: faults.Fault) -> None:
    with FakeCloud() as cloud:
        assume(cloud)
        cloud.inject(fault)
        asking = InThread(lambda: session(cloud))
        assert cloud.wait_for("AssumeRole", count=2)
        began = time.monotonic()
    assert time.monotonic() - began < 4
    assert isinstance(asking.join(), urllib3.exceptions.ProtocolError)


def test_waiting_for_a_call_that_does_not_come_ends(alicred_cloud: FakeCloud) -> None:
    assert alicred_cloud.wait_for("AssumeRole", within=timedelta(milliseconds=20)) is False
