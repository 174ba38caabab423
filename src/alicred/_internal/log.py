"""What alicred says to the log. Nothing that goes wrong there takes a credential out of service."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logging import Logger

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40  # logging's own numbers: logging is imported only when there is something to say


def _logger() -> Logger:
    import logging

    # Up to CPython 3.12, getLogger() can leave logging's own lock held if an interrupt strikes in it, and all later logging waits for ever.
    found: object = logging.Logger.manager.loggerDict.get("alicred")
    return found if isinstance(found, logging.Logger) else logging.getLogger("alicred")


def is_logged(level: int) -> bool:
    """Whether a line of *level* would be written."""
    # A program that has not loaded logging has asked for nothing below a warning: no need to load it here to find that out.
    return (level >= WARNING or "logging" in sys.modules) and _logger().isEnabledFor(level)


def has_handlers() -> bool:
    """Whether the program has set its log up. Where it has not, Python prints warnings to standard error."""
    return "logging" in sys.modules and _logger().hasHandlers()


def log(level: int, text: str, *values: object, with_traceback: bool = False) -> None:
    """Write a line, with the traceback of the exception that is being handled if that is asked for.

    What a handler or a filter of the application raises is lost. So is the line while the interpreter shuts down, when there is no log
    any more.
    """
    with suppress(Exception):
        if is_logged(level):
            _logger().log(level, text, *values, exc_info=with_traceback or None)
