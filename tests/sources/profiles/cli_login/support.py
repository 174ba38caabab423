"""What the tests of OAuth logins in the command line tool's file share."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from alicred.sources.oauth import OAUTH_SITES
from alicred.sources.profiles.cli.config import CliConfig
from alicred.sources.profiles.cli.profile import CliProfile
from alicred.sources.profiles.cli.provider import CliProfileProvider
from alicred.sources.profiles.cli.write_back import lock_file
from alicred.testing import FakeCloud

SOON, LATER = timedelta(minutes=5), timedelta(hours=2)
OTHER = {"name": "other", "mode": "OAuth", "oauth_site_type": "INTL", "oauth_refresh_token": "theirs", "oauth_access_token": "theirs"}


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


def of_file(path: Path) -> CliProfile:
    profile = CliConfig.read(str(path)).profile("mine")
    assert profile is not None
    return profile


# --- the file of the lock ---------------------------------------------------------------------------------------------------------------


def lock_of(path: Path) -> Path:
    return Path(lock_file(str(path)))


# --- a stored session that cannot be renewed -------------------------------------------------------------------------------------------


def stored(minutes: float) -> dict[str, Any]:
    ends = int(time.time() + 60 * minutes)
    return {"access_key_id": "stored", "access_key_secret": "planted", "sts_token": "planted", "sts_expiration": ends}
