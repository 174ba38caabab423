"""Has objects put themselves in order in a forked child. Registered with the first object, never at import."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from weakref import WeakKeyDictionary, ref

S = TypeVar("S")

_survivors: WeakKeyDictionary[object, Callable[[], None]] = WeakKeyDictionary()
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
    weak = ref(survivor)

    def reset_if_alive() -> None:
        alive = weak()
        if alive is not None:
            reset(alive)

    _survivors[survivor] = reset_if_alive


def _reset_all() -> None:
    for reset in list(_survivors.values()):
        with suppress(Exception):  # the next one must be reset all the same
            reset()
