"""A full disk, a file system that is read-only, a directory that is gone: the error is raised, and the old record stays."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from alicred.sharing import Busy, FileStore, Lease, Stored, file_store
from tests.forked import checked_in_child
from tests.sharing.directories import ENTRY, IS_ROOT, LONG, ZERO, files, leased, look, record
from tests.sharing.fleets import needs_make_fleet

pytestmark = needs_make_fleet


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    place = tmp_path / "disk"
    place.mkdir(0o700)
    if not IS_ROOT or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", place], check=False).returncode:
        pytest.skip("this user cannot mount a file system")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def fill(place: Path) -> Path:
    path = place / "filler"
    with open(path, "wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 1024)
    return path


def generation(store: FileStore) -> int:
    said = look(store)
    assert isinstance(said, Stored), said
    return said.record.generation


FINISHES: dict[str, Callable[[Lease], object]] = {
    "save": lambda lease: lease.save(record(2, b"x" * 20_000)),
    "pause": lambda lease: lease.end(pause=LONG, reason="a"),
}


def test_on_a_full_disk_a_save_and_a_pause_fail_and_the_old_record_stays(small_disk: Path) -> None:
    store = FileStore(small_disk / "shared")
    assert leased(store).save(record(1))
    for finish in FINISHES.values():
        lease = leased(store, newer_than=1)
        filler = fill(small_disk)
        with pytest.raises(OSError, match="No space left"):
            finish(lease)
        assert generation(store) == 1
        with pytest.raises(OSError, match="No space left"):
            leased(store, newer_than=1)
        assert files(small_disk / "shared") == [ENTRY, f"{ENTRY}.lock"]
        filler.unlink()
    assert leased(store, newer_than=1).save(record(2))
    assert generation(store) == 2


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_record_of_which_only_a_part_can_be_written_replaces_nothing(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")
    assert leased(store).save(record(1))

    def work() -> tuple[int | None, int]:
        lease = leased(store, newer_than=1)
        with files_of_at_most(700):
            try:
                lease.save(record(2, b"x" * 1300))
            except OSError as error:
                return error.errno, generation(store)
        return None, 0

    assert checked_in_child(work) == (errno.EFBIG, 1)
    assert files(tmp_path / "shared") == [ENTRY, f"{ENTRY}.lock"]


def test_a_write_that_takes_a_part_at_a_time_is_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, content: write(descriptor, bytes(content)[:7]))
    store = FileStore(tmp_path / "shared")
    assert leased(store).save(record(1, b"x" * 1300))
    assert look(store).record == record(1, b"x" * 1300)  # type: ignore[union-attr]


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Two paths of one directory. At the second one it cannot be written."""
    place, same = tmp_path / "disk", tmp_path / "same"
    for path in (place, same):
        path.mkdir(0o700)
    if not IS_ROOT:
        os.mkdir(place / "shared", 0o700)
        same.rmdir()
        same.symlink_to(place)
        yield place, same
        place.chmod(0o700)
        return
    if subprocess.run(["mount", "--bind", place, same], check=False).returncode:
        pytest.skip("this user cannot mount a file system")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", same], check=True)
        yield place, same
    finally:
        subprocess.run(["umount", "-l", same], check=True)


def test_what_is_read_only_can_be_read_and_gives_no_lease(read_only: tuple[Path, Path]) -> None:
    store, other = (FileStore(place / "shared") for place in read_only)
    assert leased(store).save(record(1))
    if not IS_ROOT:
        (read_only[0] / "shared").chmod(0o500)
    assert generation(other) == 1
    assert look(other, newer_than=1) == Busy(ZERO)
    with pytest.raises(OSError, match=r"Read-only|denied"):
        leased(other, newer_than=1)
    if not IS_ROOT:
        (read_only[0] / "shared").chmod(0o700)
    assert leased(store, newer_than=1).save(record(2))
    assert generation(other) == 2


@pytest.mark.parametrize("finish", FINISHES.values(), ids=FINISHES)
def test_a_directory_that_is_gone_is_an_error_and_is_made_again(finish: Callable[[Lease], object], tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")
    lease = leased(store)
    shutil.rmtree(tmp_path / "shared")
    with pytest.raises(FileNotFoundError):
        finish(lease)
    assert leased(store).save(record(3))


def test_a_lock_that_is_gone_is_a_lease_that_is_lost(tmp_path: Path) -> None:
    store = FileStore(tmp_path / "shared")
    lease = leased(store)
    (tmp_path / "shared" / f"{ENTRY}.lock").unlink()
    assert not lease.save(record(1))
    assert look(store) == Busy(ZERO)


def test_where_there_are_no_locks_the_store_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(file_store.fcntl, "flock", none)
    store = FileStore(tmp_path / "shared")
    with pytest.raises(OSError, match="No locks available"):
        leased(store)
