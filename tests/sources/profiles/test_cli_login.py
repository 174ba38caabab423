"""OAuth logins in the command line tool's file: tokens that rotate, and die when they are sent twice."""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import logging
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from alicred import CachingProvider
from alicred._internal import file_lock
from alicred.errors import AlicredError, ConfigurationError, DeniedError, ProviderError, TransientError
from alicred.events import LoginNotSaved
from alicred.sources.oauth import OAUTH_SITES, OAuthSite
from alicred.sources.profiles.cli import oauth_login
from alicred.sources.profiles.cli.config import CliConfig
from alicred.sources.profiles.cli.profile import CliProfile
from alicred.sources.profiles.cli.provider import CliProfileProvider
from alicred.sources.profiles.cli.write_back import update
from alicred.testing import FakeCloud, faults
from alicred.wire.http import HttpClient
from tests.adversities import call_with_left, interrupted_at, unclosed
from tests.raw_fork import in_raw_child
from tests.refresh.test_cache_fork import in_child
from tests.support import Recorder, in_threads, wait_until

SOON, LATER = timedelta(minutes=5), timedelta(hours=2)
OTHER = {"name": "other", "mode": "OAuth", "oauth_site_type": "INTL", "oauth_refresh_token": "theirs", "oauth_access_token": "theirs"}
TOKEN_KEYS = ("oauth_refresh_token", "oauth_access_token", "oauth_access_token_expire")
SESSION_KEYS = ("access_key_id", "access_key_secret", "sts_token", "sts_expiration")


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeCloud]:
    with FakeCloud() as cloud:
        sites = {name: OAuthSite(cloud.http_endpoint, site.client_id) for name, site in OAUTH_SITES.items()}
        monkeypatch.setattr(oauth_login, "OAUTH_SITES", sites)
        yield cloud


def profile_of(cloud: FakeCloud, lasts: timedelta, name: str = "mine", site: str = "CN") -> dict[str, Any]:
    """A profile as the command line tool's login leaves it."""
    login = cloud.add_oauth_login(client_id=OAUTH_SITES[site].client_id, lasts=lasts)
    return {
        "name": name,
        "mode": "OAuth",
        "oauth_site_type": site,
        "oauth_access_token": login.access_token,
        "oauth_refresh_token": login.refresh_token,
        "oauth_access_token_expire": int(login.expires_at.timestamp()),
        "region_id": "cn-hangzhou",
        "future": {"x": [1, 2]},
    }


def written(tmp_path: Path, *profiles: dict[str, Any], current: str = "mine") -> Path:
    directory = tmp_path / ".aliyun"
    directory.mkdir(exist_ok=True)
    path = directory / "config.json"
    path.write_text(json.dumps({"current": current, "profiles": [OTHER, *profiles], "meta_path": ""}, indent="\t"))
    path.chmod(0o600)
    return path


def read(path: Path, name: str = "mine") -> dict[str, Any]:
    found: dict[str, Any] = next(profile for profile in json.loads(path.read_bytes())["profiles"] if profile["name"] == name)
    return found


def outlived(path: Path, name: str = "mine") -> None:
    """Make the stored keys look as if they were about to end."""
    whole = json.loads(path.read_bytes())
    next(profile for profile in whole["profiles"] if profile["name"] == name)["sts_expiration"] = int(time.time()) + 60
    path.write_text(json.dumps(whole, indent="\t"))


def provider(path: Path, profile: str | None = None, **changes: Any) -> CliProfileProvider:
    return CliProfileProvider(path, profile, **{"environ": {}, **changes})


def test_the_keys_are_stored_and_used_until_they_are_about_to_end(cloud: FakeCloud, tmp_path: Path) -> None:
    path = written(tmp_path, profile_of(cloud, LATER))
    before = read(path)
    found = provider(path).get()
    assert found.provider_name == "cli_profile/oauth"
    assert (cloud.count("OAuthToken"), cloud.count("OAuthExchange")) == (0, 1)
    stored = read(path)
    assert [stored[key] for key in SESSION_KEYS] == [
        found.access_key_id,
        found.access_key_secret,
        found.security_token,
        int(found.expires_at.timestamp()) if found.expires_at else None,
    ]
    assert {key: value for key, value in stored.items() if key not in SESSION_KEYS} == before
    again = provider(path).get()
    assert again == found
    assert again.provider_name == "cli_profile/oauth"
    assert cloud.count("OAuthExchange") == 1
    outlived(path)
    assert provider(path).get() != found
    assert cloud.count("OAuthExchange") == 2
    assert cloud.sts_client().get_caller_identity(provider(path).get()).identity_type == "AssumedRoleUser"


def test_blanks_around_the_tokens_of_the_file_keep_no_new_ones_from_being_saved(cloud: FakeCloud, tmp_path: Path) -> None:
    profile = profile_of(cloud, SOON)
    blank = {key: f" {profile[key]}\ufeff\n" for key in ("mode", *TOKEN_KEYS[:2])}
    path = written(tmp_path, {**profile, **blank})
    provider(path).get()
    assert cloud.count("OAuthToken") == 1
    assert all(read(path)[key].isascii() and read(path)[key] != blank[key] for key in TOKEN_KEYS[:2])


def test_rotated_tokens_take_the_place_of_the_old_ones(cloud: FakeCloud, tmp_path: Path) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    before = read(path)
    text = path.read_text()
    provider(path).get()
    assert (cloud.count("OAuthToken"), cloud.count("OAuthExchange")) == (1, 1)
    after = read(path)
    assert all(after[key] != before[key] for key in TOKEN_KEYS[:2])
    assert after["oauth_access_token_expire"] >= before["oauth_access_token_expire"]
    for rounds in range(2, 5):
        outlived(path)
        assert provider(path).get()
        assert cloud.count("OAuthToken") == rounds, "each refresh token was good for one renewal"
    assert read(path, "other") == OTHER
    assert path.stat().st_mode & 0o777 == 0o600
    kept = {key: value for key, value in read(path).items() if key not in (*TOKEN_KEYS, *SESSION_KEYS)}
    assert kept == {key: value for key, value in before.items() if key not in TOKEN_KEYS}
    assert path.read_text().splitlines()[:8] == text.splitlines()[:8], "the other profile, and how it is set, is as it was"


@pytest.mark.parametrize(("chosen", "site"), [("one", "CN"), ("two", "INTL"), ("role", "INTL")])
def test_the_tokens_of_the_right_profile_are_rotated(cloud: FakeCloud, tmp_path: Path, chosen: str, site: str) -> None:
    role = {
        "name": "role",
        "mode": "ChainableRamRoleArn",
        "source_profile": "two",
        "ram_role_arn": cloud.role_arn,
        "sts_endpoint": cloud.http_endpoint,
    }
    second = {**profile_of(cloud, SOON, "two", "CN"), "shadowed": True}
    profiles = [profile_of(cloud, SOON, "one"), role, profile_of(cloud, SOON, "two", "INTL"), second]
    path = written(tmp_path, *profiles, current="one")
    found = provider(path, chosen).get()
    assert found.provider_name == ("cli_profile/ram_role_arn/oauth" if chosen == "role" else "cli_profile/oauth")
    before = json.loads(json.dumps([OTHER, *profiles]))
    after = json.loads(path.read_bytes())["profiles"]
    changed = [number for number, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
    assert changed == [{"one": 1, "two": 3, "role": 3}[chosen]], "the first of its name, and no other"
    assert after[changed[0]]["oauth_site_type"] == site
    assert {key for key in after[changed[0]] if after[changed[0]][key] != before[changed[0]].get(key)} <= {*TOKEN_KEYS, *SESSION_KEYS}


def test_threads_and_providers_renew_a_login_once(cloud: FakeCloud, tmp_path: Path) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    shared = provider(path)
    found = in_threads(8, lambda: (shared if threading.current_thread().name[-1] in "0246" else provider(path)).get())
    assert len({getattr(each, "access_key_id", each) for each in found}) == 1
    assert (cloud.count("OAuthToken"), cloud.count("OAuthExchange")) == (1, 1)


def _fetch(path: Path, barrier: Any, out: Any) -> None:
    mine = provider(path)
    barrier.wait(20)
    try:
        out.put(mine.get().access_key_id)
    except AlicredError as error:
        out.put(repr(error))


def test_processes_renew_a_login_once(cloud: FakeCloud, tmp_path: Path) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    context = multiprocessing.get_context("fork")
    barrier, out = context.Barrier(4), context.Queue()
    processes = [context.Process(target=_fetch, args=(path, barrier, out), daemon=True) for _ in range(4)]
    for process in processes:
        process.start()
    found = {out.get(timeout=20) for _ in processes}
    for process in processes:
        process.join()
    assert found == {read(path)["access_key_id"]}
    assert (cloud.count("OAuthToken"), cloud.count("OAuthExchange")) == (1, 1)


def _for_ever(path: Path) -> None:
    mine = provider(path)
    while True:
        mine.get()
        outlived_of(path)


def outlived_of(path: Path) -> None:
    """As `outlived`, but as a writer that respects the others."""
    update(str(path), "mine", {"sts_expiration": int(time.time()) + 60}, still={})


def _once(path: Path) -> None:
    provider(path).get()
    signal.pause()


def killed(cloud: FakeCloud, path: Path, work: Callable[[Path], None], operation: str, seconds: float) -> None:
    """Let a process do *work*, and kill it *seconds* after it has sent such a request."""
    before = cloud.count(operation)
    process = multiprocessing.get_context("fork").Process(target=work, args=(path,), daemon=True)
    process.start()
    wait_until(lambda: cloud.count(operation) > before)
    time.sleep(seconds)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_no_kill_loses_a_token_that_has_come(cloud: FakeCloud, tmp_path: Path) -> None:
    """Where the kill comes before the site's answer has been read, nobody can have saved the new token; nothing is sent with it either."""
    path = written(tmp_path, profile_of(cloud, SOON))
    survived = 0
    for number in range(25):
        killed(cloud, path, _for_ever, "OAuthToken", number * 0.0007)
        assert set(read(path)) >= {"name", "mode", "future"}, "the file is whole"
        outlived(path)
        try:
            provider(path).get()
            survived += 1
        except DeniedError:
            accepted = [call.operation for call in cloud.calls if call.accepted]
            assert accepted[-1] == "OAuthToken", "the token was in use, and is lost"
            written(tmp_path, profile_of(cloud, SOON))
    assert survived > 0
    for entry in path.parent.glob(".*.tmp"):
        os.utime(entry, (time.time() - 120,) * 2)
    update(str(path), "mine", {"sts_expiration": 1}, still={})  # the next writer, whoever it is, tidies up
    assert [entry for entry in os.listdir(path.parent) if entry.endswith(".tmp")] == []


def test_no_kill_loses_a_token_that_is_in_use(cloud: FakeCloud, tmp_path: Path) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    for number in range(25):
        killed(cloud, path, _once, "OAuthExchange", number * 0.0004)
        outlived(path)
        provider(path).get()
        outlived(path)


# --- when it cannot be saved --------------------------------------------------------------------------------------------------------


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device: planted")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        yield patch


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
    with pytest.raises(DeniedError, match="log in again"):
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


def test_whoever_waits_too_long_says_so(cloud: FakeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    shared._logins._lock.run(lambda: busy(shared))
    assert in_threads(1, lambda: shared._logins._lock.run(lambda: in_threads(1, lambda: busy(shared)))) == [[None]]
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


def test_tokens_that_the_command_line_tool_has_spent_meanwhile_are_read_anew(
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
    with pytest.raises(DeniedError, match="log in again with `aliyun configure --mode OAuth`") as caught:
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


# --- the rest -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"oauth_site_type": None}, "oauth_site_type is missing"),
        ({"oauth_site_type": "EU"}, "oauth_site_type is unknown: it must be CN or INTL"),
        ({"oauth_refresh_token": "", "oauth_access_token": None}, "oauth_refresh_token and oauth_access_token are missing: log in"),
        ({"oauth_access_token_expire": "planted"}, "oauth_access_token_expire must be a whole number, not str"),
        ({"oauth_access_token_expire": 10**12}, "oauth_access_token_expire must be a time, in seconds since 1970"),
        ({"oauth_refresh_token": ["planted"]}, "oauth_refresh_token must be a string, not list"),
        ({"oauth_refresh_token": "planted\nplanted"}, "refresh_token holds a control character"),
        ({"sts_expiration": "planted"}, "sts_expiration must be a whole number, not str"),
    ],
)
def test_a_bad_key_is_named(cloud: FakeCloud, tmp_path: Path, change: dict[str, Any], words: str) -> None:
    path = written(tmp_path, {**profile_of(cloud, SOON), **change})
    before = path.read_bytes()
    with pytest.raises(ConfigurationError) as caught:
        provider(path).get()
    assert words in str(caught.value)
    assert f"profile 'mine' of {path}: " in str(caught.value)
    assert "planted" not in str(caught.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize("lacks", SESSION_KEYS)
def test_stored_keys_that_lack_a_part_are_not_used(cloud: FakeCloud, tmp_path: Path, lacks: str) -> None:
    stored = {"access_key_id": "old", "access_key_secret": "old", "sts_token": "old", "sts_expiration": int(time.time()) + 7200}
    path = written(tmp_path, {**profile_of(cloud, LATER), **stored})
    assert provider(path).get().access_key_id == "old"
    path = written(tmp_path, {**profile_of(cloud, LATER), **stored, lacks: None})
    assert provider(path).get().access_key_id != "old"


def test_a_login_without_a_refresh_token_is_used_as_it_is(cloud: FakeCloud, tmp_path: Path) -> None:
    path = written(tmp_path, {**profile_of(cloud, SOON), "oauth_refresh_token": ""})
    provider(path).get()
    assert (cloud.count("OAuthToken"), cloud.count("OAuthExchange")) == (0, 1)
    assert read(path)["access_key_id"]
    assert read(path)["oauth_refresh_token"] == ""


def test_a_pickle_holds_no_token(cloud: FakeCloud, tmp_path: Path, full_disk: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    mine = provider(path)
    mine.get()
    (unsaved,) = mine._logins._unsaved.values()
    pickled = pickle.dumps(mine)
    for token in (unsaved.tokens.access_token, unsaved.tokens.refresh_token, read(path)["oauth_refresh_token"]):
        assert token is not None
        assert token.encode() not in pickled
        assert token not in repr(unsaved)
    full_disk.undo()
    written(tmp_path, profile_of(cloud, SOON))
    assert pickle.loads(pickled).get()


# --- what ends a renewal in the middle -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def renewing(cloud: FakeCloud, made: CliProfileProvider) -> Iterator[None]:
    """Have another thread at it all the while."""
    with cloud.faulty(faults.Hang(), operation="OAuthExchange", times=1):
        thread = threading.Thread(target=made.get)
        thread.start()
        assert cloud.wait_for("OAuthExchange")
        yield
    thread.join()


@pytest.mark.parametrize("fork", [in_child, in_raw_child])
def test_a_child_that_is_forked_in_a_renewal_waits_for_no_thread_that_it_does_not_have(
    cloud: FakeCloud, tmp_path: Path, fork: Callable[[Callable[[], object]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, profile_of(cloud, LATER))
    mine = provider(path)
    monkeypatch.setattr(oauth_login, "_LONGEST_WAIT", 0.5)

    def child() -> str:
        try:
            return mine.get().access_key_id
        except TransientError as error:
            return str(error)

    with renewing(cloud, mine):
        # It is the file that it waits for now, which the parent has locked: the parent's renewal is another process's.
        assert "another thread or program has been renewing its login" in str(fork(child))
        assert fork(lambda: mine._logins._lock.run(lambda: "free", seconds=0)) == "free"
    assert fork(child) == read(path)["access_key_id"]


def of_file(path: Path) -> CliProfile:
    profile = CliConfig.read(str(path)).profile("mine")
    assert profile is not None
    return profile


def alone(made: CliProfileProvider, profile: CliProfile) -> str:
    """What a renewal that does nothing answers."""
    return made._logins.alone(profile, lambda: "alone")


@unclosed
@pytest.mark.parametrize("module", [oauth_login, file_lock])
def test_an_interrupt_at_any_step_keeps_no_other_from_renewing(tmp_path: Path, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, {"name": "mine", "mode": "OAuth"})
    profile = of_file(path)
    monkeypatch.setattr(oauth_login, "_LONGEST_WAIT", 0.5)
    kept: list[BaseException] = []
    for number in range(1, 2000):
        mine = provider(path)
        more = interrupted_at(number, lambda mine=mine: alone(mine, profile), str(module.__file__), kept)  # type: ignore[misc]
        found = in_threads(1, lambda mine=mine: alone(mine, profile))  # type: ignore[misc]
        assert found == ["alone"], f"an interrupt at step {number}"
        if not more:
            break
    assert 30 < number < 1999
    kept.clear()
    gc.collect()  # else a later test would be told of a file that was not closed


@unclosed
def test_a_stack_that_is_used_up_keeps_no_other_from_renewing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, {"name": "mine", "mode": "OAuth"})
    profile = of_file(path)
    monkeypatch.setattr(oauth_login, "_LONGEST_WAIT", 0.5)
    mine = provider(path)
    failed = 0
    for frames in range(1, 80):
        try:
            call_with_left(frames, lambda: alone(mine, profile))
        except RecursionError:
            failed += 1
        assert in_threads(1, lambda: alone(mine, profile)) == ["alone"], f"with {frames} frames left"
    assert 2 < failed < 79


# --- the file of the lock ---------------------------------------------------------------------------------------------------------------


def lock_of(path: Path) -> Path:
    return Path(oauth_login._lock_file(of_file(path)))


@pytest.mark.parametrize("planted", [os.mkfifo, lambda path: path.symlink_to(path.with_name("elsewhere")), Path.mkdir])
def test_what_stands_in_the_place_of_the_lock_is_refused_at_once(
    cloud: FakeCloud, tmp_path: Path, planted: Callable[[Path], object]
) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    before = path.read_bytes()
    lock = lock_of(path)
    planted(lock)
    began = time.monotonic()
    with pytest.raises(ConfigurationError) as caught:
        provider(path).get()
    assert time.monotonic() - began < 5
    assert str(caught.value) == f"cli_profile: {lock} cannot be locked, since it is not a regular file: remove it"
    assert (path.read_bytes(), cloud.calls) == (before, ())
    assert not lock.with_name("elsewhere").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_a_lock_that_another_user_has_made_is_refused(cloud: FakeCloud, tmp_path: Path) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    lock_of(path).touch()
    os.chown(lock_of(path), 4711, -1)
    with pytest.raises(ConfigurationError, match="belongs to another user, who could hold its lock for ever: remove it"):
        provider(path).get()
    os.chown(path, 4711, -1)
    assert provider(path).get(), "root shares the login of the file's owner"


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.ENOBUFS, errno.EINTR, errno.ESTALE])
def test_a_lock_that_cannot_be_had_for_a_shortage_is_not_done_without(
    cloud: FakeCloud, tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it, two processes would spend one token."""
    path = written(tmp_path, profile_of(cloud, SOON))
    real = os.open

    def short(name: Any, flags: int, *rest: Any, **more: Any) -> int:
        if str(name).endswith(".lock"):
            raise OSError(number, os.strerror(number), name)
        return real(name, flags, *rest, **more)

    monkeypatch.setattr(os, "open", short)
    with pytest.raises(TransientError, match=f"its login cannot be renewed now: .* cannot be opened: {os.strerror(number)}"):
        provider(path).get()
    assert cloud.calls == ()


# --- a stored session that cannot be renewed -------------------------------------------------------------------------------------------


def stored(minutes: float) -> dict[str, Any]:
    ends = int(time.time() + 60 * minutes)
    return {"access_key_id": "stored", "access_key_secret": "planted", "sts_token": "planted", "sts_expiration": ends}


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
