"""The page about the conformance kit."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from alicred.testing.conformance import FEATURES, scenarios

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "conformance.md").read_text("utf-8")
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_programs_of_the_page_are_those_that_the_type_checkers_see() -> None:
    checked = sorted((ROOT / "docs" / "examples" / "checks").glob("*.py"))
    assert sorted(PROGRAMS) == sorted(path.read_text("utf-8") for path in checked)
    assert all(f"(examples/checks/{path.name})" in PAGE for path in checked)


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS, ids=range(len(PROGRAMS)))
def test_a_program_of_the_page_runs(program: str, tmp_path: Path) -> None:
    path = tmp_path / "test_program.py"
    path.write_text(program, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scenario_on_the_page_is_one() -> None:
    shown = json.loads(re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0])
    assert shown in [scenario.data for scenario in scenarios()]


def test_the_page_explains_every_word_of_the_format() -> None:
    words: set[str] = set()
    for scenario in scenarios():
        data = json.loads(json.dumps(scenario.data))
        given, steps = data["given"], data["steps"]
        checks = [step.get("check", {}) for step in steps]
        words = words.union(given, given.get("policy", {}), *given["source"], *steps, *checks, data["expected"])
    table = set(re.findall(r"`([^`\n]+)`", PAGE))
    assert sorted(words - table) == []
    assert table >= FEATURES
