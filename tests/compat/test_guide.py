"""The commands of the guide, run on a small repository."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
OLD = """\
import alibabacloud_credentials.client as official
from alibabacloud_credentials import models
from alibabacloud_credentials_api import ICredentials
from alicred.adapters import alibabacloud_credentials
if True:
    from alibabacloud_credentials.models import Config
TEXT = "alibabacloud_credentials"
"""
NEW = """\
import alicred.compat.client as official
from alicred.compat import models
from alicred.compat.api import ICredentials
from alicred.adapters import alibabacloud_credentials
if True:
    from alicred.compat.models import Config
TEXT = "alibabacloud_credentials"
"""


def commands(page: str) -> list[str]:
    """The command that changes the imports, and the one that looks for what is left."""
    shown = re.findall(r"^```sh\n(.*?)^```$", (DOCS / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [line for text in shown for line in text.splitlines() if " pip install " not in line]


def run(command: str, where: Path) -> tuple[str, str]:
    done = subprocess.run(["/bin/sh", "-c", command], cwd=where, capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    if shutil.which("git") is None:
        pytest.skip("needs git")
    for name in ("my program.py", ".venv/lib/installed.py", "notes.md", "other.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("import os\n" if name == "other.py" else OLD, "utf-8")
    for command in ("git -c init.defaultBranch=main init -q .", "git add 'my program.py' notes.md other.py"):
        assert run(command, tmp_path)[1] == ""
    return tmp_path


@pytest.mark.parametrize("page", ["migrating.md", "migrating.zh-CN.md"])
def test_the_command_changes_the_imports_of_the_program_and_nothing_else(page: str, repository: Path) -> None:
    change, look = commands(page)
    assert run(change, repository) == ("", "")
    assert (repository / "my program.py").read_text("utf-8") == NEW
    for name in (".venv/lib/installed.py", "notes.md"):
        assert (repository / name).read_text("utf-8") == OLD, name
    found, problems = run(look, repository)
    assert [line.partition(":")[0] for line in found.splitlines()] == ["my program.py"] * 2, "the adapter and the text are left"
    assert problems == ""


def test_a_second_time_the_command_has_nothing_to_do(repository: Path) -> None:
    change, _ = commands("migrating.md")
    for _ in range(2):
        assert run(change, repository) == ("", "")
    assert (repository / "my program.py").read_text("utf-8") == NEW
