from __future__ import annotations

import errno
import os
from collections.abc import Iterator

import pytest

from alicred.sources.oauth import OAUTH_SITES, OAuthSite
from alicred.sources.profiles.cli import oauth_login
from alicred.testing import FakeCloud


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCloud]:
    with FakeCloud() as cloud:
        sites = {name: OAuthSite(cloud.http_endpoint, site.client_id) for name, site in OAUTH_SITES.items()}
        monkeypatch.setattr(oauth_login, "OAUTH_SITES", sites)
        yield cloud


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device: planted")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        yield patch
