"""Starts the thread of a refresh without letting its caller wait for it."""

from __future__ import annotations

import _thread
import sys
import threading
from collections.abc import Callable

StartInTurn = Callable[[Callable[[], None], str, Callable[[], bool]], "Callable[[], None] | None"]
"""What a source has as ``_start_in_turn`` that lets only so many refreshes run at once: as `start_thread`, but when the turn has come.

Besides it gets what says that the refresh is over, so that no turn is lost on it. It returns ``None`` if *run* has its thread, else
what has the line look whose turn it is.
"""


def start_thread(run: Callable[[], None], name: str) -> None:
    """Have *run* called on a daemon thread called *name*. Does not wait until that thread runs.

    `threading.Thread.start` does wait for it, which among busy threads takes one round of all of them: 5 ms each. So it is left to
    a helper thread that lives no longer than that.

    Raises:
        RuntimeError: No thread can be started here, or not any more.
    """
    if sys.is_finalizing():
        raise RuntimeError  # the thread would never run
    _thread.start_new_thread(_start, (threading.Thread(target=run, name=name, daemon=True), run))


def _start(thread: threading.Thread, run: Callable[[], None]) -> None:
    try:
        thread.start()
    except RuntimeError:  # there was room for one thread only: it is this one
        run()
