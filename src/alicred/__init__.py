"""Alibaba Cloud credentials: a `Credential` comes from a source, is kept by decorators under policies, and goes to a client."""

from __future__ import annotations

from alicred.chain import ChainProvider
from alicred.clock import SYSTEM_CLOCK, Clock, SystemClock
from alicred.credential import BearerToken, Credential, Expiring
from alicred.errors import (
    AlicredError,
    ChainError,
    ClosedError,
    ConfigurationError,
    DeniedError,
    MalformedResponseError,
    NotConfigured,
    ProviderError,
    RefreshTimeout,
    TransientError,
    is_transient,
)
from alicred.events import (
    ChainResolved,
    Event,
    Listener,
    RefreshFailed,
    RefreshStarted,
    RefreshSucceeded,
    RetryScheduled,
    ServedStale,
    SourceSkipped,
)
from alicred.policy.backoff import Backoff
from alicred.policy.chain import ChainPolicy, OnError
from alicred.policy.refresh import OnDenied, RefreshMode, RefreshPolicy, Schedule
from alicred.policy.retry import RetryPolicy
from alicred.policy.window import FixedWindow, FractionWindow, TieredWindow, Window
from alicred.provider import Provider
from alicred.refresh.cache import CachingProvider
from alicred.refresh.snapshot import Phase
from alicred.refresh.state import CacheState
from alicred.reports import SourceOutcome, SourceReport
from alicred.retrying import RetryingProvider

__all__ = [
    "AlicredError",
    "Backoff",
    "BearerToken",
    "CacheState",
    "CachingProvider",
    "ChainError",
    "ChainPolicy",
    "ChainProvider",
    "ChainResolved",
    "Clock",
    "ClosedError",
    "ConfigurationError",
    "Credential",
    "DeniedError",
    "Event",
    "Expiring",
    "FixedWindow",
    "FractionWindow",
    "Listener",
    "MalformedResponseError",
    "NotConfigured",
    "OnDenied",
    "OnError",
    "Phase",
    "Provider",
    "ProviderError",
    "RefreshFailed",
    "RefreshMode",
    "RefreshPolicy",
    "RefreshStarted",
    "RefreshSucceeded",
    "RefreshTimeout",
    "RetryPolicy",
    "RetryScheduled",
    "RetryingProvider",
    "SYSTEM_CLOCK",
    "Schedule",
    "ServedStale",
    "SourceOutcome",
    "SourceReport",
    "SourceSkipped",
    "SystemClock",
    "TieredWindow",
    "TransientError",
    "Window",
    "is_transient",
]
