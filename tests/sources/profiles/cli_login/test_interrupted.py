"""What ends a renewal in the middle."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from alicred._internal import file_lock
from alicred.errors import TransientError
from alicred.sources.profiles.cli import oauth_login, write_back
from alicred.sources.profiles.cli.profile import CliProfile
from alicred.sources.profiles.cli.provider import CliProfileProvider
from alicred.testing import FakeCloud, faults
from tests.adversities import call_with_left, interrupted_at, unclosed
from tests.forked import in_child, in_raw_child
from tests.sources.profiles.cli_login.support import LATER, of_file, profile_of, provider, read, written
from tests.support import in_threads


@contextlib.contextmanager
def renewing(cloud: FakeCloud, made: CliProfileProvider) -> Iterator[None]:
    """Have another thread at it all the while."""
    with cloud.faulty(faults.Hang(), operation="OAuthExchange", times=1):
        thread = threading.Thread(target=made.get)
        thread.start()
        assert cloud.wait_for("OAuthExchange")
        yield
    thread.join()


@pytest.mark.parametrize("fork", [in_child, in_raw_child])
def test_a_child_that_is_forked_in_a_renewal_waits_for_no_thread_that_it_does_not_have(
    cloud: FakeCloud, tmp_path: Path, fork: Callable[[Callable[[], object]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, profile_of(cloud, LATER))
    mine = provider(path)
    monkeypatch.setattr(oauth_login, "_LONGEST_WAIT", 0.5)

    def child() -> str:
        try:
            return mine.get().access_key_id
        except TransientError as error:
            return str(error)

    with renewing(cloud, mine):
        # It is the file that it waits for now, which the parent has locked: the parent's renewal is another process's.
        assert "another thread or program has been renewing its login" in str(fork(child))
        assert fork(lambda: mine._logins.get()._lock.run(lambda: "free", seconds=0)) == "free"
    assert fork(child) == read(path)["access_key_id"]


def alone(made: CliProfileProvider, profile: CliProfile) -> str:
    """What a renewal that does nothing answers."""
    return made._logins.get().alone(profile, lambda: "alone")


@unclosed
@pytest.mark.parametrize("module", [oauth_login, write_back, file_lock])
def test_an_interrupt_at_any_step_keeps_no_other_from_renewing(tmp_path: Path, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, {"name": "mine", "mode": "OAuth"})
    profile = of_file(path)
    monkeypatch.setattr(oauth_login, "_LONGEST_WAIT", 0.5)
    kept: list[BaseException] = []
    for number in range(1, 2000):
        mine = provider(path)
        more = interrupted_at(number, lambda mine=mine: alone(mine, profile), str(module.__file__), kept)  # type: ignore[misc]
        found = in_threads(1, lambda mine=mine: alone(mine, profile))  # type: ignore[misc]
        assert found == ["alone"], f"an interrupt at step {number}"
        if not more:
            break
    assert 10 < number < 1999
    kept.clear()
    gc.collect()  # else a later test would be told of a file that was not closed


@unclosed
def test_a_stack_that_is_used_up_keeps_no_other_from_renewing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, {"name": "mine", "mode": "OAuth"})
    profile = of_file(path)
    monkeypatch.setattr(oauth_login, "_LONGEST_WAIT", 0.5)
    mine = provider(path)
    failed = 0
    for frames in range(1, 80):
        try:
            call_with_left(frames, lambda: alone(mine, profile))
        except RecursionError:
            failed += 1
        assert in_threads(1, lambda: alone(mine, profile)) == ["alone"], f"with {frames} frames left"
    assert 2 < failed < 79
