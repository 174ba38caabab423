"""Many writers of the command line tool's file: real processes, real kills, one lock."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import itertools
import json
import multiprocessing
import os
import random
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alicred._internal import file_lock
from alicred.errors import TransientError
from alicred.sources.profiles.cli import write_back
from alicred.sources.profiles.cli.write_back import NotWrittenError
from tests.sources.profiles.write_back.support import PROFILES, counts, left, locked, update


def age(path: Path) -> None:
    """Make it two minutes older."""
    os.utime(path, (time.time() - 120,) * 2)


# A process that writes 1, 2, 3, ... into one profile, and says each number when it is written.
WRITER = """
import sys
from tests.sources.profiles.write_back.support import update
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


@pytest.mark.slow
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
    lock = Path(write_back.lock_file(str(path)))
    lock.touch()
    with subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, text=True, env=environ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(file_lock.Busy):
            locked(lock, seconds=0.05)
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


def test_a_lock_that_others_keep_is_waited_for_and_no_longer_than_said(path: Path) -> None:
    lock = Path(write_back.lock_file(str(path)))
    work: list[str] = []

    def meanwhile(_: int) -> None:
        with pytest.raises(file_lock.Busy):
            write_back.alone(str(path), lambda: work.append("done"), create=True, seconds=0.05)

    file_lock.exclusive(str(lock), meanwhile, create=True, seconds=1)
    assert work == []
    write_back.alone(str(path), lambda: work.append("done"), create=True, seconds=0.05)
    assert work == ["done"]


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EINTR, errno.ESTALE])
@pytest.mark.parametrize("call", ["open", "flock"])
def test_a_lock_that_cannot_be_had_for_a_shortage_is_not_done_without(
    path: Path, number: int, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:  # undone at once: the folder is removed before the fixture would undo it
        patch.setattr(fcntl if call == "flock" else os, call, short)
        with pytest.raises(TransientError, match=f"cannot be renewed now: .* cannot be opened: {os.strerror(number)}"):
            write_back.alone(str(path), lambda: pytest.fail("it was done without"), create=True, seconds=0.05)


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


@pytest.mark.slow
def test_writers_without_locks_do_not_take_each_others_new_files_away(path: Path) -> None:
    context = multiprocessing.get_context("fork")
    out = context.Queue()
    processes = [context.Process(target=_write_without_locks, args=(path, name, 100, out), daemon=True) for name in PROFILES[:3]]
    with reading(path) as found:
        for process in processes:
            process.start()
        failures = [failure for _ in processes for failure in out.get(timeout=100)]
        for process in processes:
            process.join()
    # That a value goes back cannot be ruled out there: whoever reads, and writes a moment later, has seen nothing of what came in between.
    assert [each for each in found[1:] if "a value went back" not in str(each)] == []
    assert len(failures) <= 30, failures  # of 300: each is told, and nothing is lost
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
