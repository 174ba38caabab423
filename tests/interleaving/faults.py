"""The engine with one thing wrong, of the kind that only a switch at the wrong moment shows. Each fault is a small change of its text."""

from __future__ import annotations

import inspect
import sys
import textwrap
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import attrs

from alicred import CachingProvider
from alicred.refresh.engine import Engine
from alicred.refresh.flight import Flight


@attrs.frozen
class Fault:
    """What is changed in which method, and a program that finds it: with so many surprises, or, if that is `None`, at random."""

    name: str
    owner: type
    method: str
    changes: tuple[tuple[str, str], ...]
    program: str
    bound: int | None = 1

    def planted(self) -> AbstractContextManager[object]:
        return mock.patch.object(self.owner, self.method, self._wrong())

    def _wrong(self) -> Callable[..., Any]:
        text = textwrap.dedent(inspect.getsource(getattr(self.owner, self.method)))
        for old, new in self.changes:
            assert text.count(old) == 1, f"{self.owner.__name__}.{self.method} has changed: plant {self.name!r} anew"
            text = text.replace(old, new)
        found: dict[str, Any] = {}
        code = compile(f"from __future__ import annotations\n{text}", inspect.getfile(self.owner), "exec")
        exec(code, vars(sys.modules[self.owner.__module__]), found)
        wrong: Callable[..., Any] = found[self.method]
        return wrong


_RECORD = "    if self.landing is None:\n        self.error = error\n        self.landing = landing\n"
_POP = (
    "        try:\n            _, wake = self._waiters.popitem()\n"
    "        except KeyError:  # a waiter has left in between\n            break\n"
)
_LOOK_AGAIN = "    if self.landing is not None and self._waiters.pop(key, None) is not None:\n"
_TAKE_OFF = "                    self._take_off(mine, now)\n"
_STALE = "        with self._lock:\n            self._stale_servings += 1\n            times = self._stale_servings\n"

FAULTS = (
    # flights
    Fault(
        "a claim looks first and acts then", Flight, "claim",
        (("return self._runner.setdefault(None, here) == here",
          "if None not in self._runner:\n        self._runner[None] = here\n    return self._runner[None] == here"),),
        "two_claim BACKGROUND",
    ),
    Fault(
        "the waiters are woken before the end is recorded", Flight, "finish",
        ((_RECORD, ""), ("        wake()\n", f"        wake()\n{_RECORD}")),
        "two_cold BACKGROUND", None,
    ),
    Fault(
        "the waiters are woken in a walk over them", Flight, "finish",
        (("while self._waiters:", "for wake in self._waiters.values():"),
         (_POP, "")),
        "two_cold BACKGROUND",
    ),
    Fault(
        "nobody minds a waiter who leaves at the end", Flight, "finish",
        (("except KeyError", "except NotImplementedError"),),
        "cold_and_out_of_patience BACKGROUND", 2,
    ),
    Fault(
        "who joins does not look whether the end has come", Flight, "join",
        ((_LOOK_AGAIN, "    if False:\n"),),
        "two_cold BACKGROUND",
    ),
    Fault(
        "who joins looks first and joins then", Flight, "join",
        (("    self._waiters[key] = wake\n", ""),
         (_LOOK_AGAIN, "    if self.landing is None:\n        self._waiters[key] = wake\n    else:\n")),
        "two_cold BACKGROUND",
    ),
    Fault(
        "who joins at the end is woken twice", Flight, "join",
        ((_LOOK_AGAIN, "    if self.landing is not None:\n"),),
        "two_cold BACKGROUND",
    ),
    # landing
    Fault(
        "no generation is checked", Engine, "_is_wanted",
        ((" and flight.generation == self._snapshot.generation", ""),),
        "rejected_whatever_is_held INLINE",
    ),
    Fault(
        "a landing is checked before the lock is taken", Engine, "_land",
        (("    with self._lock:\n        if not self._is_wanted(flight):\n            return Landing.UNWANTED\n",
          "    if not self._is_wanted(flight):\n        return Landing.UNWANTED\n    with self._lock:\n"),),
        "rejected_whatever_is_held BACKGROUND",
    ),
    Fault(
        "a landing is published after the lock is released", Engine, "_land",
        (("        self._publish(snapshot, self._now())\n", ""),
         ("    event = RefreshSucceeded(", "    self._publish(snapshot, self._now())\n    event = RefreshSucceeded(")),
        "rejected_whatever_is_held BACKGROUND",
    ),
    Fault(
        "a failure is published after the lock is released", Engine, "_crash",
        (("        self._publish(snapshot, now)\n", ""),
         ("    event = RefreshFailed(", "    self._publish(snapshot, now)\n    event = RefreshFailed(")),
        "rejected_while_the_refresh_fails BACKGROUND",
    ),
    Fault(
        "the waiters are woken before the flight is gone", Engine, "_fly",
        (("        self._end(flight)\n        flight.finish(landing, error)",
          "        flight.finish(landing, error)\n        self._end(flight)"),),
        "rejected_while_it_is_refreshed BACKGROUND",
    ),
    # what callers do
    Fault(
        "a flight takes off after the lock is released", CachingProvider, "_ask",
        ((_TAKE_OFF, ""),
         ("            if flight is mine:\n", "            if flight is mine:\n                self._take_off(mine, now)\n")),
        "two_cold BACKGROUND",
    ),
    Fault(
        "whether a flight is under way is seen before the lock is taken", CachingProvider, "_ask",
        (("                flight = self._flight\n", ""),
         ("            with self._lock:\n", "            flight = self._flight\n            with self._lock:\n")),
        "two_cold BACKGROUND",
    ),
    Fault(
        "how the flight ended is seen after what is held", CachingProvider, "_ask",
        (("        landing = flight.landing  # before the look at what is held, which the landing has changed\n", ""),
         ("        if landing is Landing.UNWANTED:\n            continue\n", ""),
         ("        now, snapshot = self._now(), self._snapshot\n",
          "        now, snapshot = self._now(), self._snapshot\n        landing = flight.landing\n"
          "        if landing is Landing.UNWANTED:\n            continue\n")),
        "longer_and_out_of_patience BACKGROUND", None,
    ),
    Fault(
        "the hot path reads in two pieces", CachingProvider, "get",
        (("until, value = self._entry", "until = self._entry[0]"), ("return value", "return self._entry[1]")),
        "rejected_while_it_is_served BACKGROUND",
    ),
    Fault(
        "a value is rejected without the lock", CachingProvider, "invalidate",
        (("with self._lock:", "if True:"),),
        "rejected_by_two BACKGROUND",
    ),
    Fault(
        "stale servings are counted without the lock", CachingProvider, "_serve",
        ((_STALE, "        self._stale_servings += 1\n        times = self._stale_servings\n"),),
        "stale_and_down BACKGROUND",
    ),
    Fault(
        "the cache is closed without the lock", CachingProvider, "close",
        (("with self._lock:", "if True:"),),
        "cold_and_closed INLINE",
    ),
    # interrupts and forks
    Fault(
        "nobody looks after the flight of a caller who was interrupted", CachingProvider, "_ask",
        (("self._abandon(mine)", "pass"),),
        "interrupted_and_asking_again BACKGROUND",
    ),
    Fault(
        "who was interrupted ends a flight that somebody else runs", Engine, "_abandon",
        (("if flight.claim():", "if True:"),),
        "interrupted_and_asking_again BACKGROUND",
    ),
    Fault(
        "who was interrupted wakes nobody", Engine, "_abandon",
        (("        flight.finish(Landing.UNWANTED)", ""),),
        "cold_and_interrupted INLINE",
    ),
    Fault(
        "a flight runs though its caller has given it up", Engine, "_fly",
        (("if not flight.claim():", "if False:"),),
        "interrupted_and_asking_again BACKGROUND",
    ),
    Fault(
        "the child of a fork keeps the lock", Engine, "_reset_in_child",
        (("    self._lock = threading.RLock()\n", ""),),
        "cold_and_forked BACKGROUND",
    ),
    Fault(
        "the child of a fork keeps the flight", Engine, "_reset_in_child",
        (("    self._flight = None\n", ""),),
        "cold_and_forked BACKGROUND",
    ),
)  # fmt: skip
