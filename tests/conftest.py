"""What holds for every test: loopback only, an empty home, a clean environment, no thread left behind."""

from __future__ import annotations

import itertools
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import network_guard

network_guard.install()

hypothesis.settings.register_profile("default", deadline=None, derandomize=False, max_examples=100, print_blob=True)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, max_examples=100, print_blob=True)
# `make test` draws fewer examples, always the same ones: what fails there fails because of what was changed.
hypothesis.settings.register_profile("quick", deadline=None, derandomize=True, max_examples=15, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "default")

_NUMBERS = itertools.count(1)
_OURS = ("ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_")
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")


@pytest.fixture(autouse=True)
def loopback_only() -> Iterator[network_guard.Attempts]:
    """Fails a test that tried to leave loopback, also if the error was swallowed. ``take()`` hands out, and so excuses, the attempts."""
    network_guard.ATTEMPTS.take()
    yield network_guard.ATTEMPTS
    refused = network_guard.ATTEMPTS.take()
    if refused:
        pytest.fail("the test tried to leave loopback:\n  " + "\n  ".join(refused), pytrace=False)


@pytest.fixture(autouse=True)
def no_thread_left(loopback_only: network_guard.Attempts) -> Iterator[None]:
    """Fails a test that leaves a thread of the library running; a thread may take two seconds to end."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + 2

    def left() -> list[str]:  # one that is being started cannot be joined yet, so that joining is not the way
        return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("alicred-") and thread not in before)

    while left() and time.monotonic() < deadline:
        time.sleep(0.002)
    if names := left():
        pytest.fail(f"the test left threads running: {', '.join(names)}", pytrace=False)


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the homes are; numbered here, since pytest looks through all directories there are to number one more."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, homes: Path) -> None:
    """An empty home, and none of the variables that configure the library, the clients or a proxy."""
    home = str(homes / str(next(_NUMBERS)))
    os.mkdir(home)
    monkeypatch.setenv("HOME", home)
    monkeypatch.setenv("USERPROFILE", home)
    for name in list(os.environ):
        if name.startswith((*_OURS, "XDG_")) or name.upper() in _PROXIES:
            monkeypatch.delenv(name)


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses every connection: it is bound, so nobody else can take it, and nobody listens."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield reserved.getsockname()[1]
