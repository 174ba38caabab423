"""A login that has just been made: it is put into the file whatever that says, and also if there is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from alicred.sources.profiles.cli import write_back
from alicred.sources.profiles.cli.config import CliConfig
from alicred.sources.profiles.cli.write_back import NotWrittenError, SupersededError
from tests.sources.profiles.write_back.support import PROFILES, counts, left, update


def put(
    path: Path, name: str, changes: dict[str, str | int | None], *, still: dict[str, object] | None = None, make_current: bool = False
) -> CliConfig:
    return write_back.alone(
        str(path), lambda: write_back.put(str(path), name, changes, still=still or {}, make_current=make_current), create=True, seconds=10
    )


def test_a_new_profile_comes_last_and_nothing_else_changes(path: Path) -> None:
    before = json.loads(path.read_bytes())
    found = put(path, "new", {"mode": "OAuth", "n": 7, "gone": None})
    after = json.loads(path.read_bytes())
    assert after == {**before, "profiles": [*before["profiles"], {"name": "new", "mode": "OAuth", "n": 7}]}
    assert found == CliConfig.read(str(path))
    assert left(path) == []


def test_a_value_is_taken_away(path: Path) -> None:
    put(path, "p1", {"count": None, "mode": "CloudSSO"})
    profile = json.loads(path.read_bytes())["profiles"][1]
    assert list(profile) == ["name", "mode", "future", "padding"]
    assert profile["mode"] == "CloudSSO"


def test_the_current_profile_changes_when_it_is_asked_for(path: Path) -> None:
    assert put(path, "p1", {"n": 1}).current == "p0"
    assert put(path, "p1", {"n": 1}, make_current=True).current == "p1"
    assert json.loads(path.read_bytes())["current"] == "p1"


@pytest.mark.parametrize(("name", "still"), [("p0", {"mode": "AK"}), ("p0", {"token": "t"}), ("new", {"mode": "OAuth"})])
def test_a_profile_that_says_something_else_meanwhile_stays_as_it_is(path: Path, name: str, still: dict[str, object]) -> None:
    before = path.read_bytes()
    with pytest.raises(SupersededError, match="has been changed meanwhile"):
        put(path, name, {"mode": "CloudSSO"}, still=still)
    assert path.read_bytes() == before
    put(path, name, {"mode": "CloudSSO"}, still={"token": None})


@pytest.mark.parametrize("text", [None, "{}", '{"profiles": null}', '{"current": "", "profiles": []}'])
def test_the_first_profile_is_the_current_one(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "config.json"
    if text is not None:
        path.write_text(text)
    put(path, "new", {"mode": "OAuth"})
    found = json.loads(path.read_bytes())
    assert (found["current"], found["profiles"]) == ("new", [{"name": "new", "mode": "OAuth"}])


def test_a_new_file_is_as_the_tool_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    before = os.umask(0)
    try:
        put(path, "näme", {"mode": "OAuth"})
    finally:
        os.umask(before)
    lines = [
        "{",
        '\t"current": "n\\u00e4me",',
        '\t"profiles": [',
        "\t\t{",
        '\t\t\t"name": "n\\u00e4me",',
        '\t\t\t"mode": "OAuth"',
        "\t\t}",
        "\t],",
    ]
    assert path.read_text().split("\n") == [*lines, '\t"meta_path": ""', "}"]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("mode", [0o644, 0o666, 0o400, 0o600])
def test_the_file_is_for_its_owner_alone_afterwards(path: Path, mode: int) -> None:
    path.chmod(mode)
    put(path, "p0", {"token": "x"})
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_link_that_leads_to_nothing_yet_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.symlink_to(tmp_path / "elsewhere.json")
    put(path, "new", {"mode": "OAuth"})
    assert path.is_symlink()
    assert json.loads((tmp_path / "elsewhere.json").read_bytes())["current"] == "new"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"profiles": {}}', '{"a": 1e999}'])
def test_a_file_that_is_broken_stays_as_it_is(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(NotWrittenError):
        put(path, "new", {"mode": "OAuth"})
    assert path.read_text() == text
    assert left(path) == []


def test_a_file_that_another_program_makes_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.json"
    real = write_back._make_private
    theirs = {"current": "theirs", "profiles": [{"name": "theirs", "mode": "AK"}]}

    def meanwhile(descriptor: int) -> None:
        real(descriptor)
        if not path.exists():
            path.write_text(json.dumps(theirs))

    monkeypatch.setattr(write_back, "_make_private", meanwhile)
    put(path, "mine", {"mode": "OAuth"})
    found = json.loads(path.read_bytes())
    assert found == {"current": "theirs", "profiles": [*theirs["profiles"], {"name": "mine", "mode": "OAuth"}]}


# A process that logs in again and again, each time as a new profile, and one that renews a login as the library does.
LOGS_IN = """
import sys
from alicred.sources.profiles.cli import write_back
path, name = sys.argv[1:]
put = write_back.put
for n in range(25):
    write_back.alone(path, lambda: put(path, f"{name}-{n}", {"mode": "OAuth", "n": n}, still={}), create=True, seconds=30)
    write_back.alone(path, lambda: put(path, name, {"n": n, "k": None if n % 2 else "k"}, still={}), create=True, seconds=30)
"""


def test_logins_and_renewals_of_many_processes_and_threads_lose_nothing(path: Path) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    processes = [subprocess.Popen([sys.executable, "-c", LOGS_IN, str(path), name], env=environ) for name in ("a", "b")]

    def renew(name: str) -> None:
        for number in range(1, 41):
            update(str(path), name, {"count": number}, still={"mode": "OAuth"})

    threads = [threading.Thread(target=renew, args=(name,)) for name in PROFILES[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.wait() for process in processes] == [0, 0]
    whole = json.loads(path.read_bytes())
    names = [profile["name"] for profile in whole["profiles"]]
    assert sorted(names) == sorted([*PROFILES, *(f"{name}-{number}" for name in "ab" for number in range(25)), "a", "b"])
    by_name = {profile["name"]: profile for profile in whole["profiles"]}
    assert by_name["a"] == {"name": "a", "n": 24, "k": "k"}
    path.write_text(json.dumps({**whole, "profiles": [each for each in whole["profiles"] if each["name"] in PROFILES]}))
    assert counts(path) == {"p0": 40, "p1": 40, "p2": 0, "p3": 0}
    assert left(path) == []
