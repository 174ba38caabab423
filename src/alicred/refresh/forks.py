"""Has objects put themselves in order in a forked child. Registered with the first object, never at import."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from weakref import WeakKeyDictionary

S = TypeVar("S")

_survivors: WeakKeyDictionary[object, Callable[[], None]] | None = None


def watch(survivor: S, reset: Callable[[S], None]) -> None:
    """Have *reset* called with *survivor* in every child that is forked from now on, for as long as *survivor* lives."""
    global _survivors
    from weakref import WeakKeyDictionary, ref

    if _survivors is None:
        _survivors = WeakKeyDictionary()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_reset_all)
    weak = ref(survivor)

    def reset_if_alive() -> None:
        alive = weak()
        if alive is not None:
            reset(alive)

    _survivors[survivor] = reset_if_alive


def _reset_all() -> None:
    for reset in list((_survivors or {}).values()):
        with suppress(Exception):  # the next one must be reset all the same
            reset()
