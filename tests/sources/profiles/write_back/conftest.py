from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.sources.profiles.write_back.support import config


@pytest.fixture
def path(tmp_path: Path) -> Path:
    directory = tmp_path / ".aliyun"
    directory.mkdir()
    file = directory / "config.json"
    file.write_text(json.dumps(config(), indent="\t"))
    file.chmod(0o600)
    return file
