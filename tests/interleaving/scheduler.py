"""Threads that switch only where a schedule says so.

A *strand* is a real thread of which one at a time runs. Before each step that another strand could notice (a lock, a shared attribute, a
call to the source) it comes to a *point*; there the schedule decides who goes on. A strand that has to wait is never blocked by the
system, so it is always known who can go on. If nobody can, the run is stuck, and that is a failure. Time moves only when a time-out is
chosen to end, or when a program moves it.
"""

from __future__ import annotations

import _thread
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import Enum
from typing import Any, NamedTuple

from alicred.testing import FakeClock

Touch = tuple[object, bool]
"""What a step touches, and whether it changes that."""

Trace = list[tuple[str, str]]
"""Who did each step, and where."""

_MOST_STEPS = 3000  # ten times what any program takes: more is a circle
_REAL_SECONDS = 50  # a run takes milliseconds: after so long a strand is blocked by something that is not modelled


class Stuck(AssertionError):
    """Nobody can go on."""


class Unwound(BaseException):
    """Ends a strand whose run is over. No error, so that nothing takes it for one."""


class Move(Enum):
    """What can happen to a strand next."""

    STEP = "goes on"
    EXPIRE = "stops waiting: its time is over"
    INTERRUPT = "is interrupted"


class Option(NamedTuple):
    """One way for a run to go on."""

    strand: int
    move: Move
    touches: tuple[Touch, ...]
    cost: int
    """1 for what a scheduler need not do: to take a strand off that could go on, or to let a time-out end before it has to."""

    def depends_on(self, other: Option) -> bool:
        """Whether it makes a difference which of the two comes first."""
        if self.strand == other.strand:
            return True
        return any(a == b and (writes or changes) for a, writes in self.touches for b, changes in other.touches)


Choose = Callable[[Sequence[Option]], "int | None"]
"""Picks one of the options; `None` gives the run up."""


class Strand:
    """One thread of a run."""

    def __init__(self, number: int, name: str, work: Callable[[], object], interrupts: int) -> None:
        self.number, self.name, self.work = number, name, work
        self.interrupts_left = interrupts
        self.here_interruptible = False
        self.baton = _thread.allocate_lock()
        self.baton.acquire()
        self.touches: tuple[Touch, ...] = ()
        self.where = ""
        self.can_go_on: Callable[[], bool] | None = None
        self.deadline: float | None = None
        self.move = Move.STEP
        self.waits = 0
        self.done = self.frozen = False
        self.crash: BaseException | None = None


class Run:
    """One run of a program under one schedule.

    Args:
        choose: The schedule.
        clock: What shows the time.
        timeouts: Whether a wait may end by its time-out. If not, who is not woken waits for ever, and is found out.
        last_resort: Whether it may where no strand could go on otherwise.
        trace: Where to write down each step, which takes time.
    """

    def __init__(
        self, choose: Choose, clock: FakeClock, *, timeouts: bool = False, last_resort: bool = False, trace: Trace | None = None
    ) -> None:
        self.choose, self.clock, self.timeouts, self.last_resort, self.trace = choose, clock, timeouts, last_resort, trace
        self.strands: list[Strand] = []
        self.current: Strand | None = None
        self.failed: AssertionError | None = None
        self.given_up = self.unwinding = False
        self.has_threads = True
        self.taken = 0
        self._numbers: dict[int, tuple[int, object]] = {}
        self._over = _thread.allocate_lock()
        self._over.acquire()

    def spawn(self, work: Callable[[], object], name: str, *, interrupts: int = 0) -> Strand:
        """A new strand, which runs when the schedule says so, and may be interrupted so often."""
        strand = Strand(len(self.strands), name, work, interrupts)
        self.strands.append(strand)
        _thread.start_new_thread(self._live, (strand,))
        return strand

    def play(self) -> None:
        """Run until every strand has ended, nobody can go on, or the schedule gives up."""
        self._hand_over(None)
        if not self._over.acquire(timeout=_REAL_SECONDS):
            raise AssertionError(f"{self.current and self.current.name} is blocked by something that is not modelled")
        self.current, self.unwinding = None, True
        for strand in self.strands:
            if not strand.done:
                strand.baton.release()
                if not self._over.acquire(timeout=_REAL_SECONDS):
                    raise AssertionError(f"{strand.name} cannot be unwound")
        self.unwinding = False
        if self.failed is not None:
            raise self.failed

    # What strands call

    def point(self, *touches: Touch, interruptible: bool = True) -> None:
        """The calling strand is about to touch that. No point outside of `play`."""
        if self.unwinding:
            raise Unwound
        strand = self.current
        if strand is None:
            return
        strand.touches, strand.here_interruptible = touches, interruptible
        if self.trace is not None:
            strand.where = _location(sys._getframe(1))
        self._hand_over(strand)

    def wait(self, touches: tuple[Touch, ...], can_go_on: Callable[[], bool], seconds: float | None) -> bool:
        """Have the calling strand wait; whether it could go on before its time was over."""
        strand = self.current
        if strand is None:
            if not self.unwinding and not can_go_on():
                raise Stuck("this would wait for ever: a lock was left held")
            self.point()
            return True
        strand.can_go_on = can_go_on
        strand.deadline = None if seconds is None else self.clock.monotonic() + seconds
        if not can_go_on():
            strand.waits += seconds is not None
        try:
            self.point(*touches)
        finally:
            strand.can_go_on = strand.deadline = None
        return strand.move is not Move.EXPIRE

    def freeze_others(self) -> None:
        """Let no other strand run ever again, as if this were a forked child."""
        for strand in self.strands:
            strand.frozen = strand is not self.current

    def number_of(self, thing: object) -> int:
        """A number for *thing*, the same in each run of the same schedule."""
        return self._numbers.setdefault(id(thing), (len(self._numbers), thing))[0]

    # The machinery

    def _live(self, strand: Strand) -> None:
        strand.baton.acquire()
        try:
            if not self.unwinding:
                strand.work()
        except Unwound:
            pass
        except BaseException as error:
            strand.crash = error
        strand.done = True
        if self.unwinding:
            self._over.release()
        else:
            self._hand_over(strand)

    def _options(self, current: Strand | None) -> list[Option]:
        """What can happen next; going on with *current* comes first."""
        options, expiring = list[Option](), list[Strand]()
        goes_on = False
        for strand in self.strands if current is None else [current, *(each for each in self.strands if each is not current)]:
            if strand.done or strand.frozen:
                continue
            is_ready = strand.can_go_on is None or strand.can_go_on()
            cost = int(goes_on)
            if is_ready:
                goes_on = goes_on or strand is current
                options.append(Option(strand.number, Move.STEP, strand.touches, cost))
            elif strand.deadline is not None and (self.timeouts or self.last_resort):
                expiring.append(strand)
            if strand.interrupts_left and strand.here_interruptible:
                options.append(Option(strand.number, Move.INTERRUPT, (), cost))
        if not expiring:
            return options
        must_expire = not any(option.move is Move.STEP for option in options)
        if not must_expire and not self.timeouts:
            return options
        earliest = min(strand.deadline or 0 for strand in expiring)
        for strand in expiring:
            if strand.deadline == earliest or not must_expire:
                options.append(Option(strand.number, Move.EXPIRE, (*strand.touches, ("clock", True)), int(not must_expire)))
        return options

    def _hand_over(self, strand: Strand | None) -> None:
        option = self._next(strand)
        if option is None:
            self._over.release()
        elif strand is None or option.strand != strand.number:
            self.current = self.strands[option.strand]
            self.current.baton.release()
        else:
            self._resume(strand)
            return
        if strand is not None and not strand.done:
            strand.baton.acquire()
            self._resume(strand)

    def _next(self, strand: Strand | None) -> Option | None:
        options = self._options(strand)
        if not any(option.move is not Move.INTERRUPT for option in options):
            waiting = [strand.name for strand in self.strands if not strand.done and not strand.frozen]
            if waiting:
                self.failed = Stuck(f"nobody can go on: {', '.join(waiting)} would wait for ever")
                return None
        if not options:
            return None
        self.taken += 1
        if self.taken > _MOST_STEPS:
            self.failed = Stuck("the strands go round in a circle")
            return None
        try:
            chosen = self.choose(options)
        except AssertionError as error:  # which is for who plays, not for a strand
            self.failed = error
            return None
        if chosen is None:
            self.given_up = True
            return None
        option = options[chosen]
        taken = self.strands[option.strand]
        taken.move = option.move
        if option.move is Move.EXPIRE:
            self.clock.advance(timedelta(seconds=max(0.0, (taken.deadline or 0) - self.clock.monotonic())))
        elif option.move is Move.INTERRUPT:
            taken.interrupts_left -= 1
        if self.trace is not None:
            self.trace.append((taken.name, taken.where if option.move is Move.STEP else f"{option.move.value} ({taken.where})"))
        return option

    def _resume(self, strand: Strand) -> None:
        if self.unwinding:
            raise Unwound
        if strand.move is Move.INTERRUPT:
            raise KeyboardInterrupt


def _location(frame: Any) -> str:
    """The line of the library, or of a program, that led here; nothing for the strand's own beginning and end."""
    while frame.f_code.co_filename in MACHINERY:
        if frame.f_back is None:
            return ""
        frame = frame.f_back
    return f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno} in {frame.f_code.co_name}"


MACHINERY = {__file__}
"""Files that no step is said to be in."""
