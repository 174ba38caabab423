"""``alicred cloud``: the fake cloud as a program, and programs that are run against it."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from alicred import ConfigurationError
from alicred.testing import FakeCloud
from tests.cli.commands import Shell
from tests.cli.programs import ALICRED, Machine

ROLE, STS = "ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_STS_ENDPOINT"


@contextmanager
def running(machine: Machine, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The cloud as a program, until its input closes, and the variables that it prints."""
    with machine.start("cloud", *arguments, stdin=subprocess.PIPE) as cloud:
        try:
            assert cloud.stdout is not None
            lines = [cloud.stdout.readline() for _ in range(5)]
            assert lines[0] == "unset ALIBABA_CLOUD_SECURITY_TOKEN\n"
            words = [shlex.split(line) for line in lines[1:]]
            assert all(word == "export" for word, _ in words)
            yield cloud, dict(word.split("=", 1) for _, word in words)
        finally:
            if cloud.poll() is None:
                cloud.kill()


def test_another_program_uses_it_with_what_is_printed(machine: Machine) -> None:
    with running(machine, "--session", "10m", "--role", "reports") as (cloud, variables):
        assert variables[ROLE].endswith(":role/reports")
        done = machine.run("--role-arn", variables[ROLE], "get", "--format", "json", environ=variables)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["AccessKeyId"].startswith("STS.")
        with urlopen(f"{variables[STS]}/latest/meta-data/ram/security-credentials/") as answer:
            assert answer.read() == b"reports"
        assert cloud.stdin is not None
        cloud.stdin.close()  # the end of the pipe is the end of the cloud
        assert cloud.wait(30) == 0
        assert cloud.stderr is not None
        said = cloud.stderr.read()
    assert "2 requests, 0 of them rejected" in said
    assert re.search(r"metadata service: http://127.0.0.1:\d+$", said, re.MULTILINE)
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(variables[STS].rpartition(":")[2])))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_and_leaves_nothing_behind(number: int, machine: Machine) -> None:
    with machine.start("cloud", "--json", stdin=subprocess.DEVNULL) as cloud:  # the null device is no pipe whose end means something
        assert cloud.stdout is not None
        printed = ""
        while not printed.endswith("\n}\n"):
            printed += cloud.stdout.readline()
        ca_file = json.loads(printed)["ca_file"]
        assert Path(ca_file).exists()
        cloud.send_signal(number)
        assert cloud.wait(30) == 0
    assert not Path(ca_file).parent.exists()


def test_a_program_is_run_with_the_variables_and_its_exit_code_is_handed_on(machine: Machine) -> None:
    script = "import os, subprocess, sys\n" + (
        f"done = subprocess.run({[*ALICRED, 'get', '--format', 'external']!r}, capture_output=True, text=True)\n"
        "print(done.stdout, done.stderr, os.environ.get('ALIBABA_CLOUD_SECURITY_TOKEN'))\n"
        "sys.exit(7)"
    )
    stale = {"ALIBABA_CLOUD_SECURITY_TOKEN": "stale", "ALIBABA_CLOUD_PROFILE": "gone"}
    done = machine.run("cloud", "--", sys.executable, "-c", script, environ=stale)
    assert done.returncode == 7, done.stderr
    assert '"AK.' in done.stdout
    assert done.stdout.endswith("None\n")


@pytest.mark.parametrize(
    ("name", "code", "text"),
    [("no-such-program", 127, "'no-such-program' cannot be run"), ("/", 126, "'/' cannot be run")],
)
def test_a_program_that_cannot_be_run_is_named(name: str, code: int, text: str, machine: Machine) -> None:
    done = machine.run("cloud", "--", name)
    assert (done.returncode, text in done.stderr) == (code, True)


@pytest.mark.parametrize(("option", "code"), [("--throttle", "Throttling.User"), ("--errors", "ServiceUnavailable")])
def test_faults_are_met_by_the_share_of_requests_that_was_asked_for(option: str, code: str, machine: Machine) -> None:
    with running(machine, option, "1") as (_, variables):
        done = machine.run("--role-arn", variables[ROLE], "get", environ=variables)
        assert done.returncode == 4
        assert code in done.stderr
    from alicred.cli.cloud import Sometimes

    fault = Sometimes(0.2, 0.3, seed=1)
    drawn = [getattr(fault.instead(), "code", "") for _ in range(2000)]
    assert 0.17 < drawn.count("Throttling.User") / 2000 < 0.23
    assert 0.26 < drawn.count("ServiceUnavailable") / 2000 < 0.34


def test_a_port_can_be_chosen_and_one_that_is_taken_is_a_wrong_command_line(machine: Machine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = machine.run("cloud", "--port", str(port))
        assert done.returncode == 2
        assert f"127.0.0.1:{port} cannot be had" in done.stderr
        with pytest.raises(ConfigurationError, match=f"{port} cannot be had"):
            FakeCloud(port=port).start()
    with running(machine, "--port", str(port)) as (_, variables):
        assert variables[STS] == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    "arguments",
    [["--session", "500ms"], ["--port", "70000"], ["--throttle", "0.6", "--errors", "0.6"], ["--role", "a/b"]],
)
def test_what_cannot_be_is_a_wrong_command_line(arguments: list[str], shell: Shell) -> None:
    assert shell("cloud", *arguments).code == 2


def test_its_help_says_what_the_key_is_worth(machine: Machine) -> None:
    assert "worth nothing anywhere else" in " ".join(machine.run("cloud", "--help").stdout.split())


def test_a_stopped_cloud_starts_again_on_its_port() -> None:
    cloud = FakeCloud()
    with cloud:
        port = int(cloud.http_endpoint.rpartition(":")[2])
    cloud.port = port
    for _ in range(2):
        with cloud:
            assert cloud.http_endpoint.endswith(f":{port}")
