"""The scenarios of ``tests/scenarios``: the engine's rules as data, readable without Python; docs/conformance.md describes the format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alicred import CachingProvider
from alicred.testing.conformance import Scenario, scenarios

FOLDER = Path(__file__).parent.parent / "scenarios"


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_scenario(scenario: Scenario) -> None:
    scenario.play(CachingProvider)


def test_every_file_is_a_scenario_that_says_what_it_is_about_and_expects_something() -> None:
    files = {path.stem: json.loads(path.read_text("utf-8")) for path in FOLDER.glob("*.json")}
    assert files == {scenario.name: scenario.data for scenario in scenarios()}
    for name, data in files.items():
        assert list(data) == ["rule", "sentence", "given", "steps", "expected"], name
        assert data["sentence"].endswith("."), name
        assert data["expected"], f"{name}: a scenario that expects nothing proves nothing"
    assert len({data["sentence"] for data in files.values()}) == len(files)
