"""The engine with one thing wrong, of the kind that only a switch at the wrong moment shows. Each fault is a small change of its text."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any
from unittest import mock

import attrs

from alicred import CachingProvider
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
        exec(code, getattr(self.owner, self.method).__globals__, found)
        wrong: Callable[..., Any] = found[self.method]
        return wrong


_RECORD = "    if self.outcome is None:\n        self.error = error\n        self.outcome = outcome\n"
_POP = (
    "        try:\n            _, wake = self._waiters.popitem()\n"
    "        except KeyError:  # a waiter has left in between\n            break\n"
)
_LOOK_AGAIN = "    if self.outcome is not None and self._waiters.pop(key, None) is not None:\n"
_CHANGE = "    if state.successor.setdefault(None, changed) is not changed:\n        return False\n"
_WANTED = (
    "        if state.flight is not flight or flight.generation != state.snapshot.generation:\n"
    "            return Outcome.SUPERSEDED, None\n"
)

FAULTS = (
    # flights
    Fault(
        "a claim looks first and acts then", Flight, "claim",
        (("return self._runner.setdefault(None, runner) is runner",
          "if None not in self._runner:\n        self._runner[None] = runner\n    return self._runner[None] is runner"),),
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
         (_LOOK_AGAIN, "    if self.outcome is None:\n        self._waiters[key] = wake\n    else:\n")),
        "two_cold BACKGROUND",
    ),
    Fault(
        "who joins at the end is woken twice", Flight, "join",
        ((_LOOK_AGAIN, "    if self.outcome is not None:\n"),),
        "two_cold BACKGROUND",
    ),
    Fault(
        "a flight whose runner has ended is never lost", Flight, "is_lost",
        (("return not _is_alive(runner.frame) and self.outcome is None  # it may have ended a moment ago", "return False"),),
        "a_runner_that_ends_without_a_word BACKGROUND",
    ),
    Fault(
        "a flight that was never launched is never lost", Flight, "is_lost",
        (("launched is None or launched.run() is None", "launched is not None"),),
        "what_nobody_began_is_lost BACKGROUND",
    ),
    Fault(
        "a flight that waits for its thread is lost", Flight, "is_lost",
        (("monotonic() - launched.at > LATE_THREAD_SECONDS", "True"),),
        "two_cold BACKGROUND",
    ),
    # changes
    Fault(
        "a change looks first and acts then", CachingProvider, "_change",
        ((_CHANGE, "    if state.successor:\n        return False\n    state.successor[None] = changed\n"),),
        "two_cold BACKGROUND",
    ),
    Fault(
        "a change closes the hot path of no earlier state", CachingProvider, "_change",
        (("    state.until = -inf\n", ""),),
        "rejected_while_the_wall_clock_is_looked_at BACKGROUND", 2,
    ),
    Fault(
        "who comes too late with a change takes it for made", CachingProvider, "_change",
        ((_CHANGE, "    state.successor.setdefault(None, changed)\n"),),
        "two_cold BACKGROUND",
    ),
    Fault(
        "the newest state is taken for the one that was seen last", CachingProvider, "_newest",
        (("if state.successor:", "if False:"),),
        "interrupted_and_asking_again BACKGROUND",
    ),
    # outcomes
    Fault(
        "no generation is checked", CachingProvider, "_commit",
        ((" or flight.generation != state.snapshot.generation", ""),),
        "rejected_whatever_is_held INLINE",
    ),
    Fault(
        "whether a value is wanted is seen before it is committed", CachingProvider, "_commit",
        ((_WANTED, ""),
         ("    while True:\n",
          "    seen = self._current()\n"
          "    if seen.flight is not flight or flight.generation != seen.snapshot.generation:\n        return Outcome.SUPERSEDED, None\n"
          "    while True:\n")),
        "rejected_whatever_is_held BACKGROUND",
    ),
    Fault(
        "the waiters are woken before the flight is gone", CachingProvider, "_run",
        (("        self._end(flight)\n        flight.finish(outcome, error)",
          "        flight.finish(outcome, error)\n        self._end(flight)"),),
        "rejected_while_it_is_refreshed BACKGROUND",
    ),
    # what callers do
    Fault(
        "whether a flight is under way is not seen again when it is begun", CachingProvider, "_decide",
        (("if self._change(state, snapshot.started(", "if self._change(self._current(), snapshot.started("),),
        "two_cold BACKGROUND",
    ),
    Fault(
        "how the flight ended is seen after what is held", CachingProvider, "_ask",
        (("        outcome = flight.outcome  # before the look at what is held, which the outcome has changed\n", ""),
         ("        now, snapshot = self._now(), self._current().snapshot\n",
          "        now, snapshot = self._now(), self._current().snapshot\n        outcome = flight.outcome\n")),
        "longer_and_out_of_patience BACKGROUND", None,
    ),
    Fault(
        "the hot path reads two states", CachingProvider, "get",
        (("return state.value", "return self._state.value"),),
        "closed_while_it_is_served BACKGROUND",
    ),
    Fault(
        "a rejection does not mind what was changed meanwhile", CachingProvider, "invalidate",
        (("self._change(state, changed,", "self._change(self._current(), changed,"),),
        "rejected_by_two BACKGROUND",
    ),
    Fault(
        "who waits does not look whether the flight is still run", CachingProvider, "_wait",
        (("if flight.is_lost():", "if False:"),),
        "a_runner_that_ends_without_a_word BACKGROUND",
    ),
    # interrupts and forks
    Fault(
        "who was interrupted ends a flight that a thread runs", CachingProvider, "_discard",
        (("if flight.claim() or flight.is_lost():", "if True:"),),
        "what_a_thread_runs_is_left_to_it BACKGROUND",
    ),
    Fault(
        "who was interrupted wakes nobody", CachingProvider, "_discard",
        (("        flight.finish(Outcome.SUPERSEDED)", "        pass"),),
        "cold_and_interrupted INLINE",
    ),
    Fault(
        "a flight runs though its caller has given it up", CachingProvider, "_run",
        (("if not flight.claim():", "if flight.claim() and False:"),),
        "interrupted_and_asking_again BACKGROUND",
    ),
    Fault(
        "the child of a fork keeps the flight", CachingProvider, "_reset_in_child",
        (("None, -1)", "self._newest().flight, self._newest().pid)"),),
        "cold_and_forked BACKGROUND",
    ),
)  # fmt: skip
