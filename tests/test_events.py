"""What providers say of themselves: to the log always, and to a listener beside it."""

from __future__ import annotations

import pickle
from typing import Any

import attrs
import pytest

from alicred import CachingProvider, ConfigurationError, DeniedError, NotConfiguredError
from alicred.events import (
    ChainResolved,
    Event,
    LoginNotSaved,
    RefreshFailed,
    RefreshStarted,
    RefreshSucceeded,
    SourceSkipped,
    fan_out,
    log_events,
)
from tests.support import Recorder, Script

DENIED = DeniedError("no")


def broken(event: Event) -> None:
    raise KeyError("hunter2")


def test_a_listener_stands_beside_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "alicred")
    heard = Recorder()
    CachingProvider(Script(), name="mine", listener=heard).get()
    assert [type(event) for event in heard.events] == [RefreshStarted, RefreshSucceeded]
    (said,) = caplog.messages
    assert said.startswith("mine: using access key id id-1, valid until ")


def test_fan_out_gives_every_event_to_all(caplog: pytest.LogCaptureFixture) -> None:
    first, second = Recorder(), Recorder()
    CachingProvider(Script(), listener=fan_out(first, broken, second)).get()
    assert first.events == second.events
    assert len(first.events) == 2
    assert [text for text in caplog.messages if text.startswith("a listener raised on RefreshSucceeded")]
    fan_out()(first.events[0])


def test_what_fan_out_makes_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(fan_out(log_events, broken))) == fan_out(log_events, broken)


@pytest.mark.parametrize("wrong", [None, 3, "later"])
def test_fan_out_takes_functions_only(wrong: Any) -> None:
    async def later(event: Event) -> None: ...

    with pytest.raises(ConfigurationError, match=r"fan_out\.listeners"):
        fan_out(log_events, later if wrong == "later" else wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(("error", "level"), [(NotConfiguredError("no file"), "DEBUG"), (DeniedError("no"), "WARNING")])
def test_what_is_not_set_up_is_no_warning(error: Exception, level: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "alicred")
    heard = Recorder()
    with pytest.raises(type(error)):
        CachingProvider(Script(error), listener=heard).get()
    assert len(heard.of(RefreshFailed)) == 1
    (record,) = caplog.records
    assert record.levelname == level


def test_events_are_values() -> None:
    event = SourceSkipped(provider_name="chain", source="env", error=DENIED)
    same = SourceSkipped(provider_name="chain", source="env", error=DENIED)
    assert event == same
    assert len({event, same}) == 1
    assert event != attrs.evolve(event, source="other")
    assert repr(ChainResolved(provider_name="chain", source="env")) == "ChainResolved(provider_name='chain', source='env', changed=True)"


def test_events_of_two_kinds_are_never_equal() -> None:
    resolved = ChainResolved(provider_name="chain", source="env", changed=True)
    unsaved = LoginNotSaved(provider_name="chain", detail="env", tokens=True)
    assert resolved != unsaved
    assert hash(resolved) != hash(unsaved)
