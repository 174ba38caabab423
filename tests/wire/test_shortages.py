"""A machine that is short of something for a moment: the error says so, may be retried, and never means that a source is not there."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from alicred import ChainProvider, Credential, EcsRamRoleProvider, HttpClient, ImdsClient, StaticProvider
from alicred.errors import AlicredError, NotConfiguredError, TransientError
from tests.wire.metadata import metadata
from tests.wire.servers import make_certificate

SHORTAGES = ("EAGAIN", "EADDRNOTAVAIL", "EINTR", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "ENOSPC", "ESTALE")
NOBODY_THERE = ("ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ETIMEDOUT", "EACCES")
ERRORS: list[Exception] = [OSError(getattr(errno, name), "planted") for name in SHORTAGES]
ERRORS += [socket.gaierror(getattr(socket, name), "planted") for name in ("EAI_AGAIN", "EAI_MEMORY", "EAI_SYSTEM")]
ERRORS.append(MemoryError("planted"))


def raising(error: Exception) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise error

    return fail


def outcome(source: EcsRamRoleProvider | ChainProvider[Credential]) -> Credential | AlicredError:
    try:
        return source.get()
    except AlicredError as error:
        return error


@pytest.mark.parametrize("error", ERRORS, ids=repr)
@pytest.mark.parametrize("call", ["socket.getaddrinfo", "socket.socket.connect", "socket.socket.sendall", "socket.socket.recv_into"])
def test_a_shortage_is_no_reason_to_go_on_to_another_identity(error: Exception, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with metadata() as service:
        source = EcsRamRoleProvider(imds=ImdsClient(service.server.url))
        chain = ChainProvider(source, StaticProvider(Credential("another", "identity")))
        with monkeypatch.context() as patch:
            patch.setattr(call, raising(error))
            alone, chained = outcome(source), outcome(chain)
        assert isinstance(outcome(chain), Credential)
    assert isinstance(alone, TransientError)
    assert isinstance(chained, TransientError)
    assert alone.code == "TemporaryFailure" or call == "socket.socket.recv_into"  # where Python itself tries again at EINTR and EAGAIN
    assert alone.code != "Unreachable"
    assert "planted" not in str(alone)


@pytest.mark.parametrize("name", NOBODY_THERE)
def test_where_no_metadata_service_is_there_the_chain_goes_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = EcsRamRoleProvider(imds=ImdsClient("http://127.0.0.1:1"))
    monkeypatch.setattr(socket.socket, "connect", raising(OSError(getattr(errno, name), "planted")))
    assert isinstance(outcome(source), NotConfiguredError)
    assert isinstance(outcome(ChainProvider(source, StaticProvider(Credential("another", "identity")))), Credential)


# --- the authorities that are trusted ---------------------------------------------------------------------------------------------------


def failure(client: HttpClient) -> AlicredError:
    with pytest.raises(AlicredError) as caught:
        client.request("GET", "https://127.0.0.1:1/")
    return caught.value


@pytest.mark.parametrize("name", SHORTAGES)
def test_a_ca_file_that_cannot_be_read_for_the_moment_is_not_wrong(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ca_file = make_certificate(tmp_path / "ca.pem")
    monkeypatch.setattr(ssl, "create_default_context", raising(OSError(getattr(errno, name), "planted")))
    error = failure(HttpClient(ca_file=ca_file))
    assert isinstance(error, TransientError)
    assert error.code == "TemporaryFailure"
    assert str(ca_file) in str(error)


def test_a_ca_file_that_is_being_replaced_is_looked_at_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    ca_file, real, looks = make_certificate(tmp_path / "ca.pem"), os.stat, []

    def stat(path: str) -> os.stat_result:
        looks.append(path)
        return real(path if len(looks) > 1 else path + ".gone")

    with monkeypatch.context() as patch:
        patch.setattr("alicred.wire.trust.os.stat", stat)
        error = failure(HttpClient(ca_file=ca_file))
    assert isinstance(error, TransientError)
    assert error.code == "Unreachable"


def test_authorities_that_could_not_be_read_are_not_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """OpenSSL says nothing about a file that it could not open, and then takes every certificate for a bad one."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "store.pem"))
    monkeypatch.setattr(os, "open", raising(OSError(errno.EMFILE, "planted")))
    error = failure(HttpClient())
    assert isinstance(error, TransientError)
    assert error.code == "TemporaryFailure"
    assert "store.pem" in str(error)


@pytest.mark.parametrize(
    "source", ['EcsRamRoleProvider(imds=ImdsClient("http://127.0.0.1:9"))', 'CredentialsUriProvider("http://127.0.0.1:9/")']
)
def test_a_shortage_while_the_first_request_loads_what_it_needs_may_pass(source: str) -> None:
    program = f"""
import os, resource
from alicred import *
provider = {source}
lowest = os.open(os.devnull, os.O_RDONLY)
os.close(lowest)
limit = resource.getrlimit(resource.RLIMIT_NOFILE)
for each in (provider, ChainProvider(provider), CachingProvider(RetryingProvider(provider, retry=RetryPolicy(attempts=1)))):
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limit[1]))
    try:
        each.get()
    except Exception as error:
        found = type(error).__name__, getattr(error, "code", None)
    resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    print(*found)
"""
    # Unmeasured: coverage itself opens files.
    unmeasured = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, env=unmeasured)
    assert done.stdout.split("\n")[:3] == ["TransientError TemporaryFailure"] * 3, done.stderr
