"""``alicred exec``: a program that has the credential, and nothing that leads it to another one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from urllib.request import urlopen

import pytest

from alicred import Credential, EnvironmentProvider, default_chain
from alicred.cli.variables import with_key, with_uri
from tests.cli.programs import ALICRED, Machine, at_its_own_terminal
from tests.support import wait_until

KEY = Credential("id-new", "secret-new")
SESSION = Credential("id-new", "secret-new", "token-new", datetime(2100, 1, 1, tzinfo=timezone.utc))
ROLE = "acs:ram::1:role/other"
# Everything that one of the programs reads, and that leads to an identity: the vectors list who reads what.
_NAMES = (
    "ACCESS_KEY_ID ACCESS_KEY_SECRET ALIBABACLOUD_ACCESS_KEY_ID ALIBABACLOUD_ACCESS_KEY_SECRET ALIBABACLOUD_EXTERNAL_ID "
    "ALIBABACLOUD_OIDC_PROVIDER_ARN ALIBABACLOUD_OIDC_TOKEN_FILE ALIBABACLOUD_PROFILE ALIBABACLOUD_ROLE_ARN "
    "ALIBABACLOUD_SECURITY_TOKEN ALIBABA_CLOUD_ACCESS_KEY_ID ALIBABA_CLOUD_ACCESS_KEY_Id ALIBABA_CLOUD_ACCESS_KEY_SECRET "
    "ALIBABA_CLOUD_BEARER_TOKEN ALIBABA_CLOUD_BEARER_TOKEN_HEADER_KEY ALIBABA_CLOUD_CREDENTIALS_URI ALIBABA_CLOUD_ECS_METADATA "
    "ALIBABA_CLOUD_EXTERNAL_ID ALIBABA_CLOUD_OIDC_PROVIDER_ARN ALIBABA_CLOUD_OIDC_TOKEN_FILE ALIBABA_CLOUD_PROFILE "
    "ALIBABA_CLOUD_PROFILE_MODE ALIBABA_CLOUD_ROLE_ARN ALIBABA_CLOUD_ROLE_SESSION_NAME ALIBABA_CLOUD_SECURITY_TOKEN "
    "ALICLOUD_ACCESS_KEY ALICLOUD_ACCESS_KEY_ID ALICLOUD_ACCESS_KEY_SECRET ALICLOUD_ACCESS_KEY_STS_TOKEN ALICLOUD_ASSUME_ROLE_ARN "
    "ALICLOUD_CREDENTIALS_URI ALICLOUD_ECS_ROLE_NAME ALICLOUD_PRIVATE_KEY ALICLOUD_PROFILE ALICLOUD_PUBLIC_KEY_ID ALICLOUD_ROLE_ARN "
    "ALICLOUD_ROLE_NAME ALICLOUD_ROLE_SESSION_EXPIRATION ALICLOUD_ROLE_SESSION_NAME ALICLOUD_SECRET_KEY ALICLOUD_SECURITY_TOKEN "
    "ALICLOUD_SESSION_EXPIRATION ALICLOUD_SHARED_CREDENTIALS_FILE ALIYUN_ACCESS_KEY_ID ALIYUN_ACCESS_KEY_SECRET "
    "ALIYUN_LOG_CLI_STS_TOKEN ODPS_STS_ACCESS_KEY_ID ODPS_STS_TOKEN OSS_ACCESS_KEY_ID OSS_ACCESS_KEY_SECRET OSS_SESSION_TOKEN "
    "SECURITY_TOKEN"
)
STALE = {name: ROLE if name.endswith("_ARN") else f"stale-{name}" for name in _NAMES.split()}
NEUTRAL = {"PATH": "/bin", "ALIBABA_CLOUD_REGION_ID": "cn-beijing", "ALIBABA_CLOUD_STS_REGION": "cn-beijing", "ALICLOUD_REGION": "x"}


@pytest.mark.parametrize("credential", [KEY, SESSION], ids=["permanent", "temporary"])
def test_nothing_stale_is_left_beside_the_key(credential: Credential) -> None:
    environ = with_key({**STALE, **NEUTRAL}, credential)
    assert {name: value for name, value in environ.items() if value.startswith("stale-") or value == ROLE} == {}
    assert environ.items() >= NEUTRAL.items()
    assert EnvironmentProvider(environ).get() == Credential("id-new", "secret-new", credential.security_token)
    for name in ("ALICLOUD_SECURITY_TOKEN", "ALIBABACLOUD_SECURITY_TOKEN", "OSS_SESSION_TOKEN"):
        assert environ.get(name) == credential.security_token
    assert environ["ALICLOUD_ACCESS_KEY"] == environ["OSS_ACCESS_KEY_ID"] == "id-new"
    assert environ["ALIBABA_CLOUD_IGNORE_PROFILE"] == "TRUE"


def test_nothing_stale_is_left_beside_the_address() -> None:
    environ = with_uri({**STALE, **NEUTRAL, "no_proxy": "example.com"}, "http://127.0.0.1:1/x")
    assert {name: value for name, value in environ.items() if value.startswith("stale-") or value == ROLE} == {}
    assert environ["ALIBABA_CLOUD_CREDENTIALS_URI"] == "http://127.0.0.1:1/x"
    assert environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] == "true"
    assert (environ["no_proxy"], environ["NO_PROXY"]) == ("example.com,127.0.0.1", "127.0.0.1")


def python(machine: Machine, text: str) -> list[str]:
    """A program of Python."""
    path = machine.home / "program.py"
    path.write_text(text)
    return [sys.executable, str(path)]


SHOW = "import json, os; print(json.dumps(dict(os.environ)))"


def test_the_program_has_the_credential_in_its_environment(machine: Machine) -> None:
    machine.role()
    done = machine.run("exec", "--", *python(machine, SHOW), environ={"ALICLOUD_PROFILE": "other", "ALICLOUD_SECURITY_TOKEN": "stale"})
    assert (done.returncode, done.stderr) == (0, "")
    environ = json.loads(done.stdout)
    (session,) = machine.cloud.sessions
    assert environ["ALIBABA_CLOUD_ACCESS_KEY_ID"] == session.access_key_id
    assert environ["ALICLOUD_SECURITY_TOKEN"] == environ["ALIBABA_CLOUD_SECURITY_TOKEN"] != "stale"
    assert "ALICLOUD_PROFILE" not in environ


@pytest.mark.parametrize("words", [["--"], []])
def test_the_program_takes_the_place_of_alicred(words: list[str], machine: Machine) -> None:
    with machine.start("exec", *words, "sh", "-c", "echo $$; exec sleep 60", environ=machine.keys) as child:
        assert child.stdout is not None
        assert int(child.stdout.readline()) == child.pid
        child.terminate()
    assert child.returncode == -signal.SIGTERM


def test_its_exit_code_and_arguments_are_its_own(machine: Machine) -> None:
    done = machine.run("exec", "--", "sh", "-c", 'echo "$@"; exit 7', "name", "--profile", "x y", "--", "-h", environ=machine.keys)
    assert (done.returncode, done.stdout) == (7, "--profile x y -- -h\n")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the signals of a process are looked up in /proc")
@pytest.mark.parametrize("options", [[], ["--refresh"]], ids=["exec", "refresh"])
def test_the_program_gets_signals_as_a_shell_would_hand_them(options: list[str], machine: Machine) -> None:
    machine.role()
    done = machine.run("exec", *options, "--", "grep", "^Sig[BI]", "/proc/self/status")
    real = 0x7FFFFFFF  # without those that the C library keeps for itself
    assert [int(line.split()[1], 16) & real for line in done.stdout.splitlines()] == [0, 0]  # none blocked, none ignored


@pytest.mark.parametrize("options", [[], ["--refresh"]], ids=["exec", "refresh"])
@pytest.mark.parametrize(
    ("program", "code", "said"),
    [
        ("no-such-program", 127, "'no-such-program': no such program. Correct its name, or PATH"),
        ("./none", 127, "'./none': no such program"),
        ("./folder", 126, "'./folder' cannot be run: Permission denied"),
        ("./plain", 126, "'./plain' cannot be run: Permission denied"),
        ("./text", 126, "'./text' cannot be run: Exec format error. It must be a program that you may execute; a script needs a #! line"),
        ("./text/x", 127, "no such program"),
    ],
)
def test_what_cannot_be_run_is_one_line_and_the_code_of_a_shell(
    program: str, code: int, said: str, options: list[str], machine: Machine
) -> None:
    machine.role()
    (machine.home / "folder").mkdir()
    (machine.home / "plain").write_text("x")
    (machine.home / "text").write_text("x")
    (machine.home / "text").chmod(0o755)
    done = machine.run("exec", *options, "--", program)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr.startswith("alicred exec: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["--"], ["--refresh"], ["--", ""]])
def test_without_a_program_there_is_nothing_to_do(arguments: list[str], machine: Machine) -> None:
    done = machine.run("exec", *arguments, environ=machine.keys)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "alicred exec: there is no program to run: name one behind --, such as `alicred exec -- terraform plan`\n"


def test_an_unknown_option_in_front_of_the_program_is_no_program(machine: Machine) -> None:
    done = machine.run("exec", "--refrsh", "--", "true", environ=machine.keys)
    assert (done.returncode, done.stderr) == (2, "alicred exec: unrecognized arguments: --refrsh. See `alicred exec --help`\n")


def test_without_a_credential_the_program_is_not_run(machine: Machine) -> None:
    for options in ([], ["--refresh"]):
        done = machine.run("exec", *options, "--", "sh", "-c", "echo ran")
        assert (done.returncode, done.stdout) == (1, "")


def test_no_secret_is_in_the_arguments_of_any_process(machine: Machine) -> None:
    machine.role()
    done = machine.run("exec", "--refresh", "--", "ps", "-eo", "args")
    if done.returncode == 127:
        pytest.skip("there is no ps here")
    assert "token=" not in done.stdout


# --- with --refresh ---------------------------------------------------------------------------------------------------------------------


def test_the_address_answers_as_long_as_the_program_runs_and_no_longer(machine: Machine) -> None:
    machine.role()
    with machine.start("exec", "--refresh", "--", *python(machine, SHOW + "\nprint(flush=True); input()"), stdin=subprocess.PIPE) as child:
        assert child.stdout is not None
        environ = json.loads(child.stdout.readline())
        assert "ALIBABA_CLOUD_ACCESS_KEY_ID" not in environ
        uri = environ["ALIBABA_CLOUD_CREDENTIALS_URI"]
        answer = json.loads(urlopen(uri, timeout=20).read())
        assert answer["AccessKeyId"] == machine.cloud.sessions[0].access_key_id
        child.communicate("\n", timeout=60)
    assert child.returncode == 0
    with pytest.raises(OSError, match="refused"):
        urlopen(uri, timeout=20)


def test_the_default_chain_of_the_program_asks_the_address_whatever_is_in_the_home(machine: Machine) -> None:
    machine.role()
    (machine.home / ".alibabacloud").mkdir()
    (machine.home / ".alibabacloud" / "credentials").write_text("[default]\ntype = access_key\naccess_key_id = x\naccess_key_secret = y\n")
    program = python(machine, "import alicred; print(alicred.default_chain().get().provider_name)")
    done = machine.run("exec", "--refresh", "--", *program)
    assert done.stdout == "default/credentials_uri\n", done.stderr


@pytest.mark.slow
def test_the_credential_is_fresh_for_as_long_as_the_program_runs(machine: Machine) -> None:
    machine.cloud.session = timedelta(seconds=6)
    machine.role()
    program = """
import json, os, time
from urllib.request import urlopen
for _ in range(16):
    print(urlopen(os.environ["ALIBABA_CLOUD_CREDENTIALS_URI"]).read().decode(), flush=True)
    time.sleep(1)
"""
    done = machine.run("exec", "--refresh", "--", *python(machine, program))
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 16
    assert len({each["AccessKeyId"] for each in answers}) >= 3


def test_a_permanent_key_is_not_served(machine: Machine) -> None:
    done = machine.run("exec", "--refresh", "--", "true", environ=machine.keys)
    assert done.returncode == 2
    assert done.stderr.startswith("alicred exec: --refresh is for temporary credentials whose end is known")


@pytest.mark.parametrize(("script", "code"), [("exit 5", 5), ("kill -9 $$", 137), ("kill -TERM $$", 143), ("true", 0)])
def test_the_exit_code_is_the_program_s_also_with_refresh(script: str, code: int, machine: Machine) -> None:
    machine.role()
    assert machine.run("exec", "--refresh", "--", "sh", "-c", script).returncode == code


COUNT = """
import signal, sys, time
seen = []
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, lambda number, frame: seen.append(number))
print("ready", flush=True)
end = time.monotonic() + 60
while not seen and time.monotonic() < end:
    time.sleep(0.02)
time.sleep(0.3)
print([signal.Signals(number).name for number in seen], flush=True)
sys.exit(9)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_is_handed_on_once(number: signal.Signals, machine: Machine) -> None:
    machine.role()
    with machine.start("exec", "--refresh", "--", *python(machine, COUNT)) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        child.send_signal(number)
        printed, errors = child.communicate(timeout=60)
    assert (child.returncode, printed, errors) == (9, f"['{number.name}']\n", "")


# The part of alicred that hands signals on, at a terminal: what it takes each of two interrupts for.
TELL = """
from alicred.cli import child
child.hold_signals()
print("ready", flush=True)
print("first from the terminal:", child._next_signal()[1], flush=True)
print("second from the terminal:", child._next_signal()[1], flush=True)
"""


@pytest.mark.skipif(not hasattr(signal, "sigwaitinfo"), reason="who sent a signal cannot be known here")
def test_what_the_terminal_sends_is_not_handed_on_since_the_program_has_it_already(machine: Machine) -> None:
    child, terminal = at_its_own_terminal(python(machine, TELL), machine.environ)
    with child:
        _read_until(terminal, b"ready")
        os.write(terminal, b"\x03")
        assert b"first from the terminal: True" in _read_until(terminal, b"first from the terminal: True")
        child.send_signal(signal.SIGINT)
        assert b"second from the terminal: False" in _read_until(terminal, b"second from the terminal: False")
        child.wait(60)  # before its terminal is gone
        os.close(terminal)
    assert child.returncode == 0


def test_the_terminal_interrupts_the_program(machine: Machine) -> None:
    machine.role()
    command = [*ALICRED, "exec", "--refresh", "--", *python(machine, COUNT)]
    child, terminal = at_its_own_terminal(command, machine.environ, machine.home)
    with child:
        _read_until(terminal, b"ready")
        os.write(terminal, b"\x03")
        assert b"['SIGINT']" in _read_until(terminal, b"['SIGINT']")
        child.wait(60)
        os.close(terminal)
    assert child.returncode == 9


def _read_until(terminal: int, text: bytes) -> bytes:
    """What comes from the terminal, up to *text*; all of it if that does not come."""
    printed, end = b"", time.monotonic() + 60
    while text not in printed and time.monotonic() < end:
        try:
            printed += os.read(terminal, 1024)
        except OSError:  # the program has ended
            break
    return printed


def test_an_interrupt_before_the_program_runs_ends_alicred(machine: Machine) -> None:
    from alicred.testing import faults

    machine.role()
    machine.cloud.inject(faults.Hang(timedelta(seconds=60)))
    with machine.start("exec", "--refresh", "--", "echo", "ran") as child:
        wait_until(lambda: machine.cloud.count() == 1, 60)
        child.send_signal(signal.SIGINT)
        printed, errors = child.communicate(timeout=60)
    assert (child.returncode, printed, errors) == (130, "", "")


def test_children_that_were_ignored_by_the_starter_are_waited_for(machine: Machine) -> None:
    machine.role()
    script = f"trap '' CHLD; exec {' '.join(ALICRED)} exec --refresh -- sh -c 'exit 5'"
    assert machine.run_program(["bash", "-c", script]).returncode == 5


def test_the_chain_of_this_test_is_the_one_that_programs_have(machine: Machine) -> None:
    assert default_chain(environ=with_key(machine.environ, SESSION)).get().security_token == "token-new"
