"""The providers of a package that others take for the official one, each with one mistake."""

from __future__ import annotations

import configparser
import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alicred.compat.provider.refreshable import Credentials


class LosesWhatItHasFetched:
    """Tells a callback of a key, and hands the key out if that goes well."""

    def __init__(self, fetch: Callable[[], Credentials], callback: Callable[..., None]) -> None:
        self._fetch = fetch
        self._callback = callback

    def get_credentials(self) -> Credentials:
        found = self._fetch()
        with contextlib.suppress(Exception):  # which CancelledError and SystemExit are not
            self._callback(found.get_access_key_id(), found.get_access_key_secret(), found.get_security_token() or "", 0)
        return found


class ReadsTheSectionAlone:
    """A section of the profile file, as it stands there; key pairs are asked for at the central host."""

    def __init__(self, path: Path, request: Callable[[str], None] = lambda _: None) -> None:
        self._path = path
        self._request = request

    def get_credentials(self) -> Credentials:
        parser = configparser.RawConfigParser()
        parser.read(self._path)
        section = parser["default"]
        if section["type"] == "rsa_key_pair":
            self._request("https://sts.aliyuncs.com/")  # which knows no key pairs
        return Credentials(access_key_id=section.get("access_key_id"), access_key_secret=section.get("access_key_secret"))


class LooksElsewhere:
    """A module of settings that may be assigned to, and a provider that reads the variables themselves."""

    def __init__(self) -> None:
        self.environment_access_key_id: str | None = None
        self.environment_access_key_secret: str | None = None

    def get_access_key_id(self) -> Any:
        return os.environ.get("ALIBABA_CLOUD_ACCESS_KEY_ID")  # and not what was assigned


def whole_seconds(timeout: float) -> float:
    """The time-out that counts, 60 s for nothing given."""
    return int(timeout) or 60  # 0.5 s become a minute
