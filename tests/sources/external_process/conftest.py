from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sources.external_process.support import is_alive, noted


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Path]:
    """A file into which the programs write the numbers of their processes; whatever is left of these is ended after the test."""
    path = tmp_path / "pids"
    path.touch()
    yield path
    for pid in noted(path):
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
