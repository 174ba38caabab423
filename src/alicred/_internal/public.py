"""Public classes and functions name the public module from which they are imported."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def public(module: str) -> Callable[[T], T]:
    """Have a class or a function say that it belongs to *module*: a decorator.

    Tracebacks and pickles then name *module*, never the module in which the code happens to stand: a pickle still loads after that moved.
    """

    def publish(thing: T) -> T:
        thing.__module__ = module
        return thing

    return publish
