"""Has objects put themselves in order in a forked child. Registered with the first object, never at import."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

S = TypeVar("S")

_survivors: WeakKeyDictionary[object, Callable[[Any], None]] = WeakKeyDictionary()
_is_registered = False


def watch(survivor: S, reset: Callable[[S], None]) -> None:
    """Have *reset* called with *survivor* in every child that is forked from now on, for as long as *survivor* lives.

    It may be called more than once in a child.
    """
    global _is_registered
    if not _is_registered and hasattr(os, "register_at_fork"):
        # No lock, which a fork could leave held: threads that come here at once each register it, and the first to do so is enough.
        os.register_at_fork(after_in_child=_reset_all)
        _is_registered = True
    _survivors[survivor] = reset


def _reset_all() -> None:
    for survivor, reset in list(_survivors.items()):
        with suppress(Exception):  # the next one must be reset all the same
            reset(survivor)
