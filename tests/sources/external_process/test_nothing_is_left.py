"""No program, child, zombie or open file is left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import pytest

from alicred.errors import AlicredError, MalformedResponseError, ProviderError, TransientError
from tests.sources.external_process.support import (
    AK,
    BEHAVIOURS,
    NOTE,
    SECOND,
    all_end,
    assert_reaped,
    failure,
    noted,
    parent,
    provider,
    python,
)
from tests.support import wait_until


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
@pytest.mark.parametrize("then", ["time.sleep(60)", "signal.signal(15, signal.SIG_IGN); os.close(1); os.close(2); time.sleep(60)"])
def test_at_the_time_out_the_program_and_its_children_end(behaviour: str, then: str, notes: Path) -> None:
    began = time.monotonic()
    error = failure(provider(parent(behaviour, then, notes), timeout=SECOND), TransientError)
    assert time.monotonic() - began < 20
    assert f"the program {sys.executable} did not end within 1 s, and was ended with all processes of its group" in str(error)
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
