"""A real `ProcessPoolExecutor` in every start method, through several sessions, with a worker that is killed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alicred.testing import FakeCloud
from tests.pools.support import EXAMPLES, Answer, Program, check, environment, keys_by_worker

JOBS = 300
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")]


def answers(program: Program) -> list[Answer]:
    """What has been printed so far, a line for each job that was done."""
    lines = program.output.rpartition("\n")[0].splitlines()
    return [Answer.of(json.loads(line)) for line in lines]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ended(cloud: FakeCloud) -> set[str]:
    """The keys whose sessions are over."""
    return {session.access_key_id for session in cloud.sessions if session.ends_at <= cloud.now()}


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_an_executor_loses_no_job_to_a_session_that_ends_or_a_worker_that_is_killed(cloud: FakeCloud, method: str, tmp_path: Path) -> None:
    with Program([str(EXAMPLES / "executor.py"), method, str(JOBS)], environment(cloud), tmp_path / "log") as program:
        wait_for(lambda: not {answer.key for answer in answers(program)}.isdisjoint(ended(cloud)))
        program.kill(answers(program)[-1].worker)
        assert program.wait(40) == 0, program.output
        done = answers(program)
    assert len(done) >= JOBS
    check(cloud, done)
    workers = keys_by_worker(done)
    assert len(workers) >= 4  # some of the first pool, and some of the one that followed it
    if method == "fork":
        assert next(iter(workers.values()))[0] == cloud.sessions[0].access_key_id  # inherited
        assert done[0].fetches == 1
    assert max(map(len, workers.values())) >= 3
