"""Accidents of the system while the file is written: full disks, shortages, interrupts."""

from __future__ import annotations

import errno
import gc
import json
import os
import re
import resource
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alicred._internal import file_lock
from alicred.sources.profiles.cli import write_back
from alicred.sources.profiles.cli.write_back import NotWrittenError
from tests.adversities import call_with_left, interrupted_at, struck, unclosed
from tests.forked import in_child
from tests.sources.profiles.write_back.support import IS_ROOT, config, counts, left, locked, update


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def short(real: Callable[..., int]) -> Callable[..., int]:
    """Writes ten bytes, and then finds the disk full."""
    calls: list[int] = []

    def write(descriptor: int, data: bytes) -> int:
        calls.append(descriptor)
        if len(calls) > 1:
            full()
        return real(descriptor, data[:10])

    return write


@pytest.mark.parametrize("call", ["write", "fsync", "replace", "fchmod", "open"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    before = path.read_bytes()
    real_open = os.open

    def no_new_file(name: Any, flags: int, *rest: Any) -> int:
        if flags & os.O_CREAT:
            full()
        return real_open(name, flags, *rest)

    broken = {"write": short(os.write), "open": no_new_file}.get(call, full)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, broken)
        with pytest.raises(NotWrittenError, match="No space left on device"):
            write_back.update(str(path), "p0", {"count": 5}, still={})
    assert path.read_bytes() == before
    assert left(path) == []
    update(str(path), "p0", {"count": 5}, still={})
    assert counts(path)["p0"] == 5


def test_a_directory_that_cannot_be_synced_is_no_failure(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: full() if stat.S_ISDIR(os.fstat(number).st_mode) else real(number))
    update(str(path), "p0", {"count": 5}, still={})
    assert counts(path)["p0"] == 5


def test_everything_is_on_the_disk_before_the_name_changes_hands(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    sync, replace = os.fsync, os.replace

    def synced(number: int) -> None:
        steps.append("directory" if stat.S_ISDIR(os.fstat(number).st_mode) else f"{os.fstat(number).st_size} bytes")
        sync(number)

    def replaced(old: str, new: str) -> None:
        steps.append("replaced")
        replace(old, new)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "replace", replaced)
    update(str(path), "p0", {"count": 5}, still={})
    assert steps == [f"{path.stat().st_size} bytes", "replaced", "directory"]


def test_a_limit_on_the_size_of_files_leaves_the_old_file(path: Path) -> None:
    before = path.read_bytes()

    def write() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, len(before) // 2))
        update(str(path), "p0", {"count": 5}, still={})

    assert re.fullmatch("NotWrittenError: .*too large", in_child(write))
    assert path.read_bytes() == before
    assert left(path) == []


@pytest.fixture
def closed_directory() -> Iterator[Path]:
    """A directory with the file in it that nobody but root may write to; others can reach it, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "config.json").write_text(json.dumps(config()))
        (directory / "config.json").chmod(0o644)
        directory.chmod(0o555)
        yield directory
        directory.chmod(0o755)


def test_a_directory_that_may_not_be_written_leaves_the_old_file(closed_directory: Path, path: Path) -> None:
    update(str(path), "p0", {"count": 5}, still={})  # what that loads, the child may not be able to read any more
    path = closed_directory / "config.json"
    before = path.read_bytes()

    def write() -> None:
        if IS_ROOT:
            os.setresuid(65534, 65534, 65534)
        locked(path, seconds=1)  # the file can be read and locked
        update(str(path), "p0", {"count": 5}, still={})

    assert in_child(write) == "NotWrittenError: Permission denied"
    assert path.read_bytes() == before
    assert left(path) == []


def test_an_interrupt_leaves_the_old_file_and_the_lock_free(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", interrupted)
        with pytest.raises(KeyboardInterrupt):
            update(str(path), "p0", {"count": 5}, still={})
    assert path.read_bytes() == before
    assert left(path) == []
    update(str(path), "p0", {"count": 5}, still={})


def test_a_frozen_clock_does_not_lengthen_the_wait(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)

    def work(_: int) -> None:
        with pytest.raises(file_lock.Busy):
            locked(path, seconds=0.1)

    file_lock.exclusive(str(path), work, create=False, seconds=1)


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOBUFS, errno.EINTR, errno.ESTALE])
@pytest.mark.parametrize("call", ["open", "write", "fsync", "stat"])
def test_a_shortage_is_told_and_leaves_the_old_file(path: Path, number: int, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def short(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, short)
        with pytest.raises(NotWrittenError, match=os.strerror(number)):
            write_back.update(os.path.realpath(path), "p0", {"count": 5}, still={})
    assert path.read_bytes() == before
    assert left(path) == []


def test_memory_that_is_used_up_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(write_back, "_changed", none_left)
    with pytest.raises(NotWrittenError, match="Cannot allocate memory"):
        update(str(path), "p0", {"count": 5}, still={})


@unclosed
def test_an_interrupt_at_any_step_leaves_the_lock_free(path: Path) -> None:
    """Also one that arrives in the clean-up, and whose traceback is kept."""
    kept: list[BaseException] = []
    for number in range(1, 2000):
        more = interrupted_at(number, lambda: locked(path), file_lock.__file__, kept)
        assert locked(path, seconds=0), f"an interrupt at step {number} leaves it held"
        if not more:
            break
    assert 50 < number < 1999
    kept.clear()
    gc.collect()  # else a later test would be told of a file that was not closed


def test_exceptions_set_from_another_thread_leave_the_lock_free(path: Path) -> None:
    program = """
        from alicred._internal.file_lock import exclusive

        def lock(seconds):
            exclusive(sys.argv[1], lambda number: None, create=False, seconds=seconds)

        for _ in range(100):
            strike(lambda: lock(5), 0.003)
            lock(0)
        print("enough" if hits > 20 else hits)
    """
    assert struck(program, str(path)) == "enough"


@unclosed
def test_a_stack_that_is_used_up_leaves_the_lock_free(path: Path) -> None:
    failed = 0
    for frames in range(1, 60):
        try:
            call_with_left(frames, lambda: locked(path))
        except RecursionError:
            failed += 1
        assert locked(path, seconds=0), f"with {frames} frames left it stays held"
    assert 2 < failed < 59
