"""Public names whose modules are loaded when they are first used, so that an import costs only what is needed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module

from alicred._internal.public import public


@public("alicred")
def lazily(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """``__getattr__`` and ``__dir__`` for *package*, whose names are found in the modules that *homes* gives them.

    A name whose home is called like it is that module itself.

    Thread-safe as imports are. Hide the two from type checkers, which would take them for leave to use any name.
    """

    def load(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        # Not kept here: a test tool such as pyfakefs takes modules that were loaded while it was active out again.
        home = import_module(homes[name])
        return home if homes[name] == f"{package}.{name}" else getattr(home, name)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *homes})

    return load, names
