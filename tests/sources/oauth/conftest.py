from __future__ import annotations

from collections.abc import Iterator

import pytest

from alicred.testing import FakeCloud


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as running:
        yield running
