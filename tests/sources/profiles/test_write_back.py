"""The file of the command line tool, under every kind of writer and accident: real processes, real kills."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import gc
import itertools
import json
import multiprocessing
import os
import random
import resource
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alicred._internal import file_lock
from alicred.errors import ConfigurationError
from alicred.sources.profiles.cli import write_back
from alicred.sources.profiles.cli.write_back import NotWrittenError, SupersededError, update
from tests.adversities import call_with_left, interrupted_at, struck, unclosed

PROFILES = [f"p{number}" for number in range(4)]
IS_ROOT = os.geteuid() == 0


def config(**more: Any) -> dict[str, Any]:
    profiles = [{"name": name, "mode": "OAuth", "count": 0, "future": {"x": [1, 2.50]}, "padding": "x" * 20_000} for name in PROFILES]
    return {"current": "p0", "profiles": profiles, "meta_path": "", **more}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    directory = tmp_path / ".aliyun"
    directory.mkdir()
    file = directory / "config.json"
    file.write_text(json.dumps(config(), indent="\t"))
    file.chmod(0o600)
    return file


def counts(path: Path) -> dict[str, int]:
    return {profile["name"]: profile["count"] for profile in json.loads(path.read_bytes())["profiles"]}


def locked(path: Path, seconds: float = 5, **more: Any) -> bool:
    """Lock the file and let it go."""
    return file_lock.exclusive(str(path), lambda _: True, **{"create": False, "seconds": seconds, **more})


def age(path: Path) -> None:
    """Make it two minutes older."""
    os.utime(path, (time.time() - 120,) * 2)


def left(path: Path) -> list[str]:
    """What lies beside the file."""
    return sorted(entry for entry in os.listdir(path.parent) if entry != path.name)


# A process that writes 1, 2, 3, ... into one profile, and says each number when it is written.
WRITER = """
import sys
from alicred.sources.profiles.cli.write_back import update
path, profile, start = sys.argv[1], sys.argv[2], int(sys.argv[3])
for number in range(start, start + int(sys.argv[4])):
    update(path, profile, {"count": number, "token": "t" * (number % 50)}, still={"mode": "OAuth"})
    print(number, flush=True)
"""


def writer(path: Path, profile: str, start: int, times: int = 10**6) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), profile, str(start), str(times)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[list[object]]:
    """Reads the file all the time, from another thread, and keeps what it finds wrong; the first entry counts the looks."""
    found: list[object] = [0]
    stop = threading.Event()

    def look() -> None:
        before: dict[str, int] = {}
        while not stop.is_set():
            try:
                now = counts(path)
                assert list(now) == PROFILES
                assert all(now[name] >= before.get(name, 0) for name in PROFILES), "a value went back"
                before = now
            except Exception as error:
                found.append(error)
            found[0] = int(str(found[0])) + 1
            time.sleep(0.001)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        thread.join()


def _write_for_ever(path: Path, profile: str, start: int, say: int) -> None:
    for number in itertools.count(start):
        update(str(path), profile, {"count": number, "token": "t" * (number % 50)}, still={"mode": "OAuth"})
        os.write(say, b"%d\n" % number)


def test_writers_that_are_killed_at_any_moment_break_and_lose_nothing(path: Path) -> None:
    said = dict.fromkeys(PROFILES, 0)
    before = json.loads(path.read_bytes())
    context = multiprocessing.get_context("fork")
    with reading(path) as found:
        for _ in range(25):
            running = []
            for name in PROFILES[:3]:
                hear, say = os.pipe()
                process = context.Process(target=_write_for_ever, args=(path, name, said[name] + 1, say), daemon=True)
                process.start()
                os.close(say)
                running.append((name, process, hear))
            for name, process, hear in running:
                select.select([hear], [], [], 20)  # it is at work
                time.sleep(random.random() * 0.01)
                assert process.pid is not None
                os.kill(process.pid, signal.SIGKILL)
                process.join()
                with open(hear, "rb") as told:
                    said[name] = max([said[name], *map(int, told.read().split())])
                now = counts(path)[name]
                assert now in (said[name], said[name] + 1), "what was said to be written is written"
                said[name] = now
    assert found[1:] == []
    assert int(str(found[0])) > 20
    assert min(said[name] for name in PROFILES[:3]) > 0
    after = json.loads(path.read_bytes())
    for profile in [*before["profiles"], *after["profiles"]]:
        profile.pop("count")
        profile.pop("token", None)
    assert after == before
    for entry in left(path):
        age(path.with_name(entry))
    update(str(path), "p0", {"count": 10**6}, still={})
    assert left(path) == [], "the next writer removes what killed ones left behind"


def test_processes_and_threads_that_write_different_profiles_lose_nothing(path: Path) -> None:
    with reading(path) as found:
        processes = [writer(path, name, 1, 60) for name in PROFILES[:2]]
        errors: list[BaseException] = []

        def write(name: str) -> None:
            try:
                for number in range(1, 61):
                    update(str(path), name, {"count": number}, still={"mode": "OAuth"})
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=write, args=(name,)) for name in PROFILES[2:]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for process in processes:
            process.communicate()
            assert process.returncode == 0
    assert found[1:] == []
    assert errors == []
    assert counts(path) == dict.fromkeys(PROFILES, 60)
    assert left(path) == []


def test_a_process_that_is_killed_while_it_holds_the_lock_does_not_keep_it(path: Path) -> None:
    code = (
        "import sys, time\nfrom alicred._internal.file_lock import exclusive\n"
        "exclusive(sys.argv[1], lambda _: (print('held', flush=True), time.sleep(60)), create=False, seconds=5)\n"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True, env=environ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(file_lock.Busy):
            locked(path, seconds=0.05)
        holder.kill()
        holder.wait()
        update(str(path), "p0", {"count": 1}, still={})
    assert counts(path)["p0"] == 1


@pytest.mark.parametrize("fork", [os.fork, ctypes.PyDLL(None).fork])
def test_a_forked_child_does_not_keep_the_lock(path: Path, fork: Callable[[], int]) -> None:
    """With a fork that runs none of CPython's hooks: as soon as the child wants a lock itself."""
    reader, writer_end = os.pipe()
    children: list[int] = []

    def work(descriptor: int) -> int:
        child = fork()
        if child == 0:
            os.close(writer_end)
            answer = 1
            with contextlib.suppress(BaseException):
                with contextlib.suppress(file_lock.NotOpened):
                    locked(path.with_name("another"))
                try:
                    os.fstat(descriptor)
                except OSError:
                    answer = 0
                os.read(reader, 1)
            os._exit(answer)
        # Not by unlocking, but as if this process were killed:
        os.close(descriptor)
        assert locked(path, seconds=5), "the child, which holds the only copy, keeps it"
        return child

    with pytest.raises(OSError, match="Bad file descriptor"):  # it was closed under it
        file_lock.exclusive(str(path), lambda descriptor: children.append(work(descriptor)), create=False, seconds=1)
    os.close(writer_end)
    os.close(reader)
    [child] = children
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_child_that_was_forked_inside_the_lock_leaves_it_and_its_parent_holds_on(path: Path) -> None:
    child = None
    code = 1

    def work(_: int) -> None:
        nonlocal child
        child = os.fork()
        if child != 0:
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
            with pytest.raises(file_lock.Busy):
                locked(path, seconds=0)

    try:
        file_lock.exclusive(str(path), work, create=False, seconds=1)
        code = 0
    finally:
        if child == 0:
            os._exit(code)


def test_a_lock_that_others_keep_ends_in_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(write_back, "_LONGEST_WAIT", 0.05)
    before = path.read_bytes()

    def work(_: int) -> None:
        with pytest.raises(NotWrittenError, match="another program has kept it locked"):
            update(str(path), "p0", {"count": 1}, still={})

    file_lock.exclusive(str(path), work, create=False, seconds=1)
    assert path.read_bytes() == before


def test_where_the_system_has_no_locks_the_file_is_written_all_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    update(str(path), "p0", {"count": 1}, still={})
    assert counts(path)["p0"] == 1


def _write_without_locks(path: Path, profile: str, times: int, out: Any) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    fcntl.flock = refuse
    failures = []
    for number in range(1, times + 1):
        try:
            update(str(path), profile, {"count": number}, still={"mode": "OAuth"})
        except NotWrittenError as error:
            failures.append(str(error))
    out.put(failures)


def test_writers_without_locks_do_not_take_each_others_new_files_away(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    out = context.Queue()
    processes = [context.Process(target=_write_without_locks, args=(path, name, 100, out), daemon=True) for name in PROFILES[:3]]
    with reading(path) as found:
        for process in processes:
            process.start()
        failures = [failure for _ in processes for failure in out.get(timeout=50)]
        for process in processes:
            process.join()
    # That a value goes back cannot be ruled out there: whoever reads, and writes a moment later, has seen nothing of what came in between.
    assert [each for each in found[1:] if "a value went back" not in str(each)] == []
    assert len(failures) <= 3, failures
    assert set(failures) <= {"other programs keep changing it"}
    assert left(path) == []


def test_what_another_program_writes_meanwhile_without_a_lock_is_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the command line tool does: into the same file."""
    real = write_back._make_like
    changes = iter(range(1, 3))

    def meanwhile(descriptor: int, old: os.stat_result) -> None:
        real(descriptor, old)
        for number in itertools.islice(changes, 1):
            whole = json.loads(path.read_bytes())
            whole["profiles"][1]["count"] = number
            path.write_text(json.dumps(whole, indent=number))

    monkeypatch.setattr(write_back, "_make_like", meanwhile)
    update(str(path), "p0", {"count": 5}, still={})
    assert counts(path) == {"p0": 5, "p1": 2, "p2": 0, "p3": 0}
    assert left(path) == []
    changes = iter(range(3, 1000))
    before = counts(path)
    with pytest.raises(NotWrittenError, match="other programs keep changing it"):
        update(str(path), "p0", {"count": 6}, still={})
    assert counts(path)["p0"] == before["p0"]
    assert left(path) == []


# --- what is kept -------------------------------------------------------------------------------------------------------------------


def test_nothing_but_the_values_changes(path: Path) -> None:
    before = path.read_bytes().replace(b'"count": 0', b'"count":0').replace(b"2.5", b"2.50")
    path.write_bytes(b"\xef\xbb\xbf" + before.replace(b"\n", b"\r\n"))
    update(str(path), "p1", {"count": 7}, still={})
    first, second, rest = before.split(b'"count":0', 2)
    assert path.read_bytes() == b"\xef\xbb\xbf" + (first + b'"count":0' + second + b'"count":7' + rest).replace(b"\n", b"\r\n")


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


NEVER = 4711  # no user or group of this machine


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
def test_where_the_group_cannot_be_kept_nobody_gains_a_right(path: Path, mode: int, narrowed: int, monkeypatch: pytest.MonkeyPatch) -> None:
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
        child = os.fork()
        if child == 0:
            code = 1
            with contextlib.suppress(BaseException):
                os.setgroups([4712, 4713] if in_group else [4713])
                os.setresgid(4714, 4714, 4714)
                os.setresuid(4715, 4715, 4715)
                update(str(path), "p0", {"count": 1}, still={})
                code = 0
            os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
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
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"profiles": "planted"}', b"\xffplanted", b"[" * 10_000, b'{"a":"' + b"x" * (1 << 20)])
def test_a_broken_file_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(NotWrittenError) as caught:
        update(str(path), "p0", {"count": 5}, still={})
    assert "planted" not in str(caught.value)
    assert path.read_bytes() == content
    assert left(path) == []


# --- accidents of the system --------------------------------------------------------------------------------------------------------


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
            update(str(path), "p0", {"count": 5}, still={})
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
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, len(before) // 2))
            try:
                update(str(path), "p0", {"count": 5}, still={})
            except NotWrittenError as error:
                code = 0 if "too large" in str(error) else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
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


def test_a_directory_that_may_not_be_written_leaves_the_old_file(closed_directory: Path) -> None:
    path = closed_directory / "config.json"
    before = path.read_bytes()
    child = os.fork()
    if child == 0:
        code = 1
        with contextlib.suppress(BaseException):
            if IS_ROOT:
                os.setresuid(65534, 65534, 65534)
            try:
                locked(path, seconds=1)  # the file can be read and locked
                update(str(path), "p0", {"count": 5}, still={})
            except NotWrittenError as error:
                code = 0 if str(error) == "Permission denied" else 2
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
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
@pytest.mark.parametrize("call", ["open", "write", "fsync", "stat", "flock"])
def test_a_shortage_is_told_and_leaves_the_old_file(path: Path, number: int, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def short(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    words = "another program has kept it locked" if (call, number) == ("flock", errno.EAGAIN) else os.strerror(number)
    monkeypatch.setattr(write_back, "_LONGEST_WAIT", 0.05)
    with monkeypatch.context() as patch:
        patch.setattr(fcntl if call == "flock" else os, call, short)
        with pytest.raises(NotWrittenError, match=words):
            update(os.path.realpath(path), "p0", {"count": 5}, still={})
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


# --- what is no file to lock ----------------------------------------------------------------------------------------------------------


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
    with pytest.raises(ConfigurationError, match=r"/lock cannot be locked, since it is not a regular file: remove it$"):
        locked(path, create=create)
    assert time.monotonic() - began < 5
    assert sorted(os.listdir(tmp_path)) == before, "nothing was made at the other end of a link"


@pytest.mark.skipif(not IS_ROOT, reason="only root may give a file away")
def test_a_file_of_another_user_is_no_lock_where_it_must_not_be(path: Path) -> None:
    os.chown(path, NEVER, -1)
    assert locked(path)
    assert locked(path, owner=NEVER)
    with pytest.raises(ConfigurationError, match=r"config.json belongs to another user, who could hold its lock for ever: remove it$"):
        locked(path, owner=NEVER + 1)


def test_somebody_who_puts_another_file_in_its_place_meanwhile_is_seen(path: Path) -> None:
    """A waiter that gets the lock of a file that has been replaced goes on to the new one."""
    thread = threading.Thread(target=update, args=(str(path), "p0", {"count": 5}), kwargs={"still": {}})

    def work(_: int) -> None:
        thread.start()
        other = path.with_name("other")
        other.write_text(json.dumps(config(extra="new")))
        time.sleep(0.05)
        os.replace(other, path)

    file_lock.exclusive(str(path), work, create=False, seconds=1)
    thread.join()
    assert counts(path)["p0"] == 5
    assert json.loads(path.read_bytes())["extra"] == "new"
