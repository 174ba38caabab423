"""Credentials that many workers share through a store: one of them fetches, the others take what it has stored.

A class is loaded when it is first asked for, so that importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alicred._internal.lazy import lazily

if TYPE_CHECKING:
    from alicred.policy.sharing import Fallback, SharingPolicy
    from alicred.sharing.file_store import FileStore
    from alicred.sharing.key import StoreKey
    from alicred.sharing.provider import SharedProvider, SharingState
    from alicred.sharing.redis_store import RedisClient, RedisStore
    from alicred.sharing.store import Busy, CredentialStore, Lease, Record, Stored
else:
    __getattr__, __dir__ = lazily(
        __name__,
        {
            "Busy": "alicred.sharing.store",
            "CredentialStore": "alicred.sharing.store",
            "Fallback": "alicred.policy.sharing",
            "FileStore": "alicred.sharing.file_store",
            "Lease": "alicred.sharing.store",
            "Record": "alicred.sharing.store",
            "RedisClient": "alicred.sharing.redis_store",
            "RedisStore": "alicred.sharing.redis_store",
            "SharedProvider": "alicred.sharing.provider",
            "SharingPolicy": "alicred.policy.sharing",
            "SharingState": "alicred.sharing.provider",
            "StoreKey": "alicred.sharing.key",
            "Stored": "alicred.sharing.store",
        },
    )

__all__ = [
    "Busy",
    "CredentialStore",
    "Fallback",
    "FileStore",
    "Lease",
    "Record",
    "RedisClient",
    "RedisStore",
    "SharedProvider",
    "SharingPolicy",
    "SharingState",
    "StoreKey",
    "Stored",
]
