"""The directory of the store: other users can neither read nor change what is in it, or it is refused with what to change."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from alicred import ConfigurationError
from alicred.sharing import FileStore, private_directory
from tests.sharing.directories import ENTRY, IS_ROOT, files, leased, look, record

STRANGER = 4711  # no user of this machine
needs_root = pytest.mark.skipif(not IS_ROOT, reason="only root can give a file to another user")


def refused(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        look(FileStore(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_it_is_made_with_all_above_it_for_this_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        look(FileStore(tmp_path / "a" / "b" / "c"))
    finally:
        os.umask(before)
    for part in ("a", "a/b", "a/b/c"):
        assert stat.S_IMODE(os.lstat(tmp_path / part).st_mode) == 0o700


def test_it_is_made_again_when_it_is_gone(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")
    look(store)
    (tmp_path / "shared").rmdir()
    assert leased(store).save(record(1))


def test_two_may_make_it_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mkdir = os.mkdir

    def late(path: str, mode: int) -> None:
        mkdir(path, mode)
        mkdir(path, mode)

    monkeypatch.setattr(os, "mkdir", late)
    look(FileStore(tmp_path / "shared"))


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o707, 0o710, 0o1777])
def test_an_open_directory_is_refused(mode: int, tmp_path: Path) -> None:
    place = tmp_path / "shared"
    place.mkdir()
    place.chmod(mode)
    said = refused(place)
    assert f"{place}, in which credentials are shared, is open to other users (mode {mode:04o}). Take that away, with chmod 700" in said
    place.chmod(0o700)
    look(FileStore(place))


def test_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(0o700)
    (tmp_path / "shared").symlink_to("real")
    assert "is a symbolic link. Give the path that it leads to" in refused(tmp_path / "shared")
    assert files(tmp_path / "real") == []


def test_a_link_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shared").symlink_to("real")
    assert "is a symbolic link" in refused(tmp_path / "shared")
    assert not (tmp_path / "real").exists()


def test_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "shared").write_bytes(b"")
    assert "is no directory. Remove what stands there, or give another path" in refused(tmp_path / "shared")


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o2777, 0o722])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_way_that_others_can_write_is_refused(mode: int, is_there: bool, tmp_path: Path) -> None:
    way = tmp_path / "way"
    place = way / "more" / "shared"
    (place if is_there else way).mkdir(0o700, parents=True)
    way.chmod(mode)
    said = refused(place)
    assert f"{way}, on the way to the directory in which credentials are shared, can be written by other users (mode {mode:04o})" in said
    assert "with chmod go-w" in said
    assert place.exists() == is_there
    if is_there:
        assert files(place) == []
        for part in (place, place.parent):
            part.chmod(0o700)
    way.chmod(0o755)
    look(FileStore(place))


def test_a_way_that_is_sticky_is_fine(tmp_path: Path) -> None:
    way = tmp_path / "way"
    way.mkdir()
    way.chmod(0o1777)
    look(FileStore(way / "shared"))


def test_a_link_on_the_way_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(0o700)
    (tmp_path / "way").symlink_to("real")
    assert leased(FileStore(tmp_path / "way" / "shared")).save(record(1))
    assert files(tmp_path / "real" / "shared") == [ENTRY, f"{ENTRY}.lock"]


def test_a_link_to_a_way_that_others_can_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real").chmod(0o777)
    (tmp_path / "way").symlink_to("real")
    assert f"{tmp_path / 'real'}, on the way" in refused(tmp_path / "way" / "shared")


@needs_root
def test_another_users_directory_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "shared"
    place.mkdir(0o700)
    os.chown(place, STRANGER, -1)
    assert f"belongs to another user (number {STRANGER}; this process runs as 0). Give each user a directory" in refused(place)


@needs_root
@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("real")], ids=["directory", "link"])
def test_a_way_that_belongs_to_another_user_is_refused(make: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(0o700)
    make(tmp_path / "way")
    os.chown(tmp_path / "way", STRANGER, -1, follow_symlinks=False)
    assert f"{tmp_path / 'way'}, on the way" in refused(tmp_path / "way" / "shared")


@needs_root
@pytest.mark.parametrize("suffix", ["", ".lock"])
def test_another_users_file_counts_as_absent(suffix: str, tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")
    leased(store).save(record(1))
    leased(store, newer_than=1).end()
    os.chown(tmp_path / "shared" / (ENTRY + suffix), STRANGER, -1)
    lease = leased(store, newer_than=0 if not suffix else 1)
    assert lease.over == (1 if suffix else 0)
    assert lease.save(record(2))


def test_an_owner_whom_the_container_does_not_have_is_no_stranger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not private_directory._is_unmapped(os.geteuid())
    ranges = tmp_path / "uid_map"
    monkeypatch.setattr(private_directory, "_UID_MAP", str(ranges))
    assert not private_directory._is_unmapped(65534), "where the system has no such file"
    ranges.write_text("         0     100000      65534\n")
    assert private_directory._is_unmapped(65534)
    assert not private_directory._is_unmapped(65533)
    ranges.write_text("garbage\n")
    assert not private_directory._is_unmapped(65534)
