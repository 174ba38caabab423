"""The scenarios of ``tests/scenarios``: the engine's rules as data, readable without Python."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

import alicred
from alicred import AlicredError, Backoff, CachingProvider, Credential, OnDenied, RefreshMode, RefreshPolicy
from alicred.testing import FakeClock
from tests.support import Recorder, Script

SCENARIOS = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((Path(__file__).parent.parent / "scenarios").glob("*.json"))}
UNITS = {"s": "seconds", "min": "minutes", "h": "hours"}


def span(text: str) -> timedelta:
    """``"1.5 h"`` and the like."""
    number, unit = text.split()
    return timedelta(**{UNITS[unit]: float(number)})


def policy(given: Mapping[str, object]) -> RefreshPolicy:
    settings: dict[str, object] = dict(given)
    for name in ("ahead", "margin", "grace", "max_age", "max_wait"):
        if name in settings:
            settings[name] = span(str(settings[name]))
    backoff = settings["failure_backoff"]
    assert isinstance(backoff, dict)
    settings["failure_backoff"] = Backoff(
        initial=span(backoff["initial"]), maximum=span(backoff["maximum"]), jitter=backoff["jitter"]
    )
    settings["mode"] = RefreshMode[str(settings["mode"])]
    if "on_denied" in settings:
        settings["on_denied"] = OnDenied[str(settings["on_denied"])]
    return RefreshPolicy(**settings)  # type: ignore[arg-type]  # the scenario says what is in it


def source_step(step: Mapping[str, str | None]) -> object:
    if "lasts" in step:
        return None if step["lasts"] is None else span(step["lasts"])
    name = str(step["fails"])
    return RuntimeError("boom") if name == "RuntimeError" else getattr(alicred, name)(f"{name}, as the scenario says")


class Stage:
    """Plays the steps of one scenario."""

    def __init__(self, given: Mapping[str, object]) -> None:
        self.clock = FakeClock()
        self.heard = Recorder()
        steps = given["source"]
        assert isinstance(steps, list)
        self.source = Script(*map(source_step, steps), clock=self.clock)
        settings = given["policy"]
        assert isinstance(settings, dict)
        self.cache: CachingProvider[Credential] = CachingProvider(
            self.source, refresh=policy(settings), clock=self.clock, listener=self.heard
        )
        self.values: dict[str, Credential] = {}

    def outcome(self, ask: object) -> str:
        assert callable(ask)
        try:
            value = ask()
        except AlicredError as error:
            return type(error).__name__
        name = value.access_key_id.replace("id-", "value ")
        self.values[name] = value
        return str(name)

    def play(self, step: Mapping[str, object]) -> None:
        if "get" in step:
            assert self.outcome(self.cache.get) == step["get"]
        elif "get valid for" in step:
            needed = span(str(step["get valid for"]))
            assert self.outcome(lambda: self.cache.get_valid_for(needed)) == step["expect"]
        elif "wait" in step:
            self.clock.advance(span(str(step["wait"])))
        elif "step the wall clock" in step:
            self.clock.step_wall(span(str(step["step the wall clock"])))
        elif "pause the machine" in step:
            self.clock.pause(span(str(step["pause the machine"])))
        elif "invalidate" in step:
            rejected = None if step["invalidate"] is None else self.values[str(step["invalidate"])]
            assert self.cache.invalidate(rejected) is step["changes"]
        elif "close" in step:
            self.cache.close()
        else:
            raise AssertionError(f"a scenario has no such step: {step}")

    def check(self, expected: Mapping[str, object]) -> None:
        state = self.cache.state()
        events = Counter(type(event).__name__ for event in self.heard.events)
        seen = {"calls": self.source.calls, "phase": state.phase.name, "consecutive_failures": state.consecutive_failures}
        for name, value in expected.items():
            if name == "events":
                assert isinstance(value, dict)
                assert {kind: events[kind] for kind in value} == value
            else:
                assert (name, seen[name]) == (name, value)


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(name: str) -> None:
    scenario = SCENARIOS[name]
    stage = Stage(scenario["given"])
    for number, step in enumerate(scenario["steps"]):
        try:
            stage.play(step)
        except AssertionError as error:
            raise AssertionError(f"{scenario['sentence']} Step {number}, {step}: {error}") from error
    stage.check(scenario["expected"])
    assert scenario["expected"], "a scenario that expects nothing proves nothing"
