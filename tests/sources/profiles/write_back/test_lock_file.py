"""What may stand in the place of the lock file, and what may not."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from alicred._internal import file_lock
from alicred.errors import ConfigurationError
from tests.sources.profiles.write_back.support import IS_ROOT, NEVER, locked


def _link(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))


def _link_to_a_file(path: Path) -> None:
    path.with_name("elsewhere").write_text("theirs")
    _link(path)


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made, contextlib.chdir(path.parent) if sys.version_info >= (3, 11) else contextlib.nullcontext():
        made.bind(path.name if sys.version_info >= (3, 11) else str(path))


PLANTED: dict[str, Callable[[Path], object]] = {
    "link": _link,
    "link to a file": _link_to_a_file,
    "fifo": os.mkfifo,
    "directory": Path.mkdir,
    "socket": _socket,
}


@pytest.mark.parametrize("kind", PLANTED)
@pytest.mark.parametrize("create", [True, False])
def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path, kind: str, create: bool) -> None:
    path = tmp_path / "lock"
    PLANTED[kind](path)
    before = sorted(os.listdir(tmp_path))
    began = time.monotonic()
    with pytest.raises(ConfigurationError, match=r"/lock cannot be locked, since it is not a regular file\. Remove it$"):
        locked(path, create=create)
    assert time.monotonic() - began < 5
    assert sorted(os.listdir(tmp_path)) == before, "nothing was made at the other end of a link"


@pytest.mark.skipif(not IS_ROOT, reason="only root may give a file away")
def test_a_file_of_another_user_is_no_lock_where_it_must_not_be(path: Path) -> None:
    os.chown(path, NEVER, -1)
    assert locked(path)
    assert locked(path, owner=NEVER)
    with pytest.raises(ConfigurationError, match=r"config.json belongs to another user, who could hold its lock for ever\. Remove it$"):
        locked(path, owner=NEVER + 1)


def test_another_file_that_takes_its_place_meanwhile_is_seen(path: Path) -> None:
    """A waiter that gets the lock of a file that has been replaced goes on to the new one."""
    seen: list[str] = []

    def waiter() -> None:
        file_lock.exclusive(str(path), lambda file: seen.append(os.read(file, 100).decode()), create=False, seconds=5)

    thread = threading.Thread(target=waiter)

    def work(_: int) -> None:
        thread.start()
        other = path.with_name("other")
        other.write_text("the new one")
        time.sleep(0.05)
        os.replace(other, path)

    file_lock.exclusive(str(path), work, create=False, seconds=1)
    thread.join()
    assert seen == ["the new one"]
