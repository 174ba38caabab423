"""What alicred says to the log. Nothing that goes wrong there takes a credential out of service."""

from __future__ import annotations

from contextlib import suppress

DEBUG, INFO, WARNING, ERROR = 10, 20, 30, 40  # logging's own numbers: logging is imported only when there is something to say


def is_logged(level: int) -> bool:
    """Whether a line of *level* would be written."""
    import logging

    return logging.getLogger("alicred").isEnabledFor(level)


def log(level: int, text: str, *values: object, with_traceback: bool = False) -> None:
    """Write a line, with the traceback of the exception that is being handled if that is asked for.

    What a handler or a filter of the application raises is lost. So is the line while the interpreter shuts down, when there is no log
    any more.
    """
    with suppress(Exception):
        import logging

        logging.getLogger("alicred").log(level, text, *values, exc_info=with_traceback or None)
