"""The variables as the providers of the façade see them: the process's own, and before them what was assigned to `auth_util`."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from alicred._internal.environ import variable

_assigned: dict[str, str | None] = {}


class _Environ(Mapping[str, str]):
    """``os.environ`` at the time of each look, under what was assigned. Thread- and fork-safe; a pickle of it is a reference to it."""

    def __getitem__(self, name: str) -> str:
        if name not in _assigned:
            return os.environ[name]
        value = _assigned[name]
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        assigned = dict(_assigned)
        return iter([name for name in {*os.environ, *assigned} if assigned.get(name, "") is not None])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __reduce__(self) -> str:
        return "ENVIRON"


ENVIRON: Mapping[str, str] = _Environ()


def assign(name: str, value: str | None, default: str | None) -> None:
    """Have *value* count in place of the variable *name*; ``None`` as if it were not set.

    A *value* that the variable, or *default* where it is not set, has anyway ends an earlier assignment: that is how test tools undo one.
    """
    if value == (variable(os.environ, name) or default):
        _assigned.pop(name, None)
    else:
        _assigned[name] = value


def forget(name: str) -> None:
    """Have the variable *name* count again."""
    _assigned.pop(name, None)
