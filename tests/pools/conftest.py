"""Tests in real servers and pools are collected where those are installed: `make pools` does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec

import pytest

from alicred.testing import FakeCloud

pytest.register_assert_rewrite("tests.pools.support")

NEEDS = {
    "test_celery.py": ("celery",),
    "test_gunicorn.py": ("gunicorn", "uvicorn", "uvicorn_worker"),
}
collect_ignore = [name for name, packages in NEEDS.items() if any(find_spec(package) is None for package in packages)]
FIRST_SESSION = timedelta(seconds=8)  # long enough for workers to start with it, however slow the machine
SESSION = timedelta(seconds=3)  # cut to whole seconds: two to three


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    """A cloud whose first session is long and whose others are short."""
    with FakeCloud(session=FIRST_SESSION) as cloud:
        stopped = threading.Event()

        def shorten() -> None:
            while not cloud.sessions and not stopped.is_set():
                cloud.wait_for("AssumeRole", within=timedelta(seconds=1))
            cloud.session = SESSION

        watching = threading.Thread(target=shorten)
        watching.start()
        try:
            yield cloud
        finally:
            stopped.set()
            watching.join()
