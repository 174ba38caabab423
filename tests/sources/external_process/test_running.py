"""How the program runs: environment, channels, threads, tasks and forks."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import sys
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from alicred import CachingProvider
from alicred.credential import Credential
from alicred.errors import AlicredError, ConfigurationError, MalformedResponseError, TransientError
from tests.forked import in_child
from tests.sources.external_process.support import AK, NOTE, SECOND, failure, noted, printing, provider, python
from tests.support import in_threads, wait_until

REPORT = (
    "import json\n"
    "fds = sorted(int(fd) for fd in os.listdir('/proc/self/fd'))\n"
    "report = [os.getpid() == os.getpgid(0) == os.getsid(0), os.getppid(), sys.stdin.read(), fds, dict(os.environ)]\n"
    f"print(json.dumps({{**{AK!r}, 'access_key_secret': json.dumps(report)}}))\n"
)


def test_it_runs_in_a_session_of_its_own_with_no_input_and_no_open_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", "here")
    (tmp_path / "input").write_text("planted")
    saved = os.dup(0)
    with (tmp_path / "open").open("w") as kept, (tmp_path / "input").open() as standard_input:
        os.set_inheritable(kept.fileno(), True)
        os.dup2(standard_input.fileno(), 0)
        try:
            leads, parent, read, fds, environ = json.loads(provider(python(REPORT)).get().access_key_secret)
        finally:
            os.dup2(saved, 0)
            os.close(saved)
        assert kept.fileno() not in fds
    assert (leads, parent, read) == (True, os.getpid(), "")
    assert len(fds) == 4, "the three of every program and the one that lists them"
    assert environ["PLANTED"] == "here"


def test_a_given_environment_is_the_programs_whole_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLANTED", "here")
    *_, environ = json.loads(provider(python(REPORT), environ={"ONE": "1"}).get().access_key_secret)
    assert environ.pop("ONE") == "1"
    assert "PLANTED" not in environ
    assert "HOME" not in environ


def test_the_program_is_looked_for_in_the_path_of_its_environment(tmp_path: Path) -> None:
    (tmp_path / "get-cred").write_text(f"#!/bin/sh\necho '{json.dumps(AK)}'\n")
    (tmp_path / "get-cred").chmod(0o700)
    assert provider("get-cred", environ={"PATH": str(tmp_path)}).get().access_key_id == "id"
    assert "get-cred cannot be started" in str(failure(provider("get-cred", environ={"PATH": "/"}), ConfigurationError))


def test_the_process_environment_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    made = provider(python(f"print({json.dumps(AK)!r}.replace('id\"', 'id\"', 1).replace('\"id\"', '\"' + os.environ['WHO'] + '\"'))"))
    for who in ("first", "second"):
        monkeypatch.setenv("WHO", who)
        assert made.get().access_key_id == who


@pytest.mark.parametrize("value", ["1", "true", " TRUE\n", "yes"])
def test_a_variable_forbids_it(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = provider(["touch", str(tmp_path / "ran")])
    monkeypatch.setenv("ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS", value)
    assert "ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS forbids" in str(failure(made, ConfigurationError))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("value", ["", "0", "false", "no"])
def test_other_values_do_not_forbid_it(value: str) -> None:
    environ = {"ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS": value}
    assert provider(printing(json.dumps(AK)), environ=environ).get().access_key_id == "id"


def test_much_on_both_channels_at_once_is_no_deadlock() -> None:
    code = (
        "import threading\n"
        f"text = {json.dumps(AK)!r}.ljust(1 << 20).encode()\n"
        "thread = threading.Thread(target=lambda: os.write(2, b'x' * (4 << 20)))\n"
        "thread.start()\n"
        "sys.stdout.buffer.write(text); sys.stdout.flush()\n"
        "thread.join()\n"
    )
    assert provider(python(code), timeout=20 * SECOND).get().access_key_id == "id"


def test_a_mebibyte_is_taken_and_a_byte_more_is_not() -> None:
    text = json.dumps(AK)
    code = f"sys.stdout.write({text!r}.ljust(int(sys.argv[1])))"
    assert provider(python(code, str(1 << 20))).get().access_key_id == "id"
    error = failure(provider(python(code, str((1 << 20) + 1))), MalformedResponseError)
    assert f"the program {sys.executable} printed more than 1048576 bytes" in str(error)


def test_it_works_in_many_threads_at_once() -> None:
    made = provider(printing(json.dumps(AK)))
    assert in_threads(8, made.get) == [Credential("id", "secret")] * 8


def test_it_works_for_tasks() -> None:
    async def main() -> list[Credential]:
        with CachingProvider(provider(printing(json.dumps(AK)))) as cache:
            return await asyncio.gather(*(cache.aget() for _ in range(5)))

    assert {found.access_key_id for found in asyncio.run(main())} == {"id"}


def test_it_works_in_a_forked_child_while_another_thread_runs_a_program(notes: Path) -> None:
    slow = provider(python(NOTE + "time.sleep(30)", str(notes)), timeout=timedelta(seconds=1.5))
    errors: list[AlicredError] = []

    def run() -> None:
        try:
            slow.get()
        except AlicredError as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: bool(noted(notes)))
    made = provider(printing(json.dumps(AK)))
    assert in_child(lambda: made.get().access_key_id) == "id"
    thread.join()
    assert [type(error) for error in errors] == [TransientError]


def test_it_can_be_pickled_and_shows_no_argument() -> None:
    made = provider(["tool", "planted"], timeout=SECOND, environ={"A": "planted"})
    twin = pickle.loads(pickle.dumps(made))
    assert vars(twin) == vars(made)
    assert repr(made) == "<ExternalProcessProvider: tool>"
    assert pickle.loads(pickle.dumps(provider("tool", environ=os.environ)))._environ is None
    assert made.name == "external"
