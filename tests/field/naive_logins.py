"""Logins, files and programs, each with one mistake."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from alicred import Credential, NotConfiguredError, TransientError


class HookedLock:
    """A login that one thread at a time renews."""

    def __init__(self, http: Any) -> None:
        self._http = http
        self._reset()
        os.register_at_fork(after_in_child=self._reset)  # which a fork by C code never calls

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._has_tokens = False

    def get(self) -> object:
        self._lock.acquire()
        try:
            return self._renewed()
        finally:
            self._let_go()  # which needs a frame more, and there may be none

    def _renewed(self) -> object:
        if not self._has_tokens:
            self._http.request("POST", "https://login.example/v1/token")
            self._has_tokens = True
        return self._http.request("POST", "https://login.example/v1/exchange")

    def _let_go(self) -> None:
        self._lock.release()


class StoredOrRenewed:
    """A login of the command line tool's file."""

    def __init__(self, path: Path, http: Any) -> None:
        self._path = path
        self._http = http

    def get(self) -> Credential:
        (profile,) = json.loads(self._path.read_bytes())["profiles"]
        if profile["sts_expiration"] - time.time() > 20 * 60:
            ends_at = datetime.fromtimestamp(profile["sts_expiration"], timezone.utc)
            return Credential(profile["access_key_id"], profile["access_key_secret"], profile["sts_token"], ends_at)
        self._http.request("POST", "https://login.example/v1/token")  # and if that fails, 15 good minutes are thrown away
        raise NotImplementedError


def owner_or_nothing(path: str, profile: str, changes: Mapping[str, str | int], *, still: Mapping[str, object]) -> None:
    """Writes the file."""

    def give(descriptor: int, old: os.stat_result) -> None:
        with suppress(OSError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(old.st_mode))  # also if the group is another one now

    _write(path, changes, give)


def sweeps_everything(path: str, profile: str, changes: Mapping[str, str | int], *, still: Mapping[str, object]) -> None:
    """Writes the file, and tidies up."""
    for entry in Path(path).parent.glob(f".{Path(path).name}.alicred-*.tmp"):
        entry.unlink()  # "we hold the lock, so no writer is at work": not where there are no locks
    _write(path, changes, lambda _, __: None)


def _write(path: str, changes: Mapping[str, str | int], give: Callable[[int, os.stat_result], None]) -> None:
    whole = json.loads(Path(path).read_bytes())
    whole["profiles"][0].update(changes)
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(json.dumps(whole))
        give(file.fileno(), os.stat(path))
    os.replace(f"{path}.new", path)


def follows_anything(path: str, work: Callable[[int], object], *, create: bool, seconds: float) -> object:
    """Locks a file."""
    descriptor = os.open(path, os.O_RDONLY | (os.O_CREAT if create else 0))  # blocks on a pipe, and goes where a link leads
    try:
        return work(descriptor)
    finally:
        os.close(descriptor)


class TrustsTheStatus:
    """What a program prints."""

    name = "program"

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command

    def get(self) -> Credential:
        done = subprocess.run(self._command, stdout=subprocess.PIPE, check=False)
        if done.returncode:  # 0, if the system would not say
            raise TransientError("the program failed")
        found = json.loads(done.stdout)
        return Credential(found["access_key_id"], found["access_key_secret"])


class NotThereNow(TrustsTheStatus):
    """What a program prints, if there is such a program."""

    def get(self) -> Credential:
        try:
            return super().get()
        except OSError as error:
            raise NotConfiguredError("there is no such program") from error  # or no descriptor left for a pipe
