"""What the tests of the façade share."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

from alicred.testing import FakeClock, FakeCloud
from tests.compat.support import Package


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCloud]:
    """A cloud whose certificate both packages trust."""
    with FakeCloud() as running:
        monkeypatch.setenv("SSL_CERT_FILE", running.ca_file)
        yield running


@pytest.fixture
def instance(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> FakeCloud:
    """The same, and every metadata client that names no address asks it."""
    from alicred.wire.imds import ImdsClient

    monkeypatch.setattr(ImdsClient.__init__, "__defaults__", (cloud.imds_endpoint,))
    return cloud


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCloud]:
    """A cloud and a façade that go by one `FakeClock`, ``timed.clock``: it begins now and moves when the test says so."""
    from alicred import CachingProvider
    from alicred.sources._clients import StsChoice
    from alicred.wire.imds import ImdsClient
    from alicred.wire.sts import StsClient

    clock = FakeClock(datetime.now(timezone.utc))
    for kind in (CachingProvider, StsChoice, StsClient):
        monkeypatch.setitem(kind.__init__.__kwdefaults__, "clock", clock)
    for module in ("lifetime", "provider.oauth", "provider.cloud_sso"):
        monkeypatch.setattr(f"alicred.compat.{module}.SYSTEM_CLOCK", clock)
    with FakeCloud(clock=clock) as running:
        monkeypatch.setenv("SSL_CERT_FILE", running.ca_file)
        monkeypatch.setattr(ImdsClient.__init__, "__defaults__", (running.imds_endpoint,))
        yield running


@pytest.fixture
def ours() -> Package:
    return Package("alicred.compat")


@pytest.fixture
def official() -> Package:
    pytest.importorskip("alibabacloud_credentials")
    return Package("alibabacloud_credentials")
