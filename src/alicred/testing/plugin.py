"""The pytest plugin: fixtures for the fake clock and the fake cloud. pytest loads it by itself wherever alicred is installed.

It is imported in every such run, so it imports nothing but pytest itself before a fixture is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from alicred.testing.clock import FakeClock
    from alicred.testing.cloud.fake_cloud import FakeCloud


@pytest.fixture
def alicred_clock() -> FakeClock:
    """A clock that moves only when the test says so; see `alicred.testing.FakeClock`."""
    from alicred.testing.clock import FakeClock

    return FakeClock()


@pytest.fixture
def alicred_cloud(request: pytest.FixtureRequest) -> Iterator[FakeCloud]:
    """A running cloud of the test's own, stopped after the test; see `alicred.testing.FakeCloud`.

    On the test's `alicred_clock` if it has one, else on the real clock.
    """
    from alicred.testing.cloud.fake_cloud import FakeCloud

    clock: FakeClock | None = request.getfixturevalue("alicred_clock") if "alicred_clock" in request.fixturenames else None
    with FakeCloud(clock=clock) as cloud:
        yield cloud
