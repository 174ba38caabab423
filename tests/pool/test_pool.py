"""A provider for each key: made once, kept while it is used, and let go in time."""

from __future__ import annotations

import asyncio
import pickle
import random
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from alicred import CachingProvider, ClosedError, ConfigurationError, Credential, NotConfiguredError, ProviderError, RefreshPolicy
from alicred.events import RefreshSucceeded
from alicred.limiting import LimitingProvider
from alicred.policy import Limit
from alicred.pool import PoolState, ProviderPool
from alicred.testing import FakeClock
from tests.forked import in_child
from tests.support import HOUR, SECOND, Gate, Pickled, Recorder, Script, in_threads

MINUTE = timedelta(minutes=1)


class Sources:
    """Makes the sources of a pool, and keeps them."""

    def __init__(self, *steps: object, clock: FakeClock | None = None) -> None:
        self.made: list[str] = []
        self.sources: dict[str, Script] = {}
        self._steps = steps
        self._clock = clock

    def __call__(self, key: str) -> Script:
        self.made.append(key)
        return self.sources.setdefault(key, Script(*self._steps, clock=self._clock))


def pool_of(sources: Sources, clock: FakeClock, *, capacity: int = 3, idle: timedelta = HOUR) -> ProviderPool[str, Credential]:
    return ProviderPool(sources, capacity=capacity, idle=idle, clock=clock)


def held(pool: ProviderPool[str, Credential], *keys: str) -> list[str]:
    """Which of *keys* the pool has a provider for."""
    return [key for key in keys if key in pool._held]


def pickled(key: str) -> Pickled:
    return Pickled()


# --- one for each key ---------------------------------------------------------------------------------------------------------------


def test_each_key_has_a_provider_and_a_value_of_its_own() -> None:
    clock = FakeClock()
    sources = Sources(clock=clock)
    pool = pool_of(sources, clock)
    first, other = pool.get("a"), pool.get("b")
    assert pool.get("a") is first is pool.provider("a").get()
    assert asyncio.run(pool.aget("b")) is other is asyncio.run(pool.provider("b").aget())
    assert sources.made == ["a", "b"]
    assert [source.calls for source in sources.sources.values()] == [1, 1]


def test_a_value_is_refreshed_as_by_any_cache_and_the_listener_is_told() -> None:
    clock, heard = FakeClock(), Recorder()
    sources = Sources(clock=clock)
    pool = ProviderPool(sources, clock=clock, listener=heard, refresh=RefreshPolicy(jitter=0))
    first = pool.get("a")
    clock.advance(2 * HOUR)
    assert pool.get("a") != first
    assert len(heard.of(RefreshSucceeded)) == 2


@pytest.mark.parametrize(
    "ask", [lambda pool: pool.get("a"), lambda pool: pool.provider("a").get(), lambda pool: asyncio.run(pool.aget("a"))]
)
def test_however_many_ask_one_is_made(ask: Callable[[ProviderPool[str, Credential]], Credential]) -> None:
    made: list[str] = []

    def make(key: str) -> Script:
        made.append(key)
        time.sleep(0.05)
        return Script(HOUR)

    pool = ProviderPool(make)
    results = in_threads(30, lambda: ask(pool))
    assert {result.access_key_id for result in results if isinstance(result, Credential)} == {"id-1"}
    assert (len(results), made) == (30, ["a"])


def test_one_that_is_slow_to_make_holds_up_no_other() -> None:
    gate = Gate()

    def make(key: str) -> Script:
        if key == "slow":
            gate()
        return Script(HOUR)

    pool = ProviderPool(make)
    thread = threading.Thread(target=pool.get, args=("slow",))
    thread.start()
    assert gate.entered.wait(20)
    pool.get("a")
    gate.open()
    thread.join()
    assert pool.state().providers == 2


@pytest.mark.parametrize(
    ("raised", "kind", "says"),
    [
        (NotConfiguredError("no such customer. Register it"), NotConfiguredError, "no such customer"),
        (KeyError("customer-secret"), ProviderError, "ProviderPool.make: the source raised KeyError"),
    ],
)
def test_what_make_raises_reaches_who_asks_and_the_next_one_tries_again(raised: Exception, kind: type[Exception], says: str) -> None:
    steps: list[object] = [raised, Script(HOUR)]

    def make(key: str) -> Script:
        step = steps.pop(0)
        if isinstance(step, Exception):
            raise step
        assert isinstance(step, Script)
        return step

    pool = ProviderPool(make)
    with pytest.raises(kind, match=says) as caught:
        pool.get("a")
    assert "secret" not in str(caught.value)
    assert raised in (caught.value, caught.value.__cause__)
    pool.get("a")


def test_a_make_that_asks_for_its_own_key_is_told_so() -> None:
    pool: ProviderPool[str, Credential] = ProviderPool(lambda key: pool.provider(key))
    with pytest.raises(ConfigurationError, match="asks the pool for the key that it is called for"):
        pool.get("a")


def test_a_make_may_ask_for_another_key() -> None:
    base = Script(HOUR)
    pool: ProviderPool[str, Credential] = ProviderPool(lambda key: base if key == "base" else pool.provider("base"))
    assert pool.get("a") is pool.get("base")
    assert base.calls == 1


def test_a_key_that_is_rejected_is_fetched_again_and_no_other() -> None:
    clock = FakeClock()
    sources = Sources(clock=clock)
    pool = pool_of(sources, clock)
    first, other = pool.get("a"), pool.get("b")
    assert not pool.invalidate("a", Credential("another", "secret"))
    assert pool.invalidate("a", first)
    assert not pool.invalidate("c")
    assert pool.get("a") != first
    assert pool.get("b") is other
    assert pool.invalidate("b")


def test_a_key_that_is_dropped_is_made_again() -> None:
    clock = FakeClock()
    sources = Sources(clock=clock)
    pool = pool_of(sources, clock)
    provider = pool.provider("a")
    pool.get("b")
    assert pool.drop("a")
    assert not pool.drop("a")
    provider.get()  # who has it goes on with it
    assert pool.provider("a") is not provider
    assert sources.made == ["a", "b", "a"]
    assert len(pool._by_use) == 2


# --- which go -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ("abcd", "bcd"),
        ("abcad", "acd"),
        ("abcabcad", "acd"),
        ("abcbad", "abd"),
        ("abcdefg", "efg"),
        ("abcccd", "bcd"),
        ("abcdada", "acd"),
    ],
)
def test_beyond_capacity_the_one_goes_that_was_used_longest_ago(asked: str, left: str) -> None:
    clock = FakeClock()
    pool = pool_of(Sources(clock=clock), clock)
    for key in asked:
        clock.advance(SECOND)
        pool.get(key)
    assert "".join(held(pool, *"abcdefg")) == left
    assert len(pool._by_use) == 3


@pytest.mark.parametrize(
    "ask",
    [
        lambda pool: pool.get("a"),
        lambda pool: asyncio.run(pool.aget("a")),
        lambda pool: pool.provider("a"),
        lambda pool: pool.get("a", HOUR),
    ],
)
def test_every_way_to_ask_is_use(ask: Callable[[ProviderPool[str, Credential]], object]) -> None:
    clock = FakeClock()
    pool = pool_of(Sources(clock=clock), clock)
    for key in "abc":
        pool.get(key)
        clock.advance(SECOND)
    ask(pool)
    pool.get("d")
    assert held(pool, *"abcd") == ["a", "c", "d"]


def test_who_is_idle_goes() -> None:
    clock = FakeClock()
    sources = Sources(12 * HOUR, clock=clock)
    pool = pool_of(sources, clock, capacity=100, idle=10 * MINUTE)
    for key in "abc":
        pool.get(key)
    for _ in range(10):
        clock.advance(MINUTE)
        pool.get("a")
    pool.get("d")
    assert held(pool, *"abcd") == ["a", "d"]
    assert pool.state().let_go == 2


def test_who_is_idle_goes_also_if_nothing_new_is_asked_for() -> None:
    clock = FakeClock()
    pool = pool_of(Sources(12 * HOUR, clock=clock), clock, idle=10 * MINUTE)
    pool.get("a")
    pool.get("b")
    for _ in range(12):
        clock.advance(MINUTE)
        pool.get("a")
    assert held(pool, *"ab") == ["a"]


def test_one_with_a_refresh_under_way_never_goes() -> None:
    clock, gate = FakeClock(), Gate()
    sources = Sources(gate, clock=clock)
    pool = pool_of(sources, clock, capacity=1, idle=MINUTE)
    threads = [threading.Thread(target=pool.get, args=(key,)) for key in "abc"]
    for thread in threads:
        thread.start()
        clock.advance(HOUR)
    assert gate.entered.wait(20)
    end = time.monotonic() + 20
    while pool.state().refreshing < 3:
        assert time.monotonic() < end
        time.sleep(0.005)
    assert held(pool, *"abc") == ["a", "b", "c"]
    gate.open()
    for thread in threads:
        thread.join()
    clock.advance(HOUR)
    while pool.state().refreshing:
        time.sleep(0.005)
    pool.get("d")
    assert held(pool, *"abcd") == ["d"]


def test_a_thousand_that_hang_are_not_looked_through_for_each_new_one() -> None:
    limit = Limit(concurrent=1)
    gate = Gate()
    pool = ProviderPool(lambda key: Script(gate), capacity=10, limit=limit, refresh=RefreshPolicy(max_wait=timedelta(0)))

    def ask(key: int) -> None:
        with pytest.raises(TimeoutError):
            pool.get(key)

    try:
        for key in range(1000):
            ask(key)
        assert pool.state().providers == 1000
        began = time.perf_counter()
        for key in range(1000, 1100):
            ask(key)
        assert time.perf_counter() - began < 2
    finally:
        pool.close()
        gate.open()


def test_threads_that_ask_for_many_keys_leave_it_in_order() -> None:
    made: list[int] = []
    pool = ProviderPool(lambda key: Script(HOUR) if made.append(key) is None else Script(), capacity=20, limit=Limit(concurrent=4))
    end = time.monotonic() + 2

    def ask() -> int:
        asked = 0
        while time.monotonic() < end:
            key = min(random.randrange(200), random.randrange(200))
            assert pool.get(key).access_key_id == "id-1"
            asked += 1
            if asked % 50 == 0:
                pool.drop(key)
        return asked

    results = in_threads(8, ask)
    assert [result for result in results if not isinstance(result, int)] == []
    state = pool.state()
    assert state.providers <= 20
    assert state.made == len(made)
    assert sorted(entry[2] for entry in pool._by_use) == sorted(pool._held)
    assert pool._making == {}


def test_in_an_outage_values_that_are_held_are_served_at_once() -> None:
    clock, limit, gate = FakeClock(), Limit(concurrent=3), Gate()
    steps: list[object] = [HOUR, gate]
    pool = ProviderPool(lambda key: Script(*steps, clock=clock), clock=clock, limit=limit, refresh=RefreshPolicy(max_wait=30 * SECOND))
    values = [pool.get(key) for key in range(100)]
    for minutes in (50, 9):  # AGING, URGENT
        clock.advance(minutes * MINUTE)
        began = time.monotonic()
        assert [pool.get(key) for key in range(3, 100)] == values[3:] if minutes == 9 else [pool.get(key) for key in range(100)] == values
        assert time.monotonic() - began < 10
        state = pool.state()
        assert (state.turns, state.waiting, state.failing) == (3, 97, 0)
    gate.open()
    end = time.monotonic() + 20
    while pool.state().refreshing:
        assert time.monotonic() < end
        time.sleep(0.005)
    assert not set(values) & {pool.get(key) for key in range(100)}


# --- what it shows of itself --------------------------------------------------------------------------------------------------------


def test_its_state_counts() -> None:
    clock, limit = FakeClock(), Limit(concurrent=1)
    steps = {"good": HOUR, "bad": NotConfiguredError("nothing here")}
    pool = ProviderPool(lambda key: Script(steps[key], clock=clock), clock=clock, limit=limit)
    pool.get("good")
    with pytest.raises(NotConfiguredError):
        pool.get("bad")
    expected = PoolState(providers=2, holding=1, refreshing=0, failing=1, turns=0, waiting=0, made=2, let_go=0)
    end = time.monotonic() + 20
    while pool.state() != expected:
        assert time.monotonic() < end, pool.state()
        time.sleep(0.005)
    assert repr(pool) == "<ProviderPool of 2 providers>"


def test_with_a_limit_its_providers_take_turns() -> None:
    limit, gate = Limit(concurrent=2), Gate()
    pool = ProviderPool(lambda key: Script(gate), limit=limit)
    assert isinstance(pool.provider(0)._source, LimitingProvider)

    async def ask_all() -> None:
        tasks = [asyncio.create_task(pool.aget(key)) for key in range(50)]
        await asyncio.sleep(0.3)
        state = pool.state()
        assert (state.refreshing, state.turns, state.waiting) == (50, 2, 48)
        assert len([thread for thread in threading.enumerate() if thread.name.startswith("alicred-refresh")]) == 2
        gate.open()
        await asyncio.gather(*tasks)

    asyncio.run(ask_all())


def test_closed_it_forgets_all_values_and_makes_no_more() -> None:
    clock = FakeClock()
    sources = Sources(clock=clock)
    with pool_of(sources, clock) as pool:
        provider = pool.provider("a")
        pool.get("a")
    for ask in (lambda: pool.get("a"), lambda: pool.get("b"), provider.get, lambda: asyncio.run(pool.aget("a"))):
        with pytest.raises(ClosedError):
            ask()
    assert pool.state().providers == 0
    assert sources.made == ["a"]
    pool.close()


def test_closing_waits_for_what_is_under_way_once_for_all() -> None:
    gate = Gate()
    pool = ProviderPool(lambda key: Script(gate), refresh=RefreshPolicy(max_wait=timedelta(milliseconds=200)))
    for key in range(10):
        with pytest.raises(TimeoutError):
            pool.get(key, timedelta(0))
    began = time.monotonic()
    pool.close()
    assert 0.15 < time.monotonic() - began < 1.5
    gate.open()


def test_a_forked_child_goes_on_with_what_was_held_and_makes_its_own() -> None:
    sources = Sources(HOUR)
    pool = ProviderPool(sources, limit=Limit(concurrent=1))
    first = pool.get("a")

    def ask() -> tuple[bool, str, list[str]]:
        return pool.get("a") == first, pool.get("b").access_key_id, sources.made

    assert in_child(ask) == (True, "id-1", ["a", "b"])
    assert sources.made == ["a"]


def test_a_child_that_is_forked_while_a_provider_is_made_makes_it_itself() -> None:
    gate = Gate()
    blocks = [True]

    def make(key: str) -> Script:
        if blocks[0]:
            gate()
        return Script(HOUR)

    pool = ProviderPool(make)
    thread = threading.Thread(target=pool.get, args=("a",))
    thread.start()
    assert gate.entered.wait(20)

    def ask() -> str:
        blocks[0] = False
        return pool.get("a").access_key_id

    assert in_child(ask) == "id-1"
    gate.open()
    thread.join()


def test_it_can_be_pickled_and_takes_no_value_along() -> None:
    pool = ProviderPool(pickled, capacity=7, idle=MINUTE, limit=Limit(concurrent=3))
    pool.get("a")
    copy = pickle.loads(pickle.dumps(pool))
    assert copy.state().providers == 0
    assert copy.get("a") == pool.get("a")
    assert (copy._capacity, copy._idle, copy._limit.concurrent) == (7, MINUTE, 3)
    assert b"secret-1" not in pickle.dumps(pool)


def test_a_provider_of_it_can_be_pickled_as_any_other() -> None:
    provider = ProviderPool(pickled).provider("a")
    copy = pickle.loads(pickle.dumps(provider))
    assert type(copy) is CachingProvider
    assert copy.get() == provider.get()


@pytest.mark.parametrize(
    ("parameter", "value", "says"),
    [
        ("make", "a", "ProviderPool.make must be a function, not str"),
        ("capacity", 0, "ProviderPool.capacity must be a whole number of 1 or more, not 0"),
        ("idle", timedelta(0), "ProviderPool.idle must be a datetime.timedelta above zero"),
        ("refresh", None, "ProviderPool.refresh must be a RefreshPolicy, not None"),
        ("limit", 100, "ProviderPool.limit must be a Limit or None, not int"),
        ("clock", 1, "ProviderPool.clock must be a Clock"),
        ("listener", 1, "ProviderPool.listener must be None or a function"),
    ],
)
def test_what_it_refuses(parameter: str, value: object, says: str) -> None:
    arguments: dict[str, object] = {"make": pickled, parameter: value}
    with pytest.raises(ConfigurationError, match=says):
        ProviderPool(arguments.pop("make"), **arguments)  # type: ignore[arg-type]


def test_what_make_returns_must_be_a_provider() -> None:
    pool = ProviderPool(lambda key: Credential("id", "secret"))  # type: ignore[arg-type, return-value]
    with pytest.raises(ConfigurationError, match=r"what ProviderPool.make returns must be a provider.*StaticProvider"):
        pool.get("a")
