"""Real gunicorn with each kind of worker, through several sessions, with a worker that is killed."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from alicred.testing import FakeCloud, faults
from tests.pools.support import (
    EXAMPLES,
    PROGRAMS,
    Answer,
    Load,
    Program,
    check,
    check_inherited,
    environment,
    keys_by_worker,
    kill_in_the_middle,
)

CALLERS = 5
pytestmark = pytest.mark.slow


class Server(Program):
    """gunicorn on a port that the test has opened, so that nobody can come too early."""

    def __init__(self, cloud: FakeCloud, folder: Path, *arguments: str) -> None:
        with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
            self.port = listener.getsockname()[1]
            settings = ["--config", str(EXAMPLES / "gunicorn_settings.py"), "--bind", f"fd://{listener.fileno()}"]
            command = [str(PROGRAMS / "guarded.py"), "gunicorn", *settings, "--pythonpath", str(PROGRAMS), *arguments]
            super().__init__(command, environment(cloud), folder / "log", (listener.fileno(),))

    def ask(self) -> bytes:
        """The body of one answer, on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=100)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        assert answer.status == 200, body
        return body

    def call(self) -> Answer:
        """One call of a worker."""
        return Answer.of(json.loads(self.ask()))


@contextmanager
def load(server: Server) -> Iterator[Load]:
    with Load(server.call, CALLERS, lost=(ConnectionError, http.client.HTTPException)) as load:
        yield load
    assert load.errors == [], server.output
    assert load.lost <= CALLERS  # what a killed worker had in hand, and no more


def live_through(cloud: FakeCloud, server: Server, load: Load, sessions: int = 3) -> None:
    """Wait until every one of three workers has used so many keys, kill one of them, and wait for the same again."""
    load.wait_for(lambda answers: sum(len(keys) > sessions for keys in keys_by_worker(answers).values()) >= 3)
    before = set(keys_by_worker(load.answers))
    kill_in_the_middle(cloud, server, load.answers)
    ends = cloud.now() + timedelta(seconds=3)
    load.wait_for(lambda answers: cloud.now() > ends and not keys_by_worker(answers).keys() <= before)


KINDS = {
    "sync": ("--preload", "web:application"),
    "gthread": ("--worker-class", "gthread", "--threads", "4", "web:application"),
    "uvicorn": ("--worker-class", "uvicorn_worker.UvicornWorker", "web_async:application"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_call_fails_while_sessions_end_and_a_worker_is_killed(cloud: FakeCloud, kind: str, tmp_path: Path) -> None:
    with Server(cloud, tmp_path, *KINDS[kind]) as server, load(server) as running:
        live_through(cloud, server, running)
    check(cloud, running.answers)
    assert running.lost >= 1
    workers = keys_by_worker(running.answers)
    assert len(workers) == 4
    if kind != "uvicorn":  # its application holds nothing at the fork
        check_inherited(cloud, running.answers)


def test_workers_without_preloading_make_a_provider_each(cloud: FakeCloud, tmp_path: Path) -> None:
    settings = tmp_path / "settings.py"
    settings.write_text("workers = 3\n")
    with Server(cloud, tmp_path, "--config", str(settings), "web:application") as server, load(server) as running:
        running.wait_for(lambda answers: len(keys_by_worker(answers)) == 3)
    check(cloud, running.answers)
    keys = [used[0] for used in keys_by_worker(running.answers).values()]
    assert len(set(keys)) == 3


def test_workers_forked_while_a_refresh_hangs_start_with_the_held_value_and_refresh_by_themselves(cloud: FakeCloud, tmp_path: Path) -> None:
    cloud.inject(faults.Latency(timedelta(0)), operation="AssumeRole")  # the first one passes
    cloud.inject(faults.Hang(), operation="AssumeRole")

    def call() -> Answer:
        at_fork, _, said = server.ask().partition(b"\n")
        assert at_fork == b"2 begun, 1 done"
        return Answer.of(json.loads(said))

    with Server(cloud, tmp_path, "mid_air:when_asked") as server:
        assert cloud.wait_for("AssumeRole", count=2, within=timedelta(seconds=20)), server.output
        (tmp_path / "in-the-air").touch()
        with Load(call, CALLERS) as running:
            running.wait_for(lambda answers: sum(len(keys) > 1 for keys in keys_by_worker(answers).values()) >= 3, 20)
            cloud.release()
    assert running.errors == [], server.output
    assert running.errors == [], server.output
    check(cloud, running.answers)
    check_inherited(cloud, running.answers)
