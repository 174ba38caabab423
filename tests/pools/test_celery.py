"""Real Celery with its prefork pool, through several sessions, with a worker that is killed."""

from __future__ import annotations

import signal
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from celery import Celery

from alicred.testing import FakeCloud
from tests.pools.support import PROGRAMS, Answer, Load, Program, check, check_inherited, environment, keys_by_worker, kill_in_the_middle

pytestmark = pytest.mark.slow

CALLERS = 6


class Client:
    """Sends jobs and waits for what they bring.

    The transport over files opens a message before it writes it, so that a worker may come upon an empty one and end. So messages are
    written elsewhere and moved, which is one step.
    """

    def __init__(self, folder: Path) -> None:
        for each in ("queue", "results", "control", "written"):
            (folder / each).mkdir()
        self._queue, self._written = folder / "queue", folder / "written"
        self._app = Celery("client", broker="filesystem://", backend=f"file://{folder / 'results'}")
        self._app.conf.broker_transport_options = {
            "data_folder_in": str(self._written),
            "data_folder_out": str(self._written),
            "control_folder": str(folder / "control"),
        }
        self._sending = threading.Lock()

    def call(self) -> Answer:
        """One job."""
        with self._sending:
            sent = self._app.send_task("jobs.identify")
            for message in self._written.iterdir():
                message.rename(self._queue / message.name)
        said = sent.get(timeout=100, interval=0.05)
        assert isinstance(said, Mapping)
        return Answer.of(said)


class Workers(Program):
    """Celery's worker, which waits for nothing when it is told to stop."""

    stop = signal.SIGQUIT


def test_no_job_fails_while_sessions_end_and_a_worker_is_killed(cloud: FakeCloud, tmp_path: Path) -> None:
    client = Client(tmp_path)
    command = ["celery", "--app", "jobs", "worker", "--concurrency", "3", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    variables = {**environment(cloud), "JOBS_FOLDER": str(tmp_path)}
    with Workers([str(PROGRAMS / "guarded.py"), *command, "--loglevel", "INFO"], variables, tmp_path / "log") as program:
        with Load(client.call, CALLERS) as running:
            running.wait_for(lambda answers: sum(len(keys) > 2 for keys in keys_by_worker(answers).values()) >= 3, 40)
            before = set(keys_by_worker(running.answers))
            kill_in_the_middle(cloud, program, running.answers)
            running.wait_for(lambda answers: not keys_by_worker(answers).keys() <= before, 30)
        assert running.errors == [], program.output
    check(cloud, running.answers)
    check_inherited(cloud, running.answers)
    assert len(keys_by_worker(running.answers)) == 4
