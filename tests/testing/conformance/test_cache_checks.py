"""The checks of caches: each finds a broken cache."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

from alicred import CachingProvider, Clock, ConfigurationError, Credential, Provider, RefreshPolicy
from alicred.events import Listener
from alicred.testing.conformance import Scenario, cache_checks, scenarios
from tests.testing.conformance.broken_caches import BROKEN_CACHES
from tests.testing.conformance.support import Bare, Breaks, FirstForEver, Vault, check_named

CHECKS = {name: {check.name: check for check in cache_checks(make, has=has)} for name, (make, has, _) in BROKEN_CACHES.items()}


def fails(name: str, check_name: str) -> bool:
    """Whether the broken cache *name* is found out by the check."""
    check = CHECKS[name].get(check_name)
    try:
        if check is not None:
            check()
    except AssertionError as error:
        assert check.sentence in str(error)  # noqa: PT017  (it may pass)
        return True
    return False


@pytest.mark.parametrize("name", BROKEN_CACHES)
def test_a_broken_cache_is_found_out(name: str) -> None:
    _, _, found_by = BROKEN_CACHES[name]
    assert [check for check in found_by if not fails(name, check)] == []


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_every_scenario_finds_a_broken_cache(scenario: Scenario) -> None:
    assert any(fails(name, scenario.name) for name in BROKEN_CACHES)


def test_what_goes_wrong_is_told_with_the_rule_the_step_and_what_was_seen() -> None:
    with pytest.raises(AssertionError) as caught:
        check_named("nothing_past_its_end", cache_checks(FirstForEver, has=()))()
    assert str(caught.value) == (
        'get() never returns a value past its end. Step 5, {"get": "TransientError"}: the caller got: value 1, expected TransientError'
    )


def test_who_has_get_alone_is_asked_for_nothing_else() -> None:
    names = {check.name for check in cache_checks(Bare, has=())}
    assert "nothing_past_its_end" in names
    assert names.isdisjoint({"closed_is_closed", "invalidate_refreshes_once", "grace_is_announced", "valid_for_refreshes"})
    assert "the_phases_follow_the_schedule" not in names, "nothing is left of it without state()"


def test_an_unknown_feature_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="not aget"):
        cache_checks(CachingProvider, has={"aget"})
    with pytest.raises(ConfigurationError, match="has must be a list of strings"):
        cache_checks(CachingProvider, has="state")


class Clockless:
    def __init__(self, source: Provider[Credential], *, refresh: RefreshPolicy, listener: Listener) -> None:
        """Nothing tells it the time."""


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            Clockless,
            r"make is called as make\(source, refresh=..., clock=..., listener=...\): got an unexpected keyword argument 'clock'; "
            r"give a function or a class that makes a cache and takes these arguments, such as CachingProvider$",
        ),
        (CachingProvider(Vault()), "make must be a function or a class .* a cache, such as CachingProvider, not a CachingProvider$"),
    ],
    ids=["no clock", "instance"],
)
def test_a_factory_that_cannot_make_a_cache_is_refused_when_it_is_given(make: Breaks, text: str) -> None:
    with pytest.raises(ConfigurationError, match=text):
        cache_checks(make)


def test_a_cache_that_cannot_be_made_is_told() -> None:
    def make(source: Provider[Credential], *, refresh: RefreshPolicy, clock: Clock, listener: Listener) -> Provider[Credential]:
        raise ValueError("no cache today")

    with pytest.raises(AssertionError, match=r"never returns a value past its end\. At the beginning: make\(\) raised ValueError"):
        check_named("nothing_past_its_end", cache_checks(make))()


def test_a_cache_that_lacks_what_it_is_said_to_have_is_told() -> None:
    with pytest.raises(AssertionError, match=r"the Bare has no close\(\), get_valid_for\(\), invalidate\(\), state\(\): say in has="):
        check_named("nothing_past_its_end", cache_checks(Bare))()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"steps": [{"dance": "1 s"}]}, "no such step"),
        ({"steps": [], "expected": {"applause": 1}}, "expects no such thing"),
    ],
)
def test_a_scenario_that_is_no_scenario_is_refused(data: dict[str, object], text: str) -> None:
    whole = {"sentence": "A story.", "given": {"source": [{"lasts": "1 h"}]}, "expected": {"calls": 0}, **data}
    with pytest.raises(ConfigurationError, match=text):
        Scenario("story", whole).play(CachingProvider)


def test_the_time_zone_of_the_process_is_put_back() -> None:
    program = """
        import os, time
        from alicred import CachingProvider
        from alicred.testing.conformance import cache_checks

        for before in (None, "JST-9"):
            os.environ.pop("TZ", None) if before is None else os.environ.update(TZ=before)
            time.tzset()
            names = time.tzname
            for check in cache_checks(CachingProvider):
                if "zone" in check.name or "clocks" in check.name:
                    check()
            print(os.environ.get("TZ") == before, time.tzname == names)
    """
    assert run(program) == "True True\nTrue True"


def test_the_kit_needs_no_pytest() -> None:
    program = """
        import sys
        sys.modules["pytest"] = None
        from alicred import CachingProvider, Credential, StaticProvider
        from alicred.testing.conformance import cache_checks, source_checks

        checks = (*cache_checks(CachingProvider), *source_checks(lambda: StaticProvider(Credential("id", "a-longer-secret"))))
        for check in checks:
            check()
        print(len(checks) > 70)
    """
    assert run(program) == "True"


def run(program: str) -> str:
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
