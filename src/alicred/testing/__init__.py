"""Aids for testing what is built on alicred: a clock to turn by hand, and a cloud on this machine. Part of the public API.

Nothing here needs more than alicred itself, and importing this package imports none of it before a name is used: pytest imports
the package in every run, for the plugin.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alicred.testing import faults
    from alicred.testing.account import Session
    from alicred.testing.calls import Call, RawRequest
    from alicred.testing.clock import FakeClock
    from alicred.testing.cloud import FakeCloud
    from alicred.testing.logins import CloudSsoLogin, OAuthLogin

__all__ = ["Call", "CloudSsoLogin", "FakeClock", "FakeCloud", "OAuthLogin", "RawRequest", "Session", "faults"]

_HOMES = {
    "Call": "calls",
    "CloudSsoLogin": "logins",
    "FakeClock": "clock",
    "FakeCloud": "cloud",
    "OAuthLogin": "logins",
    "RawRequest": "calls",
    "Session": "account",
}


def __getattr__(name: str) -> object:
    if name == "faults":
        return import_module("alicred.testing.faults")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"alicred.testing.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
