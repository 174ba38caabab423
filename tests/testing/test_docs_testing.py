"""The programs in docs/testing.md run as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "testing.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_page_has_programs() -> None:
    assert len(PROGRAMS) == PAGE.read_text(encoding="utf-8").count("```python") >= 6


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_the_program_runs(program: str, tmp_path: Path) -> None:
    has_tests = "def test_" in program
    path = tmp_path / ("test_program.py" if has_tests else "program.py")
    path.write_text(program, encoding="utf-8")
    runner = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)] if has_tests else ["-W", "error"]
    done = subprocess.run([sys.executable, *runner, str(path)], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
