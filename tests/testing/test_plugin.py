"""The pytest plugin, as another project's test run sees it, and what importing the package loads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import alicred.testing

SUITE = """
def test_both(alicred_clock, alicred_cloud):
    assert alicred_clock.sleeps == ()
    assert alicred_cloud.http_endpoint.startswith("http://127.0.0.1:")

def test_each_test_has_its_own(alicred_cloud):
    assert alicred_cloud.calls == ()
"""


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_another_projects_tests_get_the_fixtures_without_asking(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(SUITE)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout


def test_the_plugin_loads_nothing_that_is_heavy() -> None:
    loaded = json.loads(run("import alicred.testing.plugin, sys, json; print(json.dumps(sorted(sys.modules)))"))
    heavy = (
        "http.server",
        "ssl",
        "cryptography",
        "urllib3",
        "alicred.testing.cloud.fake_cloud",
        "alicred.testing.clock",
        "alicred.wire.signing",
    )
    assert [name for name in heavy if name in loaded] == []


def test_the_package_loads_no_pytest_and_no_server_until_a_cloud_starts() -> None:
    code = "from alicred.testing import *\nFakeCloud()\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(run(code))
    assert [name for name in ("pytest", "_pytest", "http.server", "ssl", "cryptography") if name in loaded] == []


@pytest.mark.parametrize("name", alicred.testing.__all__)
def test_public_names_exist_and_explain_themselves(name: str) -> None:
    assert (getattr(alicred.testing, name).__doc__ or "").strip()
    assert name in dir(alicred.testing)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="FakeSky"):
        alicred.testing.FakeSky  # type: ignore[attr-defined]  # noqa: B018  # the wrong name is the point
    assert list(alicred.testing.__all__) == sorted(alicred.testing.__all__)
