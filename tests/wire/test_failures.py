from __future__ import annotations

import socket
import ssl

import pytest

from alicred.errors import ProviderError
from alicred.wire.failures import connect_failure
from alicred.wire.operation import Operation
from alicred.wire.trust import Trust


def caused(outer: BaseException, cause: BaseException) -> BaseException:
    outer.__cause__ = cause
    return outer


@pytest.mark.parametrize(
    ("error", "code", "retryable", "words"),
    [
        (ConnectionResetError("planted"), "ConnectionBroken", True, "broke"),
        (ssl.SSLEOFError(8, "planted"), "ConnectionBroken", True, "broke"),
        (ssl.SSLZeroReturnError(6, "planted"), "ConnectionBroken", True, "broke"),
        (ssl.SSLError(1, "planted"), "TlsFailed", False, "no reason given"),
        (OSError(101, "planted"), "Unreachable", True, "Network is unreachable"),
        (OSError("planted"), "Unreachable", True, "did not say why"),
        (caused(OSError("planted"), socket.gaierror(-2, "planted")), "Unreachable", True, "name of the host"),
        (caused(OSError("planted"), OSError(113, "planted")), "Unreachable", True, "No route to host"),
        (TimeoutError("planted"), "Unreachable", True, "time-out"),
    ],
)
def test_table_of_failures_before_a_connection_stands(error: BaseException, code: str, retryable: bool, words: str) -> None:
    found = connect_failure(error, operation=Operation("GET http://h/"), proxy=None, trust=Trust(None))
    assert isinstance(found, ProviderError)
    assert (found.code, found.retryable) == (code, retryable)
    assert words in str(found)
    assert "planted" not in str(found)


def test_a_circle_of_causes_ends() -> None:
    first, second = OSError("planted"), OSError("planted")
    first.__cause__, second.__cause__ = second, first
    assert connect_failure(first, operation=Operation("GET http://h/"), proxy=None, trust=Trust(None)).code == "Unreachable"
