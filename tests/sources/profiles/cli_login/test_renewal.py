"""OAuth logins in the command line tool's file: tokens that rotate, and die when they are sent twice."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from alicred._internal import file_lock
from alicred.errors import AlicredError, ConfigurationError, DeniedError
from alicred.sources.profiles.cli import config, write_back
from alicred.sources.profiles.cli.write_back import update
from alicred.testing import FakeCloud
from tests.sources.profiles.cli_login.support import LATER, OTHER, SOON, outlived, profile_of, provider, read, written
from tests.support import in_threads, wait_until

TOKEN_KEYS = ("oauth_refresh_token", "oauth_access_token", "oauth_access_token_expire")
SESSION_KEYS = ("access_key_id", "access_key_secret", "sts_token", "sts_expiration")


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


@pytest.mark.parametrize(("lasts", "writes"), [(LATER, 1), (SOON, 2)])
def test_a_renewal_parses_the_file_once_and_locks_once(
    cloud: FakeCloud, tmp_path: Path, lasts: timedelta, writes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It writes once, or twice where there are new tokens: those are on the disk before they are used, which a kill must not lose."""
    counted: list[str] = []

    def counting(module: Any, name: str) -> None:
        real = getattr(module, name)

        def call(*arguments: Any, **more: Any) -> Any:
            counted.append(name)
            return real(*arguments, **more)

        monkeypatch.setattr(module, name, call)

    path = written(tmp_path, profile_of(cloud, lasts))
    counting(config, "_json")
    counting(file_lock, "_lock")
    counting(write_back, "_replace")
    provider(path).get()
    assert [counted.count(name) for name in ("_json", "_lock", "_replace")] == [1, 1, writes]
    assert read(path)["access_key_id"]


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
    found = {out.get(timeout=100) for _ in processes}
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_no_kill_loses_a_token_that_is_in_use(cloud: FakeCloud, tmp_path: Path) -> None:
    path = written(tmp_path, profile_of(cloud, SOON))
    for number in range(25):
        killed(cloud, path, _once, "OAuthExchange", number * 0.0004)
        outlived(path)
        provider(path).get()
        outlived(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"oauth_site_type": None}, "oauth_site_type is missing"),
        ({"oauth_site_type": "EU"}, "oauth_site_type 'EU' is unknown. Set it to CN or INTL."),
        ({"oauth_refresh_token": "", "oauth_access_token": None}, "oauth_refresh_token and oauth_access_token are missing. Log in"),
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
    (unsaved,) = mine._logins.get()._unsaved.values()
    pickled = pickle.dumps(mine)
    for token in (unsaved.tokens.access_token, unsaved.tokens.refresh_token, read(path)["oauth_refresh_token"]):
        assert token is not None
        assert token.encode() not in pickled
        assert token not in repr(unsaved)
    full_disk.undo()
    written(tmp_path, profile_of(cloud, SOON))
    assert pickle.loads(pickled).get()
