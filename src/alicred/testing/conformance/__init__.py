"""Checks for your own providers and stores: does this cache keep the rules, is this source a provider as alicred defines it?

`cache_checks`, `source_checks` and `store_checks` answer with named checks. With pytest::

    @pytest.mark.parametrize("check", source_checks(VaultProvider), ids=str)
    def test_the_vault_is_a_provider(check: Check) -> None:
        check()

Without pytest, call one after the other: a check that fails raises `AssertionError` with a text that says what went wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from functools import partial

import attrs

from alicred import SYSTEM_CLOCK, Clock, ConfigurationError, Provider
from alicred._internal import checks as check
from alicred.credential import C
from alicred.sharing.store import CredentialStore
from alicred.testing.conformance.arguments import cache_factory, source_factories, source_factory, store_factory, strings
from alicred.testing.conformance.scenario import FEATURES, Scenario, scenarios
from alicred.testing.conformance.scenario_runner import MakeCache
from alicred.testing.conformance.source_checks import SourceUnderTest
from alicred.testing.conformance.store_checks import StoreUnderTest

__all__ = ["FEATURES", "Check", "MakeCache", "Scenario", "cache_checks", "scenarios", "source_checks", "store_checks"]


@attrs.frozen
class Check:
    """One rule for a provider or a store. Call it: it returns, or raises `AssertionError`. ``str()`` is its name.

    Args:
        name: Identifies it, for a test's id.
        sentence: What is asked, in words.
        run: Does it.
    """

    name: str
    sentence: str
    run: Callable[[], None] = attrs.field(repr=False)

    def __call__(self) -> None:
        """Run it.

        Raises:
            AssertionError: What is asked is not so; the text says what was seen instead.
        """
        self.run()

    def __str__(self) -> str:
        return self.name


def cache_checks(make: MakeCache, *, has: Collection[str] = FEATURES) -> tuple[Check, ...]:
    """One check for each scenario that a cache with these features can play.

    Args:
        make: Makes a cache around a source: called as ``make(source, refresh=..., clock=..., listener=...)``. The policy is always
            ``INLINE`` and the clock a `FakeClock`; the cache must respect both.
        has: Which of the `FEATURES` the cache has beside ``name`` and ``get()``. Scenarios that need others are left out; without
            ``state`` only what callers see is compared.

    Raises:
        ConfigurationError: *make* cannot be called like that, or *has* names an unknown feature.
    """
    cache_factory("make", make)
    features = frozenset(strings("has", has))
    unknown = sorted(features - FEATURES)
    if unknown:
        raise ConfigurationError(f"has must name some of {', '.join(sorted(FEATURES))}, not {', '.join(unknown)}")
    played = [scenario for scenario in scenarios() if scenario.needs <= features]
    return tuple(Check(scenario.name, scenario.sentence, partial(scenario.play, make, has=features)) for scenario in played)


def source_checks(
    make: Callable[[], Provider[C]],
    *,
    failing: Iterable[Callable[[], Provider[C]]] = (),
    secrets: Iterable[str] = (),
    secrets_of: Callable[[C], Iterable[str]] | None = None,
    clock: Clock = SYSTEM_CLOCK,
    patience: timedelta = timedelta(seconds=30),
) -> tuple[Check, ...]:
    """The checks of a source.

    Args:
        make: Makes a source that can deliver. Called once for each check.
        failing: Each makes a source that cannot deliver: wrong settings, a service that is down, that denies, that answers nonsense.
        secrets: The secrets that the sources were given: passwords, keys, tokens; each of eight characters or more.
        secrets_of: The secrets within a value. Not needed for a `Credential` or a `BearerToken`; of other values it is by
            default every text attribute with ``secret``, ``token``, ``password`` or ``key`` in its name.
        clock: The source's clock: the `FakeClock` of its `FakeCloud`, for example. The check ``cached`` moves a `FakeClock` on by
            two session lives. Of any other clock only the monotonic reading can be moved, and not for the source: one that keeps its
            first value forever is noticed with a `FakeClock` only.
        patience: Longest time that one thread or one child may take, in real time; above zero, a day at most.

    Raises:
        ConfigurationError: An argument cannot be used; the text names it and says what to give.
    """
    check.clock("clock", clock)
    source = SourceUnderTest(
        source_factory("make", make),
        source_factories("failing", failing),
        strings("secrets", secrets),
        None if secrets_of is None else check.function("secrets_of", secrets_of),
        clock,
        check.span("patience", patience).total_seconds(),
    )
    return tuple(Check(name, sentence, run) for name, sentence, run in source.checks())


def store_checks(
    make: Callable[[], CredentialStore], *, clock: Clock = SYSTEM_CLOCK, patience: timedelta = timedelta(seconds=30)
) -> tuple[Check, ...]:
    """The checks of a store in which workers share credentials. They use entries of their own, so it need not be empty.

    Args:
        make: Makes a store. Called once for each check.
        clock: The store's clock. A `FakeClock` is moved on by the checks; of any other the checks wait for fractions of a second.
        patience: Longest time that one thread or one child may take, in real time; above zero, a day at most.

    Raises:
        ConfigurationError: An argument cannot be used; the text names it and says what to give.
    """
    check.clock("clock", clock)
    store = StoreUnderTest(store_factory("make", make), clock, check.span("patience", patience).total_seconds())
    return tuple(Check(name, sentence, run) for name, sentence, run in store.checks())
