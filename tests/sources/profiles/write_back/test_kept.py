"""What a write keeps, and when nothing is written."""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from alicred.sources.profiles.cli import write_back
from alicred.sources.profiles.cli.write_back import NotWrittenError, SupersededError
from tests.forked import in_child
from tests.sources.profiles.write_back.support import IS_ROOT, NEVER, config, counts, left, update

# --- what is kept -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("indent", ["\t", "    ", "  "])
def test_nothing_but_the_values_changes(path: Path, indent: str) -> None:
    whole = config()
    path.write_text(json.dumps(whole, indent=indent) + "\n")
    update(str(path), "p1", {"count": 7, "new": "n"}, still={})
    whole["profiles"][1].update({"count": 7, "new": "n"})
    assert path.read_text() == json.dumps(whole, indent=indent) + "\n"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o666, 0o400])
def test_the_mode_is_kept(path: Path, mode: int) -> None:
    path.chmod(mode)
    update(str(path), "p0", {"count": 1}, still={})
    assert stat.S_IMODE(path.stat().st_mode) == mode


def test_the_new_file_is_its_owners_alone_until_it_is_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.chmod(0o644)
    modes: list[int] = []
    real = write_back._write

    def looking(descriptor: int, content: bytes) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        real(descriptor, content)

    monkeypatch.setattr(write_back, "_write", looking)
    previous = os.umask(0)
    try:
        update(str(path), "p0", {"count": 1}, still={})
    finally:
        os.umask(previous)
    assert modes == [0o600]
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


@pytest.mark.skipif(not IS_ROOT, reason="only root may give a file away")
def test_the_owner_is_kept(path: Path) -> None:
    os.chown(path, 65534, 65534)
    update(str(path), "p0", {"count": 1}, still={})
    assert (path.stat().st_uid, path.stat().st_gid) == (65534, 65534)


def test_an_owner_that_cannot_be_kept_is_no_failure(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if IS_ROOT:
        os.chown(path, 65534, 65534)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refuse)
    update(str(path), "p0", {"count": 1}, still={})
    assert counts(path)["p0"] == 1


def refused(*_: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def given_away(real: Callable[[int, int, int], None]) -> Callable[[int, int, int], None]:
    """As `os.fchown` is for who is not root: the owner stays, a group may be chosen."""

    def fchown(descriptor: int, uid: int, gid: int) -> None:
        if uid not in (-1, os.fstat(descriptor).st_uid):
            refused()
        real(descriptor, -1, gid)

    return fchown


@pytest.mark.skipif(not IS_ROOT, reason="only root may give a file away")
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o660, 0o644, 0o604, 0o666])
def test_where_the_owner_cannot_be_kept_the_group_and_the_mode_are(path: Path, mode: int, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(path, NEVER, NEVER)
    path.chmod(mode)
    monkeypatch.setattr(os, "fchown", given_away(os.fchown))
    update(str(path), "p0", {"count": 1}, still={})
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (os.geteuid(), NEVER, mode)


@pytest.mark.skipif(not IS_ROOT, reason="only root may give a file away")
@pytest.mark.parametrize(
    ("mode", "narrowed"),
    [(0o600, 0o600), (0o640, 0o600), (0o660, 0o600), (0o644, 0o604), (0o604, 0o600), (0o666, 0o606), (0o646, 0o604), (0o2640, 0o600)],
)
def test_where_the_group_cannot_be_kept_no_one_gains_a_right(path: Path, mode: int, narrowed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    os.chown(path, NEVER, NEVER)
    path.chmod(mode)
    monkeypatch.setattr(os, "fchown", refused)
    update(str(path), "p0", {"count": 1}, still={})
    assert stat.S_IMODE(path.stat().st_mode) == narrowed


@pytest.mark.skipif(not IS_ROOT, reason="only root can become another user")
@pytest.mark.parametrize("in_group", [True, False])
def test_a_login_that_a_group_shares_is_not_opened_to_strangers(in_group: bool) -> None:
    """With real users: the writer is in the directory's group, and in that of the file or not."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "config.json"
        path.write_text(json.dumps(config()))
        os.chown(path, 4711, 4712)
        path.chmod(0o664 if not in_group else 0o660)
        os.chown(name, 4711, 4713)
        os.chmod(name, 0o770)

        def write() -> None:
            os.setgroups([4712, 4713] if in_group else [4713])
            os.setresgid(4714, 4714, 4714)
            os.setresuid(4715, 4715, 4715)
            update(str(path), "p0", {"count": 1}, still={})

        assert in_child(write) is None
        assert counts(path)["p0"] == 1
        found = path.stat()
        expected = (4715, 4712, 0o660) if in_group else (4715, 4714, 0o604)
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == expected


@pytest.mark.parametrize("absolute", [True, False])
def test_a_symbolic_link_stays_one(path: Path, tmp_path: Path, absolute: bool) -> None:
    link, second = tmp_path / "link.json", tmp_path / "second.json"
    second.symlink_to(path if absolute else Path(".aliyun") / "config.json")
    link.symlink_to(second if absolute else "second.json")
    update(str(link), "p0", {"count": 1}, still={})
    assert link.is_symlink()
    assert second.is_symlink()
    assert not path.is_symlink()
    assert counts(path)["p0"] == 1
    assert sorted(os.listdir(tmp_path)) == [".aliyun", "link.json", "second.json"], "the new file was written beside the old one"


def test_a_relative_path_is_fine(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    update("config.json", "p0", {"count": 1}, still={})
    assert counts(path)["p0"] == 1


def test_what_is_there_already_is_not_written_again(path: Path) -> None:
    before = path.stat()
    update(str(path), "p0", {"count": 0, "mode": "OAuth"}, still={})
    assert path.stat().st_ino == before.st_ino


# --- when not to write --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("still", [{"mode": "AK"}, {"mode": "OAuth", "token": "old"}, {"count": 1}, {"mode": None}])
def test_a_profile_that_says_something_else_by_now_stays(path: Path, still: dict[str, object]) -> None:
    before = path.read_bytes()
    with pytest.raises(SupersededError, match="the profile has been changed meanwhile"):
        update(str(path), "p0", {"count": 5}, still=still)
    assert path.read_bytes() == before


@pytest.mark.parametrize("value", ["", None, 0])
def test_nothing_is_nothing_however_it_is_written(path: Path, value: object) -> None:
    whole = config()
    whole["profiles"][0]["token"] = value
    path.write_text(json.dumps(whole))
    update(str(path), "p0", {"count": 5}, still={"token": None, "missing": None})
    assert counts(path)["p0"] == 5


def test_a_profile_or_a_file_that_has_gone_is_not_brought_back(path: Path) -> None:
    with pytest.raises(SupersededError, match="the profile is no longer there"):
        update(str(path), "p9", {"count": 5}, still={})
    path.unlink()
    with pytest.raises(NotWrittenError, match="it is no longer there"):
        update(str(path), "p0", {"count": 5}, still={})
    assert left(path) == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"profiles": "planted"}', b"\xffplanted", b"[" * 10_000, b'{"a":"' + b"x" * (1 << 20)])
def test_a_broken_file_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(NotWrittenError) as caught:
        update(str(path), "p0", {"count": 5}, still={})
    assert "planted" not in str(caught.value)
    assert path.read_bytes() == content
    assert left(path) == []
