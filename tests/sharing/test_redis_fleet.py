"""Workers that share by Redis, in real time: as many processes as a machine may have, and a server that comes and goes."""

from __future__ import annotations

import base64
import itertools
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sharing.fleets import needs_make_fleet
from tests.sharing.redis_servers import Server, needs_redis, running, wait_until

pytestmark = [needs_make_fleet, needs_redis]
ROOT = Path(__file__).parents[2]
NOISE = 1.0  # seconds: what a machine that does other things too may hold a worker up


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with running(Server(tmp_path)) as server:
        yield server


class Workers:
    """Processes that share a credential, and what they have seen."""

    def __init__(self, folder: Path, server: Server, **changes: Any) -> None:
        key = folder / "store.key"
        key.touch(0o600)
        key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
        self.given = {
            "url": server.url,
            "key": str(key),
            "calls": str(folder / "calls"),
            "seen": str(folder / "seen"),
            "workers": 50,
            "session": 4,
            "window": 0.25,
            "latency": 0.05,
            **changes,
        }
        file = folder / "given.json"
        file.write_text(json.dumps(self.given))
        self.began = time.monotonic()
        program = [sys.executable, "-m", "tests.sharing.worker_processes", str(file)]
        self.process = subprocess.Popen(program, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def calls(self) -> list[tuple[float, int]]:
        """When, since the first one, and which process."""
        path = Path(self.given["calls"])
        lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        found = sorted((float(when), int(pid)) for when, pid in lines)
        return [(when - found[0][0], pid) for when, pid in found]

    def seen(self, *, but: int = 0) -> list[dict[str, Any]]:
        """What they have seen when all are done; *but* so many have been killed."""
        _, said = self.process.communicate(timeout=60)
        assert "Traceback" not in said, said[-3000:]
        found = [json.loads(line) for line in Path(self.given["seen"]).read_text().splitlines()]
        assert len(found) == self.given["workers"] - but
        return found

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)  # its own session: itself and its children
            self.process.wait()


@pytest.fixture
def workers(tmp_path: Path, server: Server) -> Iterator[Callable[..., Workers]]:
    started: list[Workers] = []

    def start(**given: Any) -> Workers:
        started.append(Workers(tmp_path, server, **given))
        return started[-1]

    yield start
    for each in started:
        each.kill()


def all_is_well(seen: list[dict[str, Any]]) -> None:
    assert [each["errors"] for each in seen if each["errors"]] == []
    assert sum(each["expired"] for each in seen) == 0
    assert max(each["longest_wait"] for each in seen) < NOISE


def one_each_session(calls: list[tuple[float, int]], since: float = 0) -> None:
    moments = [when for when, _ in calls if when >= since]
    assert all(later - sooner > 2 for sooner, later in itertools.pairwise(moments)), calls


def test_1_one_call_per_session_for_50_processes(workers: Callable[..., Workers]) -> None:
    fleet = workers(seconds=13)
    all_is_well(fleet.seen())
    calls = fleet.calls()
    assert len([when for when, _ in calls if when < 2]) <= 2, "one, and one more at the start"
    one_each_session(calls, since=2)
    assert 4 <= len(calls) <= 6


@pytest.mark.slow
def test_36_killed_and_started_empty(workers: Callable[..., Workers], server: Server) -> None:
    fleet = workers(seconds=19)
    wait_until(fleet.calls)
    time.sleep(2)
    server.kill()
    time.sleep(5)
    server.start()
    all_is_well(fleet.seen())
    one_each_session(fleet.calls(), since=7 + 1 + 4)  # the pause of a store that has failed, and a session


@pytest.mark.slow
def test_36_stopped_and_continued(workers: Callable[..., Workers], server: Server) -> None:
    fleet = workers(seconds=19)
    wait_until(fleet.calls)
    time.sleep(2)
    server.stop()
    time.sleep(5)
    server.go_on()
    all_is_well(fleet.seen())
    one_each_session(fleet.calls(), since=7 + 1 + 4)


@pytest.mark.slow
def test_16_a_leader_is_killed_and_one_takes_over(workers: Callable[..., Workers]) -> None:
    fleet = workers(seconds=12, workers=30, session=6, window=0.6, latency=0.6)
    wait_until(lambda: len(fleet.calls()) >= 2)
    killed = len(fleet.calls())
    when, leader = fleet.calls()[-1]
    os.kill(leader, signal.SIGKILL)
    all_is_well(fleet.seen(but=1))
    after = [at - when for at, _ in fleet.calls()[killed:]]
    assert len([at for at in after if at < 2.9]) == 1, after
    assert 0.9 < after[0] < 2 + NOISE, "when the lease has ended, and at most a look later"
