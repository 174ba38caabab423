"""The scenarios of ``tests/scenarios``: the engine's rules as data, readable without Python; docs/conformance.md describes the format."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alicred import CachingProvider, Clock, Credential, Provider, RefreshPolicy
from alicred.events import Listener
from alicred.testing.conformance import Scenario, scenarios

FOLDER = Path(__file__).parent.parent / "scenarios"


SHARING = [Scenario(path.stem, json.loads(path.read_text("utf-8"))) for path in sorted((FOLDER / "sharing").glob("*.json"))]
"""Rules of sources that share their values with other workers, which no cache of a user's own has to know."""


class WithoutSharing(CachingProvider[Credential]):
    """Asks such a source as it asks any other."""

    def __init__(self, source: Provider[Credential], *, refresh: RefreshPolicy, clock: Clock, listener: Listener) -> None:
        super().__init__(SimpleNamespace(name=source.name, get=source.get), refresh=refresh, clock=clock, listener=listener)

    def _defer(self, flight: Any, deferral: Any) -> Any:
        return self._fail(flight, deferral, self._now())


@pytest.mark.parametrize("scenario", SHARING, ids=lambda scenario: scenario.name)
def test_scenario_of_sharing(scenario: Scenario) -> None:
    scenario.play(CachingProvider)
    with pytest.raises(AssertionError):
        scenario.play(WithoutSharing)


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_scenario(scenario: Scenario) -> None:
    scenario.play(CachingProvider)


def test_every_file_is_a_scenario_that_says_what_it_is_about_and_expects_something() -> None:
    files = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
    assert files == {scenario.name: scenario.data for scenario in scenarios()}
    files |= {scenario.name: dict(scenario.data) for scenario in SHARING}
    for name, data in files.items():
        assert list(data) == ["rule", "sentence", "given", "steps", "expected"], name
        assert data["sentence"].endswith("."), name
        assert data["expected"], f"{name}: a scenario that expects nothing proves nothing"
    assert len({data["sentence"] for data in files.values()}) == len(files)
