"""A stored session that cannot be renewed."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from alicred import CachingProvider
from alicred.errors import AlicredError, ProviderError
from alicred.sources.profiles.cli.write_back import update
from alicred.testing import FakeCloud, faults
from tests.sources.profiles.cli_login.support import SOON, lock_of, profile_of, provider, read, stored, written


def _unreachable(cloud: FakeCloud, _: Path) -> None:
    cloud.inject(faults.ServerError(), times=None)


def _logged_out(cloud: FakeCloud, path: Path) -> None:
    update(str(path), "mine", {"oauth_refresh_token": "spent", "oauth_access_token": "spent"}, still={})


def _without_tokens(cloud: FakeCloud, path: Path) -> None:
    update(str(path), "mine", {"oauth_refresh_token": "", "oauth_access_token": ""}, still={})


def _lock_is_a_fifo(cloud: FakeCloud, path: Path) -> None:
    os.mkfifo(lock_of(path))


@pytest.mark.parametrize("broken", [_unreachable, _logged_out, _without_tokens, _lock_is_a_fifo])
def test_a_stored_session_is_served_to_its_end_when_it_cannot_be_renewed(
    cloud: FakeCloud, tmp_path: Path, broken: Callable[[FakeCloud, Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, {**profile_of(cloud, SOON), **stored(15)})
    broken(cloud, path)
    found = provider(path).get()
    assert (found.access_key_id, found.provider_name) == ("stored", "cli_profile/oauth")
    assert found.expires_at is not None
    assert found.expires_at.timestamp() == read(path)["sts_expiration"]
    (text,) = (line for line in map(logging.LogRecord.getMessage, caplog.records) if line.startswith("profile"))
    assert text.startswith(f"profile 'mine' of {path}: no new keys: ")
    assert text.endswith(f"; the stored ones are used until they end, at {found.expires_at}")
    assert "planted" not in text
    assert read(path)["access_key_id"] == "stored"
    update(str(path), "mine", stored(-1), still={})
    with pytest.raises(AlicredError):
        provider(path).get()


def test_a_stored_session_of_cloud_sso_is_served_to_its_end_too(cloud: FakeCloud, tmp_path: Path) -> None:
    login = cloud.add_cloud_sso_login()
    profile = {
        "name": "mine",
        "mode": "CloudSSO",
        "cloud_sso_sign_in_url": f"{cloud.http_endpoint}/start/login",
        "cloud_sso_account_id": login.account_id,
        "cloud_sso_access_config": login.access_configuration_id,
        "access_token": login.access_token,
        "cloud_sso_access_token_expire": int(login.expires_at.timestamp()),
        **stored(15),
    }
    path = written(tmp_path, profile)
    fresh = provider(path).get()
    assert (fresh.access_key_id != "stored", fresh.provider_name) == (True, "cli_profile/cloud_sso")
    _unreachable(cloud, path)
    found = provider(path).get()
    assert (found.access_key_id, found.provider_name) == ("stored", "cli_profile/cloud_sso")
    update(str(path), "mine", stored(-1), still={})
    with pytest.raises(ProviderError):
        provider(path).get()


def test_a_stored_session_that_is_about_to_end_is_renewed_if_that_works(cloud: FakeCloud, tmp_path: Path) -> None:
    path = written(tmp_path, {**profile_of(cloud, SOON), **stored(15)})
    assert provider(path).get().access_key_id != "stored"


def test_a_cache_serves_a_stored_session_to_its_end(cloud: FakeCloud, tmp_path: Path) -> None:
    path = written(tmp_path, {**profile_of(cloud, SOON), **stored(15)})
    _unreachable(cloud, path)
    with CachingProvider(provider(path)) as cache:
        assert {cache.get().access_key_id for _ in range(5)} == {"stored"}
        assert len(cloud.calls) < 10
