"""Aids for testing what is built on alicred: a clock to move by hand, a cloud on this machine, a store in memory, and checks.

Part of the public API.

Nothing here needs more than alicred itself, and importing this package imports none of it before a name is used: pytest imports
the package in every run, for the plugin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alicred._internal.lazy import lazily

if TYPE_CHECKING:
    from alicred.testing import conformance, faults
    from alicred.testing.clock import FakeClock
    from alicred.testing.cloud.account import Session
    from alicred.testing.cloud.calls import Call, RawRequest
    from alicred.testing.cloud.fake_cloud import FakeCloud
    from alicred.testing.cloud.logins import CloudSsoLogin, OAuthLogin
    from alicred.testing.fake_store import FakeStore

__all__ = ["Call", "CloudSsoLogin", "FakeClock", "FakeCloud", "FakeStore", "OAuthLogin", "RawRequest", "Session", "conformance", "faults"]

if not TYPE_CHECKING:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "Call": "alicred.testing.cloud.calls",
            "CloudSsoLogin": "alicred.testing.cloud.logins",
            "FakeClock": "alicred.testing.clock",
            "FakeCloud": "alicred.testing.cloud.fake_cloud",
            "FakeStore": "alicred.testing.fake_store",
            "OAuthLogin": "alicred.testing.cloud.logins",
            "RawRequest": "alicred.testing.cloud.calls",
            "Session": "alicred.testing.cloud.account",
            "conformance": "alicred.testing.conformance",
            "faults": "alicred.testing.faults",
        },
    )
