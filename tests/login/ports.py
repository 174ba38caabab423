"""The five ports that a login may come back to: those of the whole machine, and tests run in parallel."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def login_ports() -> Iterator[None]:
    """They are this test's alone, as far as tests of alicred go."""
    path = Path(tempfile.gettempdir()) / f"alicred-tests-login-ports-{os.getuid()}.lock"
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
