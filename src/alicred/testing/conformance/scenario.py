"""The rules of a cache as data. The format is described in docs/conformance.md."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import cast

import attrs

from alicred._internal.public import public
from alicred.testing.conformance.scenario_runner import Json, MakeCache, ScenarioRunner, part, set_time_zone

FEATURES = frozenset({"get_valid_for", "invalidate", "close", "state", "listener"})
"""What a cache may have beside ``name`` and ``get()``."""


@public("alicred.testing.conformance")
@attrs.frozen
class Scenario:
    """One rule as a story: what is given, what happens step by step, and what is expected.

    Args:
        name: The name of its file.
        data: What stands in the file.
    """

    name: str
    data: Json = attrs.field(repr=False, hash=False)

    @property
    def sentence(self) -> str:
        """The rule in words."""
        return str(self.data["sentence"])

    @property
    def needs(self) -> frozenset[str]:
        """Which of a cache's features beside ``get()`` the story uses; ``state`` only where it is about nothing else."""
        used: set[str] = set()
        for step in (*_steps(self.data), *_meanwhile(self.data)):
            used |= {name for name in FEATURES if name.replace("_", " ") in step}
        if any("events" in part for part in (part(self.data, "expected"), *_checks(self.data))):
            used.add("listener")
        if sum("get" in step for step in _steps(self.data)) == 1 and any("phase" in part for part in _checks(self.data)):
            used.add("state")
        return frozenset(used)

    def play(self, make: MakeCache, *, has: Collection[str] = FEATURES) -> None:
        """Tell the story to a cache that *make* makes.

        Args:
            make: Makes the cache.
            has: Which of the `FEATURES` it has.

        Raises:
            AssertionError: Something went otherwise; the text says at which step, and what.
        """
        with _own_time_zone():
            with _telling(f"{self.sentence} At the beginning"):
                runner = ScenarioRunner(self.data, make, has)
            for number, step in enumerate(_steps(self.data), 1):
                with _telling(f"{self.sentence} Step {number}, {json.dumps(step)}"):
                    runner.play(step)
            with _telling(f"{self.sentence} In the end"):
                runner.check(part(self.data, "expected"))


@public("alicred.testing.conformance")
def scenarios() -> tuple[Scenario, ...]:
    """Every scenario that ships, in the order of their names."""
    folder = files("alicred.testing") / "scenarios"
    found = {path.name.removesuffix(".json"): path.read_text("utf-8") for path in folder.iterdir() if path.name.endswith(".json")}
    return tuple(Scenario(name, cast("Json", json.loads(text))) for name, text in sorted(found.items()))


def _steps(data: Json) -> list[Json]:
    return cast("list[Json]", data["steps"])


def _checks(data: Json) -> Iterator[Json]:
    return (part(step, "check") for step in _steps(data))


def _meanwhile(data: Json) -> Iterator[Json]:
    answers = cast("list[Json]", part(data, "given")["source"])
    return (part(answer, "meanwhile") for answer in answers)


@contextmanager
def _telling(where: str) -> Generator[None, None, None]:
    try:
        yield
    except AssertionError as error:
        raise AssertionError(f"{where}: {error}") from error


@contextmanager
def _own_time_zone() -> Generator[None, None, None]:
    before = os.environ.get("TZ")
    try:
        yield
    finally:
        if os.environ.get("TZ") != before:
            set_time_zone(before)
