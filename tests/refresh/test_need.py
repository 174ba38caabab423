"""What a cache says to a source that shares its values, and what becomes of the answer on its way through chains and retries."""

from __future__ import annotations

import asyncio
import pickle
from datetime import timedelta
from types import SimpleNamespace

import pytest

from alicred import (
    AlicredError,
    CachingProvider,
    ChainPolicy,
    ChainProvider,
    Credential,
    MalformedResponseError,
    NotConfiguredError,
    OnError,
    Provider,
    ProviderError,
    RefreshMode,
    RefreshPolicy,
    RetryingProvider,
    RetryPolicy,
)
from alicred.events import RefreshDeferred, RefreshFailed, RefreshStarted
from alicred.refresh.need import Answer, Deferred, Need, ask_for
from alicred.testing import FakeClock
from tests.support import HOUR, SECOND, Recorder, Script

MINUTE = timedelta(minutes=1)
INLINE = RefreshPolicy(mode=RefreshMode.INLINE, jitter=0)
ALWAYS = RetryPolicy(attempts=5, retryable=lambda error: True)


class Shared:
    """A source that answers a need: with what stands in *answers*, the last one forever."""

    name = "shared"

    def __init__(self, *answers: Answer[Credential] | BaseException) -> None:
        self.needs: list[Need] = []
        self._answers = answers

    def get(self) -> Credential:
        raise AssertionError("it was to be asked for a need")

    def _get_for(self, need: Need) -> Answer[Credential]:
        self.needs.append(need)
        answer = self._answers[min(len(self.needs), len(self._answers)) - 1]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def deferred(seconds: float = 5) -> Deferred:
    return Deferred("another worker is at it. Ask again later", until=seconds * SECOND, reason="LED_ELSEWHERE")


def adopted(clock: FakeClock) -> Answer[Credential]:
    return Answer(value=Credential("id", "secret", expires_at=clock.utcnow() + HOUR / 2), lifetime=HOUR, age=HOUR / 2)


def around(source: Provider[Credential], clock: FakeClock) -> Provider[Credential]:
    """Every decorator that hands a need through."""
    absent = Script(NotConfiguredError("not here"))
    chain = ChainPolicy(on_error=OnError.CONTINUE)
    return RetryingProvider(ChainProvider(absent, source, Script(HOUR), name="outer", chain=chain), retry=ALWAYS, clock=clock)


def test_a_need_and_its_answer_go_through_chain_and_retries() -> None:
    clock = FakeClock()
    source = Shared(adopted(clock))
    need = Need(span=MINUTE, usable=True, until_urgent=HOUR)
    answer = ask_for(around(source, clock), need)
    assert source.needs == [need]
    assert (answer.lifetime, answer.age) == (HOUR, HOUR / 2)
    assert answer.value.provider_name == "outer"


def test_no_one_tries_a_deferral_again_or_goes_on_to_another_source() -> None:
    clock = FakeClock()
    source = Shared(deferred())
    provider = around(source, clock)
    for _ in range(2):
        with pytest.raises(Deferred):
            provider.get()
    assert len(source.needs) == 2
    assert clock.monotonic() == FakeClock().monotonic(), "nobody has slept"


def test_the_cache_says_what_it_needs() -> None:
    clock = FakeClock()
    source = Shared(adopted(clock))
    cache = CachingProvider(source, refresh=INLINE, clock=clock)
    cache.get()
    clock.advance(16 * MINUTE)  # AGING; 14 minutes are left, of which callers wait in the last one
    cache.get()
    cache.refresh()
    clock.advance(2 * SECOND)  # it brought the same again
    with pytest.raises(ProviderError):
        cache.get_valid_for(HOUR)
    assert source.needs == [
        Need(),
        Need(usable=True, until_urgent=13 * MINUTE),
        Need(),  # an operator wants a new one
        Need(span=HOUR),
    ]


def test_a_deferral_changes_nothing_and_is_announced() -> None:
    clock, heard = FakeClock(), Recorder()
    source = Shared(adopted(clock), deferred())
    cache = CachingProvider(source, refresh=INLINE, clock=clock, listener=heard)
    held = cache.get()
    clock.advance(20 * MINUTE)
    before = cache.state()
    assert cache.get() is held
    assert cache.state().next_attempt_at == clock.utcnow() + 5 * SECOND
    for name in ("attempts", "refreshes", "consecutive_failures", "last_error", "fetched_at", "refresh_due_at"):
        assert getattr(cache.state(), name) == getattr(before, name), name
    assert [type(event) for event in heard.events[2:]] == [RefreshStarted, RefreshDeferred]
    assert heard.of(RefreshDeferred) == [
        RefreshDeferred(provider_name="shared", reason="LED_ELSEWHERE", next_attempt_at=clock.utcnow() + 5 * SECOND)
    ]


def test_who_holds_nothing_gets_the_deferral_with_the_next_attempt() -> None:
    clock, heard = FakeClock(), Recorder()
    cache = CachingProvider(Shared(deferred()), refresh=INLINE, clock=clock, listener=heard)
    with pytest.raises(Deferred):
        cache.get()
    clock.advance(2 * SECOND)
    with pytest.raises(Deferred) as caught:
        cache.get()
    assert str(caught.value) == "shared: another worker is at it. Ask again later (next attempt in 3.0 s) [Deferred]"
    assert caught.value.until == 5 * SECOND
    assert caught.value.retryable
    assert heard.of(RefreshFailed) == []
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (str(copy), copy.until, copy.reason) == (str(caught.value), caught.value.until, "LED_ELSEWHERE")


def test_a_task_and_a_waiting_thread_get_it_too() -> None:
    cache = CachingProvider(Shared(deferred()))
    with pytest.raises(Deferred):
        asyncio.run(cache.aget())
    with pytest.raises(Deferred):
        cache.get()


def test_a_caller_who_waits_in_urgent_gets_what_is_held() -> None:
    clock = FakeClock()
    source = Shared(adopted(clock), deferred())
    cache = CachingProvider(source, refresh=INLINE, clock=clock)
    held = cache.get()
    clock.advance(29.5 * MINUTE)
    assert cache.state().phase.name == "URGENT"
    assert cache.get() is held
    clock.advance(MINUTE)
    with pytest.raises(Deferred):
        cache.get()


@pytest.mark.parametrize("answer", [None, Answer(value="no credential")])
def test_what_is_no_answer_is_an_error_of_ours(answer: object) -> None:
    source = Shared(answer)  # type: ignore[arg-type]
    with pytest.raises(AlicredError) as caught:
        ask_for(source, Need())
    assert type(caught.value) is (ProviderError if answer is None else MalformedResponseError)


def test_a_chain_that_stays_with_a_source_hands_the_need_on_as_well() -> None:
    source = Shared(adopted(FakeClock()))
    chain = ChainProvider(source)
    for span in (MINUTE, HOUR):
        ask_for(chain, Need(span=span))
    assert [need.span for need in source.needs] == [MINUTE, HOUR]
    chain.get()
    RetryingProvider(source).get()
    assert source.needs[2:] == [Need(), Need()]


def test_retries_say_of_themselves_what_their_source_says() -> None:
    role = SimpleNamespace(name="role", get=lambda: None, identity=lambda: {"role": "a"})
    assert RetryingProvider(role).identity() == {"role": "a"}
    assert RetryingProvider(Shared()).identity() is None
