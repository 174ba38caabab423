"""A login whose new tokens cannot be saved, or that changed meanwhile."""

from __future__ import annotations

import errno
import logging
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from alicred._internal import file_lock
from alicred.errors import ConfigurationError, DeniedError, TransientError
from alicred.events import LoginNotSaved
from alicred.sources.profiles.cli import oauth_login
from alicred.sources.profiles.cli.provider import CliProfileProvider
from alicred.testing import FakeCloud, faults
from alicred.wire.http import HttpClient
from tests.sources.profiles.cli_login.support import LATER, SOON, outlived, profile_of, provider, read, written
from tests.support import Recorder, in_threads


def secrets_of(path: Path, *more: str) -> set[str]:
    keys = ("oauth_refresh_token", "oauth_access_token", "access_key_secret", "sts_token")
    return {str(value) for key, value in read(path).items() if key in keys and value} | set(more)


def test_what_cannot_be_saved_is_served_and_told_and_saved_later(
    cloud: FakeCloud, tmp_path: Path, full_disk: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    before = path.read_bytes()
    mine = provider(path)
    with caplog.at_level(logging.DEBUG):
        first = mine.get()
        assert path.read_bytes() == before
        assert [record.getMessage() for record in caplog.records if record.name == "alicred"] == [
            f"cli_profile/oauth: the new tokens of profile 'mine' of {path} were not saved: No space left on device: planted; "
            "unless they can be saved later, the login ends with this process"
        ]
        second = mine.get()
    assert first != second
    assert cloud.count("OAuthToken") == 2, "the token that could not be saved was spent, not the one in the file"
    full_disk.undo()
    third = mine.get()
    assert read(path)["access_key_id"] == third.access_key_id
    outlived(path)
    assert provider(path).get(), "the login lives on, in the file"
    for secret in secrets_of(path, *(str(part) for key in (first, second, third) for part in (key.access_key_secret, key.security_token))):
        assert secret not in caplog.text


def test_a_listener_is_told_what_could_not_be_saved(cloud: FakeCloud, tmp_path: Path, full_disk: pytest.MonkeyPatch) -> None:
    heard = Recorder()
    for name, left, tokens in (("soon", SOON, True), ("later", LATER, False)):
        (tmp_path / name).mkdir()
        mine = provider(written(tmp_path / name, profile_of(cloud, left)), listener=heard)
        mine.get()
        [event] = heard.events
        assert isinstance(event, LoginNotSaved)
        assert (event.provider_name, event.tokens) == ("cli_profile/oauth", tokens)
        assert "were not saved: No space left on device" in event.detail
        heard.events.clear()


def test_keys_that_cannot_be_saved_are_no_great_loss(
    cloud: FakeCloud, tmp_path: Path, full_disk: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = written(tmp_path, profile_of(cloud, LATER))
    assert provider(path).get()
    (record,) = (record for record in caplog.records if record.name == "alicred")
    assert (
        record.getMessage()
        == f"cli_profile/oauth: the new keys of profile 'mine' of {path} were not saved: No space left on device: planted"
    )


def test_without_write_back_the_directory_is_not_touched(cloud: FakeCloud, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    before, entries = path.read_bytes(), os.listdir(path.parent)
    mine = provider(path, write_back=False)
    assert mine.get() != mine.get()
    assert (path.read_bytes(), os.listdir(path.parent)) == (before, entries)
    assert cloud.count("OAuthToken") == 2
    assert caplog.records == []
    with pytest.raises(DeniedError, match="Log in again"):
        provider(path, write_back=False).get()  # its refresh token is spent: that is what was asked for


def test_a_lock_file_that_cannot_be_made_is_no_failure(cloud: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    real = os.open

    def refused(name: Any, flags: int, *rest: Any, **more: Any) -> int:
        if str(name).endswith(".lock"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(name, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refused)
    shared = provider(path)
    found = in_threads(4, shared.get)
    assert {getattr(each, "access_key_id", each) for each in found} == {read(path)["access_key_id"]}
    assert cloud.count("OAuthToken") == 1, "threads that share a provider need no lock file"


def test_a_caller_that_waits_too_long_says_so(cloud: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    provider(path).get()
    outlived(path)
    monkeypatch.setattr(oauth_login, "_LONGEST_WAIT", 0.05)
    (lock,) = (entry for entry in path.parent.iterdir() if entry.suffix == ".lock")
    assert lock.stat().st_mode & 0o777 == 0o600
    assert "mine" not in lock.name

    def busy(made: CliProfileProvider) -> None:
        written(tmp_path, profile_of(cloud, SOON))  # whose keys have not been fetched yet
        with pytest.raises(TransientError, match=r"profile 'mine' of .*: another thread or program has been renewing its login"):
            made.get()

    file_lock.exclusive(str(lock), lambda _: busy(provider(path)), create=False, seconds=1)
    shared = provider(path)
    shared._logins.get()._lock.run(lambda: busy(shared))
    assert in_threads(1, lambda: shared._logins.get()._lock.run(lambda: in_threads(1, lambda: busy(shared)))) == [[None]]
    assert shared.get()


def test_a_login_by_the_command_line_tool_meanwhile_is_kept(cloud: FakeCloud, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    new = profile_of(cloud, LATER)
    cloud.inject(faults.Hang(), operation="OAuthExchange")
    mine = provider(path)
    thread = threading.Thread(target=mine.get)
    thread.start()
    cloud.wait_for("OAuthExchange")
    written(tmp_path, new)  # as the tool does it: without asking anybody
    cloud.release()
    thread.join()
    assert read(path) == new
    (record,) = (record for record in caplog.records if record.name == "alicred")
    assert "were not saved: the profile has been changed meanwhile" in record.getMessage()
    assert "the login ends" not in record.getMessage()
    mine.get()
    assert read(path)["oauth_refresh_token"] == new["oauth_refresh_token"], "and it is gone on with"
    assert cloud.count("OAuthToken") == 1


def test_tokens_that_the_command_line_tool_has_spent_meanwhile_are_read_again(
    cloud: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, {**profile_of(cloud, SOON), "oauth_refresh_token": "spent", "oauth_access_token": "spent"})
    real = HttpClient.request

    def request(self: HttpClient, method: str, url: str, **rest: Any) -> Any:
        if read(path)["oauth_refresh_token"] == "spent":
            written(tmp_path, profile_of(cloud, SOON))
        return real(self, method, url, **rest)

    monkeypatch.setattr(HttpClient, "request", request)
    assert provider(path).get()
    assert [call.status for call in cloud.calls] == [400, 200, 200]
    assert read(path)["access_key_id"]


def test_a_login_that_is_over_is_not_tried_again(cloud: FakeCloud, tmp_path: Path) -> None:
    path = written(tmp_path, {**profile_of(cloud, SOON), "oauth_refresh_token": "spent", "oauth_access_token": "spent"})
    before = path.read_bytes()
    with pytest.raises(DeniedError, match="Log in again with `alicred login --profile NAME` or `aliyun configure --mode OAuth`") as caught:
        provider(path).get()
    assert caught.value.provider == "cli_profile/oauth"
    assert cloud.count("OAuthToken") == 1
    assert path.read_bytes() == before


def test_a_profile_that_is_no_login_any_more_is_left_alone(cloud: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its keys may be a user's own by now: an STS must never take their place."""
    path = written(tmp_path, profile_of(cloud, SOON))
    key = {"name": "mine", "mode": "AK", "access_key_id": "own", "access_key_secret": "own"}
    cloud.inject(faults.Hang(), operation="OAuthExchange")
    thread = threading.Thread(target=provider(path).get)
    thread.start()
    cloud.wait_for("OAuthExchange")
    written(tmp_path, {**read(path), **key})
    cloud.release()
    thread.join()
    assert read(path)["access_key_id"] == "own"
    real = oauth_login.Logins.alone

    def changed(self: Any, profile: Any, work: Any) -> Any:
        written(tmp_path, key)
        return real(self, profile, work)

    written(tmp_path, profile_of(cloud, SOON))
    monkeypatch.setattr(oauth_login.Logins, "alone", changed)
    with pytest.raises(ConfigurationError, match="was an OAuth login a moment ago, and is none any more"):
        provider(path).get()
    assert read(path) == key
