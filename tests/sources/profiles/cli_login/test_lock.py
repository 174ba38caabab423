"""The file of the lock."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alicred.errors import ConfigurationError, TransientError
from alicred.testing import FakeCloud
from tests.sources.profiles.cli_login.support import SOON, lock_of, profile_of, provider, written


@pytest.mark.parametrize("planted", [os.mkfifo, lambda path: path.symlink_to(path.with_name("elsewhere")), Path.mkdir])
def test_what_stands_in_the_place_of_the_lock_is_refused_at_once(
    cloud: FakeCloud, tmp_path: Path, planted: Callable[[Path], object]
) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    before = path.read_bytes()
    lock = lock_of(path)
    planted(lock)
    began = time.monotonic()
    with pytest.raises(ConfigurationError) as caught:
        provider(path).get()
    assert time.monotonic() - began < 5
    assert str(caught.value) == f"cli_profile: {lock} cannot be locked, since it is not a regular file. Remove it"
    assert (path.read_bytes(), cloud.calls) == (before, ())
    assert not lock.with_name("elsewhere").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_lock_that_another_user_has_made_is_refused(cloud: FakeCloud, tmp_path: Path) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    lock_of(path).touch()
    os.chown(lock_of(path), 4711, -1)
    with pytest.raises(ConfigurationError, match=r"belongs to another user, who could hold its lock for ever\. Remove it"):
        provider(path).get()
    os.chown(path, 4711, -1)
    assert provider(path).get(), "root shares the login of the file's owner"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOBUFS, errno.EINTR, errno.ESTALE])
def test_a_lock_that_cannot_be_had_for_a_shortage_is_not_done_without(
    cloud: FakeCloud, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it, two processes would spend one token."""
    path = written(tmp_path, profile_of(cloud, SOON))
    real = os.open

    def short(name: Any, flags: int, *rest: Any, **more: Any) -> int:
        if str(name).endswith(".lock"):
            raise OSError(number, os.strerror(number), name)
        return real(name, flags, *rest, **more)

    monkeypatch.setattr(os, "open", short)
    with pytest.raises(TransientError, match=f"its login cannot be renewed now: .* cannot be opened: {os.strerror(number)}"):
        provider(path).get()
    assert cloud.calls == ()
