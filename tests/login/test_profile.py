"""Where a login is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from alicred._internal import file_lock
from alicred.errors import ConfigurationError, TransientError
from alicred.login import profile
from alicred.login.oauth import OAuthLogin
from alicred.login.profile import find
from alicred.sources.oauth import OAUTH_SITES, OAuthSite
from alicred.sources.profiles.cli.write_back import lock_file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"current": "b", "profiles": [{"name": "a", "mode": "AK"}, {"name": "b", "mode": "OAuth"}]}))
    return path


@pytest.mark.parametrize(
    ("name", "variable", "found"), [(None, "", "b"), (None, "a", "a"), ("b", "a", "b"), ("new", "a", "new"), (None, "new", "new")]
)
def test_it_is_the_profile_that_is_asked_for(path: Path, name: str | None, variable: str, found: str) -> None:
    place = find(name, {"ALIBABA_CLOUD_CONFIG_FILE": str(path), "ALIBABA_CLOUD_PROFILE": variable})
    assert (place.name, place.path) == (found, str(path))
    assert place.mode == {"a": None, "b": "OAuth", "new": None}[found], "one that was never filled in is no login"
    assert place.where == f"profile {found!r} of {path}"


def test_without_a_file_it_is_the_default_profile_of_one_in_the_home(tmp_path: Path) -> None:
    place = find(None, {"HOME": str(tmp_path)})
    assert (place.name, place.path, place.profile) == ("default", f"{tmp_path}/.aliyun/config.json", None)


def test_values_that_are_empty_are_left_out_and_what_is_saved_is_what_it_says_then(path: Path) -> None:
    place = find("b", {"ALIBABA_CLOUD_CONFIG_FILE": str(path)}).save({"oauth_refresh_token": "r", "oauth_access_token": "", "x": 0, "y": 7})
    assert json.loads(path.read_bytes())["profiles"][1] == {"name": "b", "mode": "OAuth", "oauth_refresh_token": "r", "y": 7}
    assert place.text("oauth_refresh_token") == "r"
    assert place.save({"oauth_refresh_token": "s"}).text("oauth_refresh_token") == "s"


def test_another_program_that_renews_a_login_for_too_long_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile, "_LONGEST_WAIT", 0.05)
    place = find("b", {"ALIBABA_CLOUD_CONFIG_FILE": str(path)})
    before = path.read_bytes()

    def meanwhile(_: int) -> None:
        with pytest.raises(TransientError, match="was not saved: another program has been renewing a login of the file"):
            place.save({"x": "y"})

    file_lock.exclusive(lock_file(str(path)), meanwhile, create=True, seconds=1)
    assert path.read_bytes() == before


@pytest.mark.parametrize("text", [None, "{"])
def test_what_keeps_it_from_being_saved_is_told(path: Path, text: str | None) -> None:
    place = find("b", {"ALIBABA_CLOUD_CONFIG_FILE": str(path)})
    if text is None:
        path.unlink()
        path.mkdir()
    else:
        path.write_text(text)
    with pytest.raises(ConfigurationError, match=r"profile 'b' of .* was not saved: "):
        place.save({"x": "y"})


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    place = find(None, {"ALIBABA_CLOUD_CONFIG_FILE": str(tmp_path / "new" / "config.json")})
    (tmp_path / "new").write_text("")
    with pytest.raises(ConfigurationError, match="its folder cannot be made: File exists"):
        place.save({"x": "y"})


def test_each_site_has_a_page_to_log_in_at() -> None:
    assert {name: site.page for name, site in OAUTH_SITES.items()} == {
        "CN": "https://signin.aliyun.com/oauth2/v1/auth",
        "INTL": "https://signin.alibabacloud.com/oauth2/v1/auth",
    }
    with pytest.raises(ConfigurationError, match="has no page to log in at"):
        OAuthLogin(OAuthSite("https://oauth.example.com", "id"))
