"""Logins that are renewed under a lock, the file that they are written back to, and programs that print a key."""

from __future__ import annotations

import errno
import functools
import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from alicred import AlicredError, ChainProvider, CliProfileProvider, ExternalProcessProvider, OAuthProvider, TransientError
from alicred._internal.file_lock import exclusive
from alicred.sources import OAuthTokens
from alicred.sources.profiles.cli.write_back import update
from tests.adversities import call_with_left
from tests.field import naive_logins
from tests.field.harness import LONG, SHORT, Callers, Subject, bites, outcome
from tests.forked import in_raw_child
from tests.recording_http import RecordingHttp, reply
from tests.support import HOUR, Gate, Script

KEY = {"accessKeyId": "STS.O", "accessKeySecret": "SO", "securityToken": "TO", "expiration": "2099-12-31T23:59:59Z"}
EVERYTHING = reply({"access_token": "at", "refresh_token": "rt", "expires_in": 3600, **KEY})


class Http(RecordingHttp):
    """A site that gives whatever it is asked for; the first request is held at *gate*."""

    def __init__(self, gate: Callable[[], object] | None = None) -> None:
        super().__init__(EVERYTHING)
        self._gate = gate

    def request(self, *arguments: Any, **more: Any) -> Any:
        gate, self._gate = self._gate, None
        if gate is not None:
            gate()
        return super().request(*arguments, **more)


def login(http: Any) -> OAuthProvider:
    return OAuthProvider(client_id="x", sign_in_url="https://login.example", tokens=OAuthTokens("rt"), http=http)


def answered(make: Any) -> str:
    found = outcome(make.get)
    return str(found) if isinstance(found, AlicredError) else "served"


@bites(naive_logins.HookedLock, failing="the child hangs", alicred=login)
def test_a_child_that_c_code_forks_in_a_renewal_does_not_wait_for_it(subject: Subject) -> None:
    gate = Gate()
    made = subject.make(Http(gate))
    thread = threading.Thread(target=made.get)
    thread.start()
    assert gate.entered.wait(10)
    try:
        answer = in_raw_child(lambda: answered(made), SHORT if subject.naive else LONG)
        assert "was being spent when this provider was copied" in answer, "it spends the token that its parent is spending"
    finally:
        gate.open()
        thread.join()


@bites(naive_logins.HookedLock, failing="stuck for ever", alicred=login)
def test_a_renewal_that_runs_out_of_stack_keeps_no_other_waiting(subject: Subject) -> None:
    for frames in range(1, 60):
        made = subject.make(Http())
        try:
            call_with_left(frames, made.get)
        except (RecursionError, AlicredError):
            assert subject.comes(Callers(1, made.get).have_answers), "stuck for ever"


def stored(path: Path, http: Any) -> CliProfileProvider:
    return CliProfileProvider(path, environ={}, http=http)


@bites(naive_logins.StoredOrRenewed, failing="15 good minutes", alicred=stored)
def test_a_stored_session_is_used_to_its_end_if_the_login_cannot_be_renewed(subject: Subject, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    session = {"access_key_id": "stored", "access_key_secret": "s", "sts_token": "t", "sts_expiration": int(time.time()) + 15 * 60}
    profile = {"name": "default", "mode": "OAuth", "oauth_site_type": "CN", "oauth_refresh_token": "rt", **session}
    path.write_text(json.dumps({"current": "default", "profiles": [profile]}))
    made = subject.make(path, RecordingHttp(TransientError("the site cannot be reached")))
    assert getattr(outcome(made.get), "access_key_id", None) == "stored", "15 good minutes are thrown away"


def a_file(directory: Path) -> Path:
    path = directory / "config.json"
    path.write_text(json.dumps({"current": "p", "profiles": [{"name": "p", "mode": "OAuth", "count": 0}]}))
    path.chmod(0o640)
    return path


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a file that is not its own")
@bites(naive_logins.owner_or_nothing, failing="strangers", alicred=update)
def test_a_file_that_changes_hands_is_not_opened_to_strangers(subject: Subject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = a_file(tmp_path)
    os.chown(path, 4711, 4711)

    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fchown", refused)
    subject.make(str(path), "p", {"count": 1}, still={})
    found = path.stat()
    assert found.st_gid != 4711
    assert not found.st_mode & stat.S_IRWXG, "strangers, the writer's own group, can read the login"


@bites(naive_logins.sweeps_everything, failing="taken away", alicred=update)
def test_what_another_writer_is_just_writing_is_not_taken_away(subject: Subject, tmp_path: Path) -> None:
    path = a_file(tmp_path)
    theirs = path.with_name(".config.json.alicred-4711-0123456789ab.tmp")
    theirs.touch()
    subject.make(str(path), "p", {"count": 1}, still={})
    assert json.loads(path.read_bytes())["profiles"][0]["count"] == 1
    assert theirs.exists(), "taken away from the other writer, who is about to put it in its place"


@bites(naive_logins.follows_anything, failing="it hangs", alicred=exclusive)
def test_a_pipe_in_the_place_of_a_lock_blocks_no_caller(subject: Subject, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    os.mkfifo(path)
    ask = functools.partial(subject.make, str(path), lambda _: None, create=True, seconds=1)
    callers = Callers(1, ask)
    try:
        assert subject.comes(callers.have_answers), "it hangs"
    finally:
        os.close(os.open(path, os.O_RDWR))
    (error,) = callers.join()
    assert isinstance(error, AlicredError)


FAILING = [sys.executable, "-I", "-S", "-c", 'print(\'{"access_key_id": "id", "access_key_secret": "s"}\'); raise SystemExit(3)']


@bites(naive_logins.TrustsTheStatus, failing="served", alicred=ExternalProcessProvider)
def test_a_program_that_fails_gives_no_key_also_where_its_status_is_lost(subject: Subject) -> None:
    def child() -> str:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        return answered(subject.make(FAILING))

    answer = subject.in_child(child)
    assert answer != "served", "served what a program printed that failed"
    assert "failed with exit status 3" in answer


@bites(naive_logins.NotThereNow, failing="another identity", alicred=ExternalProcessProvider)
def test_a_program_that_cannot_be_started_for_want_of_a_descriptor_is_there(subject: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    def short(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    chain = ChainProvider(subject.make(["get-cred"]), Script(HOUR))
    monkeypatch.setattr(subprocess, "Popen", short)
    found = outcome(chain.get)
    assert isinstance(found, AlicredError), "another identity, because a descriptor was missing"
