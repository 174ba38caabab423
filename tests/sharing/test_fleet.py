"""Real processes that share one credential over a directory, against a cloud with short sessions."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alicred.testing import FakeCloud, faults
from tests.sharing.fleets import needs_make_fleet

ROOT = Path(__file__).resolve().parents[2]
SESSION = timedelta(seconds=4)
pytestmark = [needs_make_fleet, pytest.mark.skipif(os.name != "posix", reason="a directory is shared on POSIX systems")]


def start(cloud: FakeCloud, directory: Path, key: bytes, seconds: float) -> subprocess.Popen[str]:
    given = {
        "endpoint": cloud.http_endpoint,
        "directory": str(directory),
        "key": base64.b64encode(key).decode(),
        "role": cloud.role_arn,
        "seconds": seconds,
    }
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")},
        "ALIBABA_CLOUD_ACCESS_KEY_ID": cloud.access_key.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": cloud.access_key.access_key_secret,
    }
    command = [sys.executable, "-m", "tests.sharing.worker", json.dumps(given)]
    return subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)


def end(workers: list[subprocess.Popen[str]]) -> list[dict[str, Any]]:
    said = [worker.communicate()[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * len(workers)
    return [json.loads(text) for text in said]


def sessions(began: float) -> float:
    """How many sessions follow each other at most since *began*: each is refreshed when three quarters of it are over."""
    return (time.monotonic() - began) / (0.75 * SESSION.total_seconds())


def test_twenty_processes_make_one_call_per_session(tmp_path: Path) -> None:
    with FakeCloud(session=SESSION) as cloud:
        began = time.monotonic()
        key = secrets.token_bytes(32)
        said = end([start(cloud, tmp_path / "shared", key, 14) for _ in range(20)])
        calls = cloud.count("AssumeRole")
        assert calls <= sessions(began) + 2, [each["led"] for each in said]
        assert sum(each["errors"] + each["ended"] + each["own_calls"] for each in said) == 0
        assert sum(each["led"] for each in said) == calls
        handed_out = {key_id for each in said for key_id in each["seen"]}
        assert len(handed_out) == calls
        assert all(len(each["seen"]) >= 3 for each in said)
        stored = b"".join(path.read_bytes() for path in (tmp_path / "shared").iterdir())
        for part in [cloud.access_key.access_key_id, cloud.access_key.access_key_secret, *handed_out, b"access_key"]:
            assert (part if isinstance(part, bytes) else part.encode()) not in stored


def test_a_leader_that_is_killed_is_followed_by_one(tmp_path: Path) -> None:
    with FakeCloud(session=SESSION) as cloud:
        key = secrets.token_bytes(32)
        cloud.inject(faults.Hang(timedelta(seconds=60)), times=1)
        leader = start(cloud, tmp_path / "shared", key, 60)
        assert cloud.wait_for("AssumeRole", within=timedelta(seconds=60))
        others = [start(cloud, tmp_path / "shared", key, 6) for _ in range(5)]
        time.sleep(1)
        leader.send_signal(signal.SIGKILL)
        leader.communicate()
        said = end(others)
        assert sum(each["errors"] + each["ended"] + each["own_calls"] for each in said) == 0
        assert all(each["seen"] for each in said)
