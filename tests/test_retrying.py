"""Retries."""

from __future__ import annotations

import pickle
import sys
from datetime import timedelta

import pytest

from alicred import (
    AlicredError,
    Backoff,
    ConfigurationError,
    Credential,
    DeniedError,
    MalformedResponseError,
    NotConfiguredError,
    ProviderError,
    RetryingProvider,
    RetryPolicy,
    TransientError,
)
from alicred.events import Event, RetryScheduled
from alicred.testing import FakeClock
from tests.support import HOUR, SECOND, Pickled, Recorder, Script

DOWN = TransientError("down")
STEADY = RetryPolicy(backoff=Backoff(initial=SECOND, jitter=0))


def test_a_failure_that_may_pass_is_tried_again_after_a_pause() -> None:
    clock, heard = FakeClock(), Recorder()
    source = Script(DOWN, DOWN, HOUR)
    assert RetryingProvider(source, retry=STEADY, clock=clock, listener=heard).get().access_key_id == "id-3"
    assert clock.sleeps == (SECOND, 2 * SECOND)
    assert heard.events == [
        RetryScheduled(provider_name="script", error=DOWN, failures=1, delay=SECOND),
        RetryScheduled(provider_name="script", error=DOWN, failures=2, delay=2 * SECOND),
    ]


def test_the_last_attempts_error_is_raised_as_it_is() -> None:
    last = TransientError("still down")
    source = Script(DOWN, DOWN, last)
    with pytest.raises(TransientError) as caught:
        RetryingProvider(source, retry=STEADY, clock=FakeClock()).get()
    assert caught.value is last
    assert caught.value.__cause__ is None
    assert source.calls == 3


@pytest.mark.parametrize("error", [DeniedError("no"), NotConfiguredError("no"), ConfigurationError("no"), ProviderError("no")])
def test_what_will_not_pass_is_not_tried_again(error: AlicredError) -> None:
    source = Script(error)
    with pytest.raises(type(error)):
        RetryingProvider(source, clock=FakeClock()).get()
    assert source.calls == 1


def test_the_pause_that_the_service_asks_for_is_kept() -> None:
    clock = FakeClock()
    RetryingProvider(Script(TransientError("slow down", retry_after=7 * SECOND), HOUR), retry=STEADY, clock=clock).get()
    assert clock.sleeps == (7 * SECOND,)


def test_the_budget_counts_what_the_attempts_take() -> None:
    clock = FakeClock()

    def slow() -> object:
        clock.advance(8 * SECOND)
        return DOWN

    source = Script(slow)
    with pytest.raises(TransientError):
        RetryingProvider(source, retry=RetryPolicy(attempts=10, backoff=STEADY.backoff, budget=20 * SECOND), clock=clock).get()
    assert source.calls == 3


def test_a_foreign_exception_is_wrapped_and_not_tried_again() -> None:
    cause = KeyError("hunter2")
    source = Script(cause)
    with pytest.raises(ProviderError) as caught:
        RetryingProvider(source, clock=FakeClock()).get()
    assert caught.value.__cause__ is cause
    assert "KeyError" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert source.calls == 1


def test_a_foreign_exception_that_is_tried_again_is_told_with_its_source() -> None:
    heard = Recorder()
    policy = RetryPolicy(backoff=STEADY.backoff, retryable=lambda error: True)
    RetryingProvider(Script(KeyError("hunter2"), HOUR), retry=policy, clock=FakeClock(), listener=heard).get()
    [event] = heard.of(RetryScheduled)
    assert event.error.provider == "script"


class Odd(Pickled):
    name = "odd"

    def get(self) -> Credential:
        return "a token"  # type: ignore[return-value]  # that is the point


def test_what_is_no_value_is_a_failure_of_its_source() -> None:
    with pytest.raises(MalformedResponseError) as caught:
        RetryingProvider(Odd(), clock=FakeClock()).get()
    assert caught.value.provider == "odd"


def test_an_interrupt_passes_through() -> None:
    source = Script(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        RetryingProvider(source).get()
    assert source.calls == 1


HEARD: list[Event] = []


def hear(event: Event) -> None:
    HEARD.append(event)


class Flaky(Pickled):
    """Fails at its first call."""

    calls = 0

    def get(self) -> Credential:
        self.calls += 1
        if self.calls == 1:
            raise DOWN
        return super().get()


def test_it_can_be_pickled_and_shown() -> None:
    HEARD.clear()
    provider = RetryingProvider(Flaky(), retry=RetryPolicy(attempts=7, budget=HOUR), clock=FakeClock(), listener=hear)
    twin = pickle.loads(pickle.dumps(provider))
    assert twin.get() == provider.get()
    assert (twin.name, repr(twin)) == ("pickled", "<RetryingProvider of pickled>")
    assert [type(event) for event in HEARD] == [RetryScheduled] * 2
    assert isinstance(twin.__reduce__()[0].keywords["clock"], FakeClock)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"source": None}, r"^RetryingProvider\.source must be a provider"),
        ({"source": Pickled}, r"^RetryingProvider\.source must be a provider"),
        ({"retry": None}, r"^RetryingProvider\.retry must be a RetryPolicy"),
        ({"clock": 3}, r"^RetryingProvider\.clock must be a Clock"),
        ({"listener": "print"}, r"^RetryingProvider\.listener must be None or a function"),
    ],
)
def test_what_is_of_the_wrong_type_is_refused(arguments: dict[str, object], text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        RetryingProvider(**{"source": Pickled(), **arguments})  # type: ignore[arg-type]  # that is the point


class OddBackoff(Backoff):
    """One whose pause is *answer*."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        object.__setattr__(self, "answer", answer)

    def delay(self, failures: int, u: float) -> timedelta:
        answer: timedelta = self.answer  # type: ignore[attr-defined]  # set above, past the frozen class
        return answer


@pytest.mark.parametrize(
    ("policy", "blamed"),
    [
        (RetryPolicy(retryable=lambda error: 1 / 0 > 1), "raised ZeroDivisionError"),
        (RetryPolicy(retryable=lambda error: sys.exit(1)), "raised SystemExit"),
        (RetryPolicy(backoff=OddBackoff(float("nan"))), "raised TypeError"),
        (RetryPolicy(backoff=OddBackoff(timedelta(seconds=-1))), "returned datetime.timedelta"),
    ],
)
def test_a_policy_that_cannot_be_asked_is_blamed_and_the_usual_one_used(policy: RetryPolicy, blamed: str) -> None:
    source = Script(DOWN)
    with pytest.raises(TransientError, match=rf"RetryPolicy\.next_delay\(\) {blamed}"):
        RetryingProvider(source, retry=policy, clock=FakeClock()).get()
    assert source.calls == RetryPolicy().attempts


# --- its name, and what travels -----------------------------------------------------------------------------------------------------


def test_a_name_that_is_given_goes_before_that_of_the_value() -> None:
    provider = RetryingProvider(Pickled(), name="mine", retry=RetryPolicy(attempts=7))
    for each in (provider, pickle.loads(pickle.dumps(provider))):
        assert each.name == "mine"
        assert each.get().provider_name == "mine"
        assert each._retry == RetryPolicy(attempts=7)
    assert RetryingProvider(Pickled()).name == "pickled"
    with pytest.raises(ConfigurationError, match=r"^RetryingProvider\.name must"):
        RetryingProvider(Pickled(), name=3)  # type: ignore[arg-type]
