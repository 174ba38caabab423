"""Policies: frozen values with pure methods. They do all the arithmetic about time, and nothing else does."""

from __future__ import annotations

from alicred.policy.backoff import Backoff
from alicred.policy.chain import ChainPolicy, OnError
from alicred.policy.limit import Limit
from alicred.policy.refresh import OnDenied, RefreshMode, RefreshPolicy, Schedule
from alicred.policy.retry import RetryPolicy
from alicred.policy.sharing import Fallback, SharingPolicy
from alicred.policy.window import FixedWindow, FractionWindow, TieredWindow, Window

__all__ = [
    "Backoff",
    "ChainPolicy",
    "Fallback",
    "FixedWindow",
    "FractionWindow",
    "Limit",
    "OnDenied",
    "OnError",
    "RefreshMode",
    "RefreshPolicy",
    "RetryPolicy",
    "Schedule",
    "SharingPolicy",
    "TieredWindow",
    "Window",
]
