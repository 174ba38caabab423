"""Turns: how many refreshes of many providers are under way at once, and how many begin in a second.

A class is loaded when it is first asked for, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alicred._internal.lazy import lazily

if TYPE_CHECKING:
    from alicred.limiting.provider import LimitingProvider
    from alicred.policy.limit import Limit
else:
    __getattr__, __dir__ = lazily(__name__, {"Limit": "alicred.policy.limit", "LimitingProvider": "alicred.limiting.provider"})

__all__ = ["Limit", "LimitingProvider"]
