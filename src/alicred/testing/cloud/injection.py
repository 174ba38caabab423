"""Which fault a request gets, and where the delayed ones wait."""

from __future__ import annotations

import threading

import attrs

from alicred.testing.faults import Delay, Fault, Hang, Latency


@attrs.define(eq=False)
class Injected:
    """A pending fault: for one operation or for all, so many times or (``None``) without end."""

    fault: Fault
    operation: str | None
    left: int | None


class Injections:
    """The pending faults, first come, first served. Thread-safe; nothing blocks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Injected] = []

    def add(self, fault: Fault, operation: str | None, times: int | None) -> Injected:
        injected = Injected(fault, operation, times)
        with self._lock:
            self._waiting.append(injected)
        return injected

    def remove(self, injected: Injected) -> None:
        with self._lock:
            self._waiting = [each for each in self._waiting if each is not injected]

    def clear(self) -> None:
        with self._lock:
            self._waiting = []

    def draw(self, operation: str) -> tuple[Delay | None, Fault | None]:
        """The first delay and the first other fault for a request of *operation*; each has then been used once."""
        delay: Delay | None = None
        other: Fault | None = None
        if not self._waiting:
            return None, None
        with self._lock:
            for injected in self._waiting:
                if injected.operation not in (None, operation):
                    continue
                fault = injected.fault
                if isinstance(fault, Delay):
                    if delay is not None:
                        continue
                    delay = fault
                elif other is None:
                    other = fault
                else:
                    continue
                if injected.left is not None:
                    injected.left -= 1
            self._waiting = [each for each in self._waiting if each.left != 0]
        return delay, other


class Gate:
    """Where delayed answers wait. Thread-safe; only `passes` blocks."""

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self._closed = False
        self._releases = 0

    def passes(self, delay: Delay) -> bool:
        """Wait as *delay* says; false if the cloud was stopped meanwhile."""
        with self._moved:
            releases = self._releases
            span = delay.span if isinstance(delay, (Latency, Hang)) else None
            self._moved.wait_for(
                lambda: self._closed or (isinstance(delay, Hang) and self._releases != releases),
                None if span is None else span.total_seconds(),
            )
            return not self._closed

    def release(self) -> None:
        """Let go what hangs now."""
        with self._moved:
            self._releases += 1
            self._moved.notify_all()

    def close(self, *, closed: bool = True) -> None:
        """Let everything go unanswered, from now on; ``closed=False`` undoes that."""
        with self._moved:
            self._closed = closed
            self._moved.notify_all()
