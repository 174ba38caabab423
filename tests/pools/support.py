"""What the tests in servers and pools share: a program that leaves nothing behind, its load, and what must be true in the end."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

import attrs

from alicred.testing import FakeCloud, Session, faults

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples" / "pools"
PROGRAMS = Path(__file__).resolve().parent / "programs"
CALL = "GetCallerIdentity"  # what the examples do with a credential
# Of a lifetime, as the policy of the examples has it:
EARLIEST_REFRESH = 0.1  # a window takes 90 % at most
LARGEST_MARGIN = 0.1


@attrs.frozen
class Answer:
    """What a worker said of one call."""

    worker: int
    role: str
    key: str
    fetches: int
    at: datetime = attrs.field(factory=lambda: datetime.now(timezone.utc))

    @classmethod
    def of(cls, said: Mapping[str, object]) -> Answer:
        """From what the programs print or send."""
        return cls(int(str(said["worker"])), str(said["role"]), str(said["key"]), int(str(said["fetches"])))


class Program:
    """A program in a session of its own, of which no process is left in the end.

    Args:
        command: What follows the interpreter's name.
        environment: In addition to the test's.
        log: Where it writes to.
        pass_fds: File descriptors that it inherits.
    """

    stop = signal.SIGTERM

    def __init__(self, command: Iterable[str], environment: Mapping[str, str], log: Path, pass_fds: tuple[int, ...] = ()) -> None:
        self._log = log
        with log.open("wb") as out:
            self._child = subprocess.Popen(
                [sys.executable, *command],
                env={**os.environ, **environment},
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                cwd=log.parent,
                start_new_session=True,
                pass_fds=pass_fds,
            )

    @property
    def output(self) -> str:
        """What it has written so far."""
        return self._log.read_text("utf-8", "replace")

    def kill(self, worker: int) -> None:
        """End one of its processes as the kernel does when memory is short."""
        assert worker != self._child.pid
        assert worker in self.processes()
        os.kill(worker, signal.SIGKILL)

    def processes(self) -> set[int]:
        """All processes of its session, wherever they have put themselves since."""
        found = set()
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
                if int(fields[3]) == self._child.pid and fields[0] not in "ZX":
                    found.add(int(stat.parent.name))
        return found

    def wait(self, seconds: float) -> int:
        """Its exit code."""
        return self._child.wait(seconds)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if self._child.poll() is None:
                self._child.send_signal(self.stop)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._child.wait(10)
        finally:
            for pid in self.processes() | ({self._child.pid} if self._child.poll() is None else set()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._child.wait(10)


def environment(cloud: FakeCloud) -> dict[str, str]:
    """What the programs need to know."""
    key = cloud.access_key
    return {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.access_key_secret,
        "ALIBABA_CLOUD_ROLE_ARN": cloud.role_arn,
        "ALIBABA_CLOUD_STS_ENDPOINT": cloud.endpoint,
        "SSL_CERT_FILE": cloud.ca_file,
        "PYTHONPATH": str(EXAMPLES),
    }


class Load:
    """Callers that call until they are told to stop, each a few times a second.

    Args:
        call: One call.
        callers: How many threads.
        lost: Errors that say that the worker was killed in the middle of the call: it is made again at once.
    """

    def __init__(self, call: Callable[[], Answer], callers: int, lost: tuple[type[Exception], ...] = ()) -> None:
        self.answers: list[Answer] = []
        self.errors: list[str] = []
        self.lost = 0
        self._call = call
        self._lost = lost
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(callers)]

    def _run(self) -> None:
        while not self._stopping.wait(0.15):
            try:
                self.answers.append(self._call())
            except self._lost as error:
                self.lost += 1
                self._stopping.wait(0.05)
                try:
                    self.answers.append(self._call())
                except Exception:
                    self.errors.append(f"again after {error!r}")
            except Exception as error:
                self.errors.append(repr(error))

    def wait_for(self, condition: Callable[[list[Answer]], bool], seconds: float = 30) -> None:
        """Let the callers go on until the answers are as they should be."""
        deadline = time.monotonic() + seconds
        while not condition(self.answers):
            assert time.monotonic() < deadline, f"{len(self.answers)} answers, errors: {self.errors[:5]}"
            time.sleep(0.05)

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()


def keys_by_worker(answers: Iterable[Answer]) -> dict[int, list[str]]:
    """Which keys each worker has used, in order."""
    used: dict[int, list[str]] = {}
    for answer in answers:
        mine = used.setdefault(answer.worker, [])
        if answer.key not in mine:
            mine.append(answer.key)
    return used


def kill_in_the_middle(cloud: FakeCloud, program: Program, answers: list[Answer]) -> None:
    """Kill a worker of *program* while a call of its own is under way."""
    deadline = time.monotonic() + 20
    while True:
        assert time.monotonic() < deadline, "no call of a known worker has been caught"
        before = len(cloud.calls)
        with cloud.faulty(faults.Hang(), operation=CALL, times=1):
            caught = None
            while caught is None:
                assert time.monotonic() < deadline, "no call has come"
                caught = next((call for call in cloud.calls[before:] if call.fault), None)
                time.sleep(0.01)
            worker = {answer.key: answer.worker for answer in answers}.get(caught.access_key_id)
            if worker is not None:  # else its key is new, and no answer has told yet whose it is
                program.kill(worker)
                return


def check(cloud: FakeCloud, answers: list[Answer]) -> None:
    """What must be true in every pool, whatever happened in it."""
    assert [(call.operation, call.code) for call in cloud.rejected] == []  # no key that had ended, none with another one's token
    sessions = {session.access_key_id: session for session in cloud.sessions}
    assert [answer for answer in answers if answer.role != sessions[answer.key].arn] == []
    used = keys_by_worker(answers)
    for keys in used.values():
        mine = sorted((sessions[key] for key in keys), key=lambda session: session.begins_at)
        for before, after in itertools.pairwise(mine):
            assert after.begins_at - before.begins_at >= EARLIEST_REFRESH * lifetime(before)
    # Each fetch was for one process and has served it; one more for each, which came too late to be seen or died with its process.
    fetched = {(worker, key) for worker, keys in used.items() for key in keys}
    assert cloud.count("AssumeRole") <= len(fetched) + len(used) + 1


def check_inherited(cloud: FakeCloud, answers: list[Answer]) -> None:
    """Whoever answered before the parent's value was urgent has begun with it."""
    parent = cloud.sessions[0]
    used = keys_by_worker(answers)
    early = {answer.worker for answer in answers if answer.at < parent.ends_at - lifetime(parent) * LARGEST_MARGIN}
    assert [worker for worker in early if parent.access_key_id not in used[worker]] == []


def lifetime(session: Session) -> timedelta:
    """How long a session lasts."""
    return session.ends_at - session.begins_at
