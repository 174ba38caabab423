from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("planted-token\n")
    (tmp_path / "pk.pem").write_text("planted")
    return tmp_path / ".aliyun" / "config.json"
