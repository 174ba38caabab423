"""What the tests of writing the command line tool's file share."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from alicred._internal import file_lock
from alicred.sources.profiles.cli import write_back

PROFILES = [f"p{number}" for number in range(4)]
IS_ROOT = os.geteuid() == 0


def config(**more: Any) -> dict[str, Any]:
    profiles = [{"name": name, "mode": "OAuth", "count": 0, "future": {"x": [1, 2.50]}, "padding": "x" * 20_000} for name in PROFILES]
    return {"current": "p0", "profiles": profiles, "meta_path": "", **more}


def counts(path: Path) -> dict[str, int]:
    return {profile["name"]: profile["count"] for profile in json.loads(path.read_bytes())["profiles"]}


def locked(path: Path, seconds: float = 5, **more: Any) -> bool:
    """Lock the file and let it go."""
    return file_lock.exclusive(str(path), lambda _: True, **{"create": False, "seconds": seconds, **more})


def update(path: str, profile: str, changes: Mapping[str, str | int], *, still: Mapping[str, object]) -> None:
    """As every writer does it: under the lock."""
    write_back.alone(path, lambda: write_back.update(path, profile, changes, still=still), create=True, seconds=10)


def left(path: Path) -> list[str]:
    """What lies beside the file, except for the lock."""
    return sorted(entry for entry in os.listdir(path.parent) if entry != path.name and not entry.endswith(".lock"))


NEVER = 4711  # no user or group of this machine
