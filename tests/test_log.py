"""The log of an application may be broken: that takes nothing out of service."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from alicred import CachingProvider, ChainProvider, Credential, RefreshMode, RefreshPolicy, StaticProvider, TransientError
from alicred._internal.log import WARNING, is_logged, log
from alicred.clock import SystemClock
from alicred.testing import FakeClock
from tests.support import HOUR, Script

DOWN = TransientError("the service is down")


class Redacting(logging.Filter):
    """A filter with a bug."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0

    def filter(self, record: logging.LogRecord) -> bool:
        self.asked += 1
        raise TypeError("a bug in the redaction")


@pytest.fixture
def broken() -> Iterator[Redacting]:
    logger, redacting, level = logging.getLogger("alicred"), Redacting(), logging.getLogger("alicred").level
    logger.addFilter(redacting)
    logger.setLevel(logging.DEBUG)
    yield redacting
    logger.setLevel(level)
    logger.removeFilter(redacting)


def test_a_line_is_lost_and_nothing_else(broken: Redacting) -> None:
    log(WARNING, "%s is said", "something")
    log(WARNING, "%d is no number", "this")
    assert broken.asked == 2


def test_a_chain_resolves(broken: Redacting) -> None:
    held = Credential("the-id", "the-secret")
    assert ChainProvider(StaticProvider(held)).get() == held
    assert broken.asked


@pytest.mark.parametrize("minutes", [0, 50, 61], ids=["fresh", "aging", "grace"])
def test_a_good_value_is_served(broken: Redacting, minutes: int) -> None:
    clock = FakeClock()
    policy = RefreshPolicy(mode=RefreshMode.INLINE, jitter=0, ahead=timedelta(minutes=15), grace=timedelta(minutes=30))
    cache = CachingProvider(Script(HOUR, DOWN, clock=clock), clock=clock, refresh=policy)
    cache.get()
    clock.advance(timedelta(minutes=minutes))
    assert cache.get().access_key_id == "id-1"
    assert broken.asked


def test_so_is_it_where_a_listener_raises_too(broken: Redacting) -> None:
    def listener(event: object) -> None:
        raise RuntimeError("a bug in the listener")

    assert CachingProvider(Script(HOUR), listener=listener).get().access_key_id == "id-1"
    assert broken.asked


def test_a_clock_learns(broken: Redacting) -> None:
    clock = SystemClock()
    clock.observe(datetime.now(timezone.utc) + timedelta(hours=1))
    assert clock.skew > timedelta(minutes=59)
    assert broken.asked


def test_the_logger_is_found_without_the_lock_of_logging(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Which an interrupt inside `logging.getLogger` leaves held, up to CPython 3.12."""
    logging.getLogger("alicred")
    taken: list[str] = []
    with monkeypatch.context() as context:
        context.setattr(logging, "getLogger", taken.append)
        assert is_logged(logging.ERROR)
        log(logging.WARNING, "%s", "told")
    assert taken == []
    assert "told" in caplog.text


def test_nothing_below_a_warning_loads_logging() -> None:
    """Where no code has loaded it, none has asked for these lines; a warning shows on the standard error stream anyway."""
    program = (
        "import sys\n"
        "from alicred._internal.log import DEBUG, INFO, WARNING, is_logged, log\n"
        "log(INFO, 'unseen'); log(DEBUG, 'unseen')\n"
        "assert not is_logged(INFO) and 'logging' not in sys.modules\n"
        "log(WARNING, 'seen')\n"
        "import logging\n"
        "logging.basicConfig(level=logging.INFO, stream=sys.stderr)\n"
        "assert is_logged(INFO)\n"
        "log(INFO, 'seen too')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == "seen\nINFO:alicred:seen too\n"
