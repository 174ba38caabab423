"""What the tests of the command line share."""

from __future__ import annotations

from pathlib import Path

import pytest

from alicred.testing import FakeCloud
from tests.cli.programs import Machine


@pytest.fixture
def machine(alicred_cloud: FakeCloud, tmp_path: Path) -> Machine:
    """A machine with a home in which nothing is set up, and a cloud."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Machine(alicred_cloud, home)
