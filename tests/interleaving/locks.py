"""Locks for strands."""

from __future__ import annotations

from typing import Any

from tests.interleaving.scheduler import MACHINERY, Run, Strand

MACHINERY.add(__file__)


class Lock:
    """`threading.Lock`, or `threading.RLock` if *reentrant*, for strands."""

    def __init__(self, run: Run, *, reentrant: bool = False) -> None:
        self._run, self._reentrant = run, reentrant
        self.owner: Strand | str | None = None
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        touches = (((self._run.number_of(self), "lock"), True),)
        me = self._run.current or "nobody"
        if blocking and timeout != 0:
            if not self._run.wait(touches, lambda: self._is_free_for(me), timeout if timeout > 0 else None):
                return False
        else:
            self._run.point(*touches)
        if not self._is_free_for(me):
            return False
        self.owner = me
        self._depth += 1
        return True

    def release(self) -> None:
        self._run.point(((self._run.number_of(self), "lock"), True), interruptible=False)
        if self.owner is None:
            raise RuntimeError("release unlocked lock")
        self._depth -= 1
        if self._depth <= 0:
            self.owner = None

    def _is_free_for(self, strand: object) -> bool:
        return self.owner is None or (self._reentrant and self.owner is strand)

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: Any) -> None:
        self.release()
