"""Programs that print credentials: real ones, with children that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import errno
import json
import os
import pickle
import selectors
import shlex
import signal
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alicred import CachingProvider, RefreshPolicy
from alicred.credential import Credential
from alicred.errors import AlicredError, ConfigurationError, MalformedResponseError, ProviderError, TransientError
from alicred.sources import _program
from alicred.sources._command_line import split
from alicred.sources.external_process import ExternalProcessProvider
from tests.refresh.test_cache_fork import in_child
from tests.support import in_threads, wait_until
from tests.wire.vectors import cases

SECOND = timedelta(seconds=1)
AK = {"mode": "AK", "access_key_id": "id", "access_key_secret": "secret"}
STS = {**AK, "mode": "StsToken", "sts_token": "token"}
GO, PY = "credentials-go 9ac55b4", "alibabacloud_credentials 1.0.12"


def python(code: str, *arguments: str) -> list[str]:
    """A command that runs *code*. Without the site module it starts fast."""
    return [sys.executable, "-I", "-S", "-c", f"import os, sys, time, signal\n{code}", *arguments]


def printing(text: str | bytes) -> list[str]:
    raw = text if isinstance(text, bytes) else text.encode()
    return python(f"sys.stdout.buffer.write({raw!r})")


def provider(command: Any, **arguments: Any) -> ExternalProcessProvider:
    return ExternalProcessProvider(command, **arguments)


def failure(made: ExternalProcessProvider, kind: type[AlicredError]) -> Any:
    with pytest.raises(AlicredError) as caught:
        made.get()
    assert type(caught.value) is kind
    assert caught.value.provider == "external"
    return caught.value


def is_alive(pid: int) -> bool:
    """Whether *pid* is a process that still runs: a zombie that waits for whoever adopted it does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


@pytest.fixture
def notes(tmp_path: Path) -> Iterator[Path]:
    """A file into which the programs write the numbers of their processes; whatever is left of these is ended after the test."""
    path = tmp_path / "pids"
    path.touch()
    yield path
    for pid in noted(path):
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)


def noted(path: Path) -> list[int]:
    return [int(line) for line in path.read_text("utf-8").split()]


NOTE = "open(sys.argv[1], 'a').write(f'{os.getpid()}\\n')\n"


def all_end(path: Path, count: int) -> None:
    """Assert that *count* processes have noted themselves, and that all of them end at once."""
    pids = noted(path)
    assert len(pids) == count
    wait_until(lambda: not any(is_alive(pid) for pid in pids), 3)


# --- the command --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("windows", [False, True], ids=["posix", "windows"])
@pytest.mark.parametrize("case", cases("process_command_split"), ids=lambda case: ascii(case["command"]))
def test_a_command_is_split_as_the_go_library_does(case: dict[str, Any], windows: bool) -> None:
    expected = case["windows" if windows else "posix"][GO]
    if "ok" in expected:
        assert split("command", case["command"], windows=windows) == expected["ok"]
        return
    with pytest.raises(ConfigurationError, match=r"^command ") as caught:
        split("command", case["command"], windows=windows)
    words = {"unclosed quote": "that is not closed", "trailing backslash": "ends with a backslash", "is empty": "is empty"}
    assert [text for reason, text in words.items() if reason in expected["error"] and text in str(caught.value)], str(caught.value)
    assert "tool" not in str(caught.value)


@pytest.mark.parametrize(
    ("command", "windows", "words"),
    [
        ("tool \\\n b", False, ["tool", "b"]),
        ("tool a\\\n", False, ["tool", "a"]),
        ("tool '\\' \"\\a\"", False, ["tool", "\\", "\\a"]),
        ("tool a''b", False, ["tool", "ab"]),
        ("tool a\x1cb\u3000c\u2003d", False, ["tool", "a\x1cb", "c", "d"]),
        ("tool 'it'\"'\"'s'", False, ["tool", "it's"]),
        ('tool \\"a b\\"', True, ["tool", '"a', 'b"']),
        ("tool '\\\"'", True, ["tool", '\\"']),
    ],
)
def test_odd_commands_are_split_too(command: str, windows: bool, words: list[str]) -> None:
    assert split("command", command, windows=windows) == words


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), min_size=1, max_size=4))
def test_what_is_quoted_comes_back(words: list[str]) -> None:
    words[0] += "x"
    assert split("command", shlex.join(words), windows=False) == words


@given(st.text("ab \\'\"\n$`", max_size=12))
def test_python_agrees_where_neither_a_line_nor_a_special_character_is_escaped(command: str) -> None:
    if any(special in command for special in ("\\\n", "\\$", "\\`")):
        return
    expected: list[str] | None
    try:
        expected = shlex.split(command)
    except ValueError:
        expected = None
    try:
        found = split("command", command, windows=False)
    except ConfigurationError:
        found = None
    assert found == (expected if expected and expected[0] else None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"command": ""}, "command is empty: give the program and its arguments"),
        ({"command": []}, "command is empty"),
        ({"command": [" ", "planted"]}, "command is empty"),
        ({"command": ["", "planted"]}, "command is empty"),
        ({"command": "planted 'planted"}, "command has a quote (') that is not closed"),
        ({"command": "planted \\"}, "command ends with a backslash"),
        ({"command": b"planted"}, "command must be a string or a sequence of strings, not bytes"),
        ({"command": None}, "command must be a string or a sequence of strings, not NoneType"),
        ({"command": {"planted"}}, "command must be a string or a sequence of strings, not set"),
        ({"command": ["tool", 7]}, "command must hold nothing but strings"),
        ({"command": ["tool", "planted\0"]}, "command holds a NUL character"),
        ({"command": "tool planted\0"}, "command holds a NUL character"),
        ({"timeout": timedelta(0)}, "timeout must be a datetime.timedelta above zero and of at most a day"),
        ({"timeout": timedelta(days=1, seconds=1)}, "timeout must be a datetime.timedelta above zero and of at most a day"),
        ({"timeout": 60}, "timeout must be a datetime.timedelta"),
        ({"environ": "planted"}, "environ must be a Mapping or None"),
    ],
)
def test_a_bad_parameter_is_named_with_its_range(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        ExternalProcessProvider(**{"command": "tool", **arguments})
    assert f"ExternalProcessProvider.{words}" in str(caught.value)
    assert "planted" not in str(caught.value)


def test_no_shell_takes_part(tmp_path: Path) -> None:
    code = f"import json, sys; print(json.dumps({{**{AK!r}, 'access_key_id': ' '.join(sys.argv[1:])}}))"
    made = provider(f"{shlex.quote(sys.executable)} -I -c {shlex.quote(code)} $HOME `id` * ';' > {tmp_path}/out & # x")
    assert made.get().access_key_id == f"$HOME `id` * ; > {tmp_path}/out & # x"
    assert list(tmp_path.iterdir()) == []


def test_a_tilde_is_the_home_directory() -> None:
    home = Path(os.environ["HOME"])
    (home / "get cred").write_text(f"#!/bin/sh\necho '{json.dumps(AK)}'\n")
    (home / "get cred").chmod(0o700)
    assert provider(["~/get cred"]).get().access_key_id == "id"
    assert provider("'~/get cred'").get().access_key_id == "id"


# --- what it prints -----------------------------------------------------------------------------------------------------------------

# Where alicred does not do what both official libraries do: what it does instead, and why.
DECISIONS = {
    # "a source hands out what it got, the cache judges it" (rule 12 of the engine); Python refuses, Go hands it out
    "expired": "expired",
    # Python fails with a ValueError, Go takes it for a key without an end; section 12: an expiration is one or a typed error
    "bad_expiration": MalformedResponseError,
    # section 12: a byte order mark is accepted
    "bom": "A",
}
WORDS = {
    "sts_missing_token": "the answer lacks sts_token",
    "missing_secret": "the answer lacks access_key_secret",
    "pascal_case_keys": "the answer lacks access_key_id, access_key_secret",
    "not_json": "it is not a JSON object",
    "empty": "it is not a JSON object",
    "extra_text_before": "it is not a JSON object",
    "bad_expiration": "expiration in the answer is no time such as",
    "exit_3": "failed with exit status 3: it wrote 5 bytes to standard error",
    "not_found": "the program /nonexistent/xyz cannot be started: No such file or directory",
}
KINDS = {"exit_3": ProviderError, "not_found": ConfigurationError}


@pytest.mark.parametrize("case", cases("external_process_output"), ids=lambda case: str(case["name"]))
def test_the_official_outputs_table(case: dict[str, Any]) -> None:
    name, official = case["name"], case["results"]
    now = datetime.now(timezone.utc).replace(microsecond=0)
    ends = {"<one hour ago>": now - timedelta(hours=1), "<now + 100 s>": now + timedelta(seconds=100)}
    if "command" in case:
        made = provider(case["command"])
    else:
        text = case["stdout"]
        for mark, moment in ends.items():
            text = text.replace(mark, f"{moment:%Y-%m-%dT%H:%M:%SZ}")
        made = provider(printing(text))
    fails = all("error" in result for result in official.values())
    if name not in DECISIONS:
        assert fails or all("ok" in result for result in official.values()), "they differ: a decision is missing"
    if (fails and name not in DECISIONS) or DECISIONS.get(name) is MalformedResponseError:
        assert WORDS[name] in str(failure(made, KINDS.get(name, MalformedResponseError)))
        return
    found = made.get()
    expected = official[GO].get("ok") or {"access_key_id": "A", "access_key_secret": "S", "security_token": ""}
    assert (found.access_key_id, found.access_key_secret) == (expected["access_key_id"], expected["access_key_secret"])
    assert (found.security_token or "", found.provider_name) == (expected["security_token"], "external")
    moments = {"sts": datetime(2099, 12, 31, 23, 59, 59, tzinfo=timezone.utc), "expired": ends["<one hour ago>"]}
    assert found.expires_at == {**moments, "expires_in_100s": ends["<now + 100 s>"]}.get(name)


def test_the_decisions_are_about_cases_that_are_there() -> None:
    names = {case["name"] for case in cases("external_process_output")}
    assert set(DECISIONS) | set(WORDS) | set(KINDS) <= names
    differ = {case["name"] for case in cases("external_process_output") if len({"ok" in r for r in case["results"].values()}) == 2}
    assert differ <= set(DECISIONS)


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("[]", "it is not a JSON object"),
        ("null", "it is not a JSON object"),
        ('"planted"', "it is not a JSON object"),
        (json.dumps(AK) + "planted", "it is not a JSON object"),
        (b"\xff\xfeplanted", "it is not a JSON object"),
        (json.dumps({**AK, "access_key_id": 7}), "the answer lacks access_key_id"),
        (json.dumps({**AK, "access_key_secret": ["planted"]}), "the answer lacks access_key_secret"),
        (json.dumps({**AK, "access_key_secret": None}), "the answer lacks access_key_secret"),
        (json.dumps({**STS, "sts_token": ""}), "the answer lacks sts_token, which there must be in mode StsToken"),
        (json.dumps({**STS, "sts_token": None}), "the answer lacks sts_token"),
        (json.dumps({**AK, "sts_token": ["planted"]}), "sts_token in the answer is no string"),
        (json.dumps({**AK, "expiration": 1893456000}), "expiration in the answer is no string"),
        (json.dumps({**AK, "expiration": "planted"}), "expiration in the answer is no time such as 2030-01-31T12:00:00Z"),
        (json.dumps({**AK, "expiration": "2030-01-31 12:00:00"}), "expiration in the answer is no time"),
        (json.dumps({**AK, "access_key_secret": "planted\n"}), "holds a control character"),
        (json.dumps({**STS, "sts_token": "planted\n"}), "holds a control character"),
    ],
)
def test_what_is_no_credential_is_malformed(printed: str | bytes, words: str) -> None:
    error = failure(provider(printing(printed)), MalformedResponseError)
    assert words in str(error)
    assert f"reading what the program {sys.executable} printed" in str(error)
    assert "planted" not in str(error)


@pytest.mark.parametrize("more", [{}, {"sts_token": None}, {"sts_token": ""}, {"expiration": ""}, {"expiration": None}, {"mode": None}])
def test_what_is_empty_counts_as_absent(more: dict[str, object]) -> None:
    assert provider(printing(json.dumps({**AK, **more}))).get() == Credential("id", "secret")


def test_an_expiration_may_have_a_fraction() -> None:
    found = provider(printing(json.dumps({**STS, "expiration": "2030-01-02T03:04:05.5Z"}) + "\n\n")).get()
    assert found.expires_at == datetime(2030, 1, 2, 3, 4, 5, 500_000, tzinfo=timezone.utc)


def test_the_cache_asks_once_without_an_end_and_again_after_max_age(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = python(f"open(sys.argv[1], 'a').write('x')\nprint({json.dumps(STS)!r})", str(log))
    with CachingProvider(provider(command)) as cache:
        assert cache.get() is cache.get()
    assert log.read_text() == "x"
    with CachingProvider(provider(command), refresh=RefreshPolicy(max_age=timedelta(microseconds=1))) as cache:
        cache.get()
        cache.get()
        wait_until(lambda: log.read_text() == "xxx")


def test_an_expired_key_is_the_caches_business() -> None:
    made = provider(printing(json.dumps({**STS, "expiration": "2020-01-01T00:00:00Z"})))
    assert made.get().expires_at == datetime(2020, 1, 1, tzinfo=timezone.utc)
    with CachingProvider(made) as cache, pytest.raises(MalformedResponseError, match="had ended at 2020-01-01"):
        cache.get()


# --- how it runs --------------------------------------------------------------------------------------------------------------------

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


# --- how it fails -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("sys.stderr.write('planted'); sys.exit(7)", "failed with exit status 7: it wrote 7 bytes to standard error"),
        ("print('planted'); sys.exit('planted')", "failed with exit status 1: it wrote 8 bytes"),
        ("os._exit(255)", "failed with exit status 255: it wrote nothing to standard error"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "was ended by SIGTERM: it wrote nothing"),
        ("os.kill(os.getpid(), signal.SIGRTMIN + 3)", "was ended by signal "),
    ],
)
def test_a_failed_program_is_a_provider_error(code: str, words: str) -> None:
    error = failure(provider(python(f"sys.stdout.write({json.dumps(AK)!r}); sys.stdout.flush()\n{code}", "planted")), ProviderError)
    assert f"the program {sys.executable} {words}" in str(error)
    assert not error.retryable
    assert "planted" not in str(error)


@pytest.mark.parametrize(
    ("content", "mode", "reason"),
    [
        (None, 0, "No such file or directory"),
        ("#!/nonexistent/interpreter\n", 0o700, "No such file or directory"),
        ("neither a script nor a binary", 0o700, "Exec format error"),
        ("#!/bin/sh\n", 0o600, "Permission denied"),
        ("", -1, "Permission denied"),
    ],
)
def test_a_program_that_cannot_be_started_is_named(content: str | None, mode: int, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "get-cred"
    if mode == -1:
        path.mkdir()
    elif content is not None:
        path.write_text(content)
        path.chmod(mode)
    error = failure(provider([str(path), "--password", "planted"]), ConfigurationError)
    assert f"the program {path} cannot be started: {reason}. Is it installed" in str(error)
    assert "planted" not in str(error)
    assert error.__cause__ is error.__context__ is None


@pytest.mark.parametrize("raised", [OSError(errno.EAGAIN, "planted"), OSError(errno.EMFILE, "planted"), RuntimeError("planted")])
def test_a_shortage_of_the_system_may_pass(raised: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(subprocess, "Popen", refuse)
    error = failure(provider(["tool", "planted"]), TransientError)
    assert error.retryable
    assert error.__cause__ is error.__context__ is None


@pytest.mark.parametrize(
    ("arguments", "environ"),
    [(["\ud800planted"], None), ([], {"planted": "planted\0"}), ([], {"plan=ted": "planted"}), ([], {"planted": 7})],
)
def test_what_the_system_cannot_pass_on_is_refused_without_being_shown(arguments: list[str], environ: Any) -> None:
    made = provider(["true", *arguments], environ=environ)
    assert "an argument or a variable is nothing that" in str(in_child(lambda: ignoring_children(lambda: outcome(made))))
    error = failure(made, ConfigurationError)
    assert "the program true cannot be started: an argument or a variable" in str(error)
    assert "planted" not in repr(error)
    assert error.__cause__ is error.__context__ is None


def test_a_token_in_place_of_a_program_is_not_shown() -> None:
    made = provider(["x" * 300])
    assert "x" * 300 not in repr(made)
    assert "x" * 300 not in str(failure(made, ConfigurationError))


# --- nothing is left ----------------------------------------------------------------------------------------------------------------

BEHAVIOURS = {  # what the child does before, and after, it has said that it is there
    "plain": ("pass", "pass"),
    "ignores SIGTERM, SIGINT and SIGHUP": ("[signal.signal(number, signal.SIG_IGN) for number in (15, 2, 1)]", "pass"),
    "daemonises in the same group": ("os.fork() and os._exit(0); [os.close(fd) for fd in (0, 1, 2)]", "pass"),
    "is stopped": ("pass", "os.kill(os.getpid(), signal.SIGSTOP)"),
    "writes for ever": ("pass", "while True: os.write(2, b'planted' * 1000)"),
}


def parent(behaviour: str, then: str, notes: Path) -> list[str]:
    """A program with a child that behaves as *behaviour* says, and which goes on with *then* when the child is there."""
    before, after = BEHAVIOURS[behaviour]
    child = (
        f"if os.fork() == 0:\n    {before}\n    {NOTE}    open(sys.argv[2], 'w').close()\n    {after}\n    time.sleep(60)\n"
        "while not os.path.exists(sys.argv[2]): time.sleep(0.001)\n"
    )
    return python(NOTE + child + then, str(notes), str(notes) + ".ready")


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("then", ["time.sleep(60)", "signal.signal(15, signal.SIG_IGN); os.close(1); os.close(2); time.sleep(60)"])
def test_at_the_time_out_the_program_and_its_children_end(behaviour: str, then: str, notes: Path) -> None:
    began = time.monotonic()
    error = failure(provider(parent(behaviour, then, notes), timeout=SECOND), TransientError)
    assert time.monotonic() - began < 20
    assert f"the program {sys.executable} did not end within 1 s, and was ended with all that it had started" in str(error)
    assert error.retryable
    all_end(notes, 2)


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_a_child_that_stays_behind_is_ended_and_not_waited_for(behaviour: str, notes: Path) -> None:
    """It keeps both pipes open, too: the answer is complete when the program itself has ended."""
    began = time.monotonic()
    made = provider(parent(behaviour, f"print({json.dumps(AK)!r})", notes))
    assert made.get().access_key_id == "id"
    assert time.monotonic() - began < 20
    all_end(notes, 2)


def test_a_child_that_stays_behind_a_failed_program_is_ended(notes: Path) -> None:
    failure(provider(parent("plain", "sys.stdout.flush(); os._exit(3)", notes)), ProviderError)
    all_end(notes, 2)


@pytest.mark.parametrize("channel", [1, 2])
def test_a_program_that_writes_for_ever_is_ended(channel: int, notes: Path) -> None:
    made = provider(parent("plain", f"while True: os.write({channel}, b'planted' * 1000)", notes), timeout=SECOND)
    error = failure(made, MalformedResponseError if channel == 1 else TransientError)
    assert ("printed more than 1048576 bytes" if channel == 1 else "bytes to standard error, not shown") in str(error)
    assert "planted" not in str(error)
    all_end(notes, 2)


@pytest.mark.parametrize("channel", [1, 2])
def test_the_output_that_is_kept_is_bounded(channel: int) -> None:
    made = provider(python(f"while True: os.write({channel}, b'x' * 65536)"), timeout=SECOND / 2)
    tracemalloc.start()
    try:
        failure(made, MalformedResponseError if channel == 1 else TransientError)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_an_interrupt_of_the_caller_ends_the_program_and_its_children(notes: Path) -> None:
    made = provider(parent("ignores SIGTERM, SIGINT and SIGHUP", "time.sleep(60)", notes))
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)  # a runner in the background may ignore it
    ready = Path(str(notes) + ".ready")

    def interrupt() -> None:
        wait_until(ready.exists)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            made.get()
    finally:
        thread.join()
        signal.signal(signal.SIGINT, previous)
    all_end(notes, 2)
    assert_reaped(noted(notes)[0])


def assert_reaped(pid: int) -> None:
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


@pytest.mark.parametrize(
    "then", [f"print({json.dumps(AK)!r})", "sys.exit(3)", "print('planted')", "time.sleep(60)", "os.write(1, b'x' * (2 << 20))"]
)
def test_no_zombie_and_no_open_file_is_left(then: str, notes: Path) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    made = provider(python(NOTE + then, str(notes)), timeout=SECOND)
    with contextlib.suppress(AlicredError):
        made.get()
    assert_reaped(noted(notes)[0])
    assert sorted(os.listdir("/proc/self/fd")) == before


def reaping_everything(work: Callable[[], object]) -> object:
    """What *work* answers while somebody else in the process reaps every child there is."""
    stop = threading.Event()

    def reap() -> None:
        while not stop.is_set():
            try:
                os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                stop.wait(0.001)

    thread = threading.Thread(target=reap)
    thread.start()
    try:
        return work()
    finally:
        stop.set()
        thread.join()


def ignoring_children(work: Callable[[], object]) -> object:
    """What *work* answers where the system reaps every child, and keeps from everybody how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        return work()
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def ignoring_children_unnoticed(work: Callable[[], object]) -> object:
    """The same, where C code has said so."""
    ctypes.CDLL(None).signal(int(signal.SIGCHLD), ctypes.c_void_p(1))
    try:
        return work()
    finally:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


LOSING = [ignoring_children, ignoring_children_unnoticed, reaping_everything]


def outcome(made: ExternalProcessProvider) -> str:
    try:
        return made.get().access_key_id
    except AlicredError as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("losing", LOSING)
@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ("", "id"),
        ("sys.exit(3)", "ProviderError: external: the program {} failed with exit status 3: it wrote nothing"),
        ("sys.exit('planted')", "ProviderError: external: the program {} failed with exit status 1: it wrote 8 bytes"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "ProviderError: external: the program {} was ended by SIGTERM: it wrote"),
        ("time.sleep(60)", "TransientError: external: the program {} did not end within 1 s"),
        ("os.write(1, b'x' * (2 << 20))", "MalformedResponseError: external: the program {} printed more than"),
    ],
)
def test_a_failed_program_is_a_failure_also_where_the_system_does_not_say_how_it_ended(
    losing: Callable[[Callable[[], object]], object], then: str, expected: str, notes: Path
) -> None:
    code = f"{NOTE}assert sys.stdin.read() == ''\nsys.stdout.write({json.dumps(AK)!r}); sys.stdout.flush()\n{then}"
    made = provider(python(code, str(notes)), timeout=SECOND if "sleep" in then else 30 * SECOND)
    # In a process of its own: the runner's other children are nobody's to reap.
    assert str(in_child(lambda: losing(lambda: outcome(made)))).startswith(expected.format(sys.executable))
    wait_until(lambda: not any(map(is_alive, noted(notes))), 3)


@pytest.mark.parametrize("losing", [ignoring_children, ignoring_children_unnoticed])
def test_where_no_shell_can_say_how_it_ended_what_it_printed_is_not_used(
    losing: Callable[[Callable[[], object]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_program, "_TELLING", ("/nonexistent/sh",))
    made = provider(printing(json.dumps(AK)))
    assert str(in_child(lambda: losing(lambda: outcome(made)))).startswith(
        f"ProviderError: external: how the program {sys.executable} ended cannot be known, and so what it printed is not used: "
        "this process ignores SIGCHLD, or another part of it reaps all children."
    )


def test_a_program_that_is_not_there_is_said_not_to_be_where_a_shell_would_run_it() -> None:
    for command in (["nonexistent", "planted"], ["/nonexistent/tool", "planted"], ["/", "planted"]):
        found = str(in_child(lambda command=command: ignoring_children(lambda: outcome(provider(command)))))  # type: ignore[misc]
        assert found.startswith(f"ConfigurationError: external: the program {command[0]} cannot be started: ")


def test_the_shell_reads_no_part_of_the_command(tmp_path: Path) -> None:
    """Neither the program's name, which may be that of a command of its own, nor an argument."""
    code = f"import json, sys\nprint(json.dumps({{**{AK!r}, 'access_key_id': repr(sys.argv[1:])}}))\n"
    (tmp_path / "echo").write_text(f"#!{sys.executable}\n{code}")
    (tmp_path / "echo").chmod(0o700)
    arguments = ["$HOME", "`id`", "*", ";", "a b", "", "'", '"', "-c"]
    made = provider(["echo", *arguments], environ={"PATH": str(tmp_path)})
    assert in_child(lambda: ignoring_children(lambda: outcome(made))) == repr(arguments)


SHORTAGES = [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOBUFS, errno.EINTR, errno.ESTALE]


@pytest.mark.parametrize("number", SHORTAGES)
@pytest.mark.parametrize("where", [(subprocess, "Popen"), (selectors, "DefaultSelector"), (os, "read"), (os, "waitid")])
def test_a_shortage_at_any_step_may_pass(where: tuple[Any, str], number: int, monkeypatch: pytest.MonkeyPatch, notes: Path) -> None:
    made = provider(python(NOTE + f"print({json.dumps(AK)!r})", str(notes)))

    real = getattr(*where)

    def short(*arguments: Any, **more: Any) -> Any:
        if where[1] == "read" and arguments[1] != _program._CHUNK:
            return real(*arguments, **more)  # this one is not ours
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(*where, short)
        error = failure(made, TransientError)
    assert error.retryable
    assert error.code == "TemporaryFailure"
    assert str(error).startswith(f"external: the program {sys.executable} c")
    assert os.strerror(number) in str(error)
    assert error.__cause__ is error.__context__ is None
    for pid in noted(notes):
        assert_reaped(pid)
    assert made.get().access_key_id == "id"


@pytest.mark.parametrize("where", [(subprocess, "Popen"), (selectors, "DefaultSelector")])
def test_memory_that_is_used_up_may_be_there_again(where: tuple[Any, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise MemoryError

    made = provider(printing(json.dumps(AK)))
    with monkeypatch.context() as patch:
        patch.setattr(*where, none_left)
        assert "Cannot allocate memory" in str(failure(made, TransientError))
    assert made.get().access_key_id == "id"


def test_a_frozen_clock_does_not_lengthen_the_time_out(monkeypatch: pytest.MonkeyPatch, notes: Path) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    failure(provider(python(NOTE + "time.sleep(60)", str(notes)), timeout=SECOND / 4), TransientError)
    all_end(notes, 1)


def test_a_process_without_a_descriptor_left_says_so(tmp_path: Path) -> None:
    """Also if it is the first program of that process, for which modules have to be loaded."""
    code = """
import os, resource, sys
from alicred.sources.external_process import ExternalProcessProvider
made = ExternalProcessProvider([sys.executable, "-I", "-S", "-c", sys.argv[1]])
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
held = []
try:
    while True:
        held.append(os.open("/", os.O_RDONLY))
except OSError:
    pass
answers = []
while True:
    try:
        answers.append(made.get().access_key_id)
        break
    except Exception as error:
        answers.append(f"{type(error).__name__}: {getattr(error, 'code', error)}")
    os.close(held.pop())
print("\\n".join(answers))
"""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    command = [sys.executable, "-c", code.replace("\\\\", "\\"), f"print({json.dumps(AK)!r})"]
    printed = subprocess.run(command, capture_output=True, text=True, env=environ, check=True).stdout.split("\n")
    assert printed.pop() == ""
    assert printed.pop() == "id"
    assert set(printed) == {"TransientError: TemporaryFailure"}
    assert len(printed) > 3


def test_it_also_works_where_a_program_cannot_be_looked_at_without_reaping_it(monkeypatch: pytest.MonkeyPatch, notes: Path) -> None:
    monkeypatch.delattr(os, "waitid")
    assert provider(parent("plain", f"print({json.dumps(AK)!r})", notes)).get().access_key_id == "id"
    all_end(notes, 2)
    failure(provider(python("sys.exit(3)")), ProviderError)
    failure(provider(python("time.sleep(60)"), timeout=SECOND / 4), TransientError)


def test_a_program_that_does_not_go_away_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int, number: int) -> None:
        raise PermissionError

    made = provider(python("time.sleep(60)"), timeout=SECOND / 10)
    monkeypatch.setattr(_program, "_REAPED_WITHIN", 0.1)
    monkeypatch.setattr(os, "killpg", refuse)
    began = time.monotonic()
    started: list[subprocess.Popen[bytes]] = []
    start = _program._start
    monkeypatch.setattr(_program, "_start", lambda *arguments: started.append(start(*arguments)) or started[0])
    failure(made, TransientError)
    assert time.monotonic() - began < 20
    started[0].kill()
    started[0].wait()
