"""How much is explored, and how one schedule is played again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.interleaving.watched import watched


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("interleavings", "exploring what threads may do to one cache")
    group.addoption("--interleavings", type=int, default=0, metavar="N", help="try N schedules of each kind for each program")
    group.addoption("--seed", default="", help="draw other schedules than usual")
    group.addoption("--program", default="", help="only this program")
    group.addoption("--schedule", default="", help="only this schedule of --program, as a failure prints it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    program = config.getoption("--program", default="")
    if program:
        items[:] = [item for item in items if item.name == f"test_explored[{program}]"]
    if config.getoption("--interleavings", default=0):
        for item in items:
            item.add_marker(pytest.mark.timeout(0))  # a longer exploration may take its time


@pytest.fixture(scope="module")
def strands() -> Iterator[None]:
    """The engine with strands for threads."""
    with watched():
        yield
