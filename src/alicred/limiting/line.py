"""Who waits for a turn under one limit, and whose turn it is, in one process."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import count
from math import inf
from types import FrameType
from typing import cast
from weakref import ref

from alicred._internal.forks import watch
from alicred._internal.frames import is_executing, this_frame
from alicred._internal.owned_lock import NotAcquired, OwnedLock
from alicred._internal.real_time import monotonic
from alicred.clock import Clock
from alicred.policy.limit import Limit
from alicred.refresh.flight import LATE_THREAD_SECONDS
from alicred.refresh.threads import start_thread

LONGEST_WAIT = 30.0
"""Seconds for which a thread waits for its turn, at most."""

_LOOK = 0.25  # seconds between two looks for turns whose end was not announced
_SHORTEST, _LONGEST = 0.1, 5.0  # seconds after which one that has been sent away may come again
_SLACK = 1.0  # seconds by which it may be late, and finds its turn kept
_LONGEST_SLEEP = 86400.0  # seconds that a clock is asked to sleep for in one call
_FORGET = 60.0  # seconds after which it has lost its place


class NotYet(Exception):
    """It is not this one's turn.

    Args:
        until: When to come again.
        waiting: How many wait.
        place: The place in the line that is kept.
    """

    def __init__(self, until: timedelta, waiting: int, place: Place | None = None) -> None:
        super().__init__()
        self.until = until
        self.waiting = waiting
        self.place = place


class Place:
    """A place in the line, and then a turn.

    It belongs to a frame, or to a thread that is being started: with these it is gone, whatever ended them. One whose owner was sent away
    is kept for a while.
    """

    __slots__ = (
        "_launched",
        "_launched_at",
        "frame",
        "gate",
        "is_asleep",
        "is_paid",
        "is_patient",
        "is_unused",
        "kept_until",
        "left_free",
        "starts_at",
        "thread",
        "ticket",
        "work",
    )  # fmt: skip

    def __init__(self, ticket: int) -> None:
        self.ticket = ticket
        self.left_free: list[None] = []  # holds something for the first who comes back to it: a list, since its pop is one step
        self.frame: FrameType | None = None
        self.thread = 0
        self.gate: threading.Lock | None = None
        self.work: _Work | None = None
        self._launched: ref[_Work] | None = None
        self._launched_at = 0.0
        self.kept_until: float | None = None
        self.is_patient = True
        self.starts_at = -inf
        self.is_asleep = False
        self.is_unused = False
        self.is_paid = True

    def belongs_to(self, frame: FrameType | None) -> None:
        """Have the calling thread own it, until *frame* ends."""
        self.thread = threading.get_ident()
        self.frame = frame
        self.kept_until = None

    def launched(self, work: _Work) -> None:
        """Have the thread own it that is about to do *work*, and which alone keeps that."""
        self._launched_at = monotonic()
        self._launched = ref(work)
        self.work = None

    def is_gone(self) -> bool:
        """Whether no one is left whose place it could be."""
        if self.frame is not None:
            return not is_executing(self.frame)
        if self.kept_until is not None:
            return False
        if self.work is not None:
            return self.work.is_over()
        work = None if self._launched is None else self._launched()
        return work is None or (monotonic() - self._launched_at > LATE_THREAD_SECONDS and work.take() is not None)


class _Work:
    """What is to be called on a thread when the turn at *place* has come."""

    __slots__ = ("__weakref__", "_calls", "clock", "is_over", "name", "place")

    def __init__(self, call: Callable[[], None], name: str, is_over: Callable[[], bool], place: Place, clock: Clock) -> None:
        self._calls = [call]  # a list, since its pop is one step
        self.name = name
        self.is_over = is_over
        self.place = place
        self.clock = clock

    def take(self) -> Callable[[], None] | None:
        """What is to be called, for the first that asks: the thread, or who has waited for that too long."""
        try:
            return self._calls.pop()
        except IndexError:
            return None


class _Books:
    """What is known of one line in one process."""

    def __init__(self) -> None:
        self.lock = OwnedLock()
        self.waiting: OrderedDict[int, Place] = OrderedDict()  # by ticket, in their order
        self.turns: dict[int, Place] = {}
        self.tickets = count()
        self.paid_until = -inf
        """Each beginning is paid for with the time between two of them: up to when that has been done."""


class Line:
    """Hands out the turns of one limit: first come, first served.

    Those who wait are kept in the order of their arrival. A turn is over when its frame has ended, whether or not that was announced. The
    line has no thread: each arrival and each end of a turn moves it on.

    Every change is made under a lock, in single steps between which an interrupt does no harm.
    """

    def __init__(self, limit: Limit) -> None:
        self._interval = 0.0 if limit.per_second is None else 1 / limit.per_second
        self._burst = (limit.burst - 1) * self._interval
        self._slots = inf if limit.concurrent is None else limit.concurrent
        self._books: dict[int, _Books] = {}  # by process
        watch(self, Line._reset)

    def _reset(self) -> None:
        self._books = {}

    def _now(self) -> _Books:
        pid = os.getpid()
        return self._books.get(pid) or self._books.setdefault(pid, _Books())

    def counts(self) -> tuple[int, int]:
        """How many have a turn, and how many wait for one."""
        books = self._now()
        return len(books.turns), len(books.waiting)

    def forget_the_gone(self) -> None:
        """Remove the places that no one wants any more. Without this, that is done when their turn would come."""
        books = self._now()

        def forget() -> None:
            for ticket in [ticket for ticket, place in books.waiting.items() if place.is_gone()]:
                books.waiting.pop(ticket, None)

        with suppress(NotAcquired):
            books.lock.run(forget)

    # Turns for the thread that asks

    def take(self, frame: FrameType, kept: Place | None, clock: Clock, *, patient: bool) -> Place | None:
        """A turn that lasts until *frame* ends, or `leave` is called with it; ``None`` if this thread has one already.

        Args:
            frame: To whom it belongs: to a caller of this.
            kept: The place of one that was sent away.
            clock: Where the time comes from.
            patient: Whether to wait for it, and for the moment at which it begins.

        Raises:
            NotYet: It is another one's turn.
        """
        books = self._now()
        mine = _turn_of_this_thread(books)
        if mine is not None:
            self._again(books, mine, clock, patient=patient)
            return None
        place = kept if kept is not None and _is_taken_again(books, kept) else Place(next(books.tickets))
        place.gate, place.is_patient = threading.Lock(), patient
        place.gate.acquire()
        place.belongs_to(frame)
        give_up_at = monotonic() + LONGEST_WAIT
        try:
            self._move_on(books, clock, newcomer=place)
            while place.ticket not in books.turns:
                left = give_up_at - monotonic()
                if patient and left > 0:
                    place.gate.acquire(timeout=min(left, _LOOK))
                    self._move_on(books, clock)
                elif not self._keep(books, place, clock):
                    raise NotYet(self._until(books, clock), len(books.waiting), place)
            self._sleep(books, place, clock)
        except NotYet:
            raise
        except BaseException:
            self.leave(place, clock)
            raise
        return place

    def leave(self, turn: Place | None, clock: Clock, following: list[_Work] | None = None) -> None:
        """*turn* is over. Where the next one comes with a thread, the calling one may do that work: then it is put into *following*."""
        if turn is not None:
            try:
                self._move_on(self._now(), clock, ended=turn, following=following)
            finally:
                turn.frame = turn.kept_until = None

    def _again(self, books: _Books, mine: Place, clock: Clock, *, patient: bool) -> None:
        """A source that has its turn asks another one, or asks again: it goes on with its turn, and pays for each time it asks."""
        if mine.is_unused:
            mine.is_unused = False
        elif mine.is_paid:
            mine.is_paid = False
        elif self._interval:
            try:
                starts_at = books.lock.run(lambda: self._pay(books, clock.monotonic(), at_once=not patient))
            except NotAcquired:
                raise NotYet(timedelta(seconds=_SHORTEST), len(books.waiting)) from None
            _sleep_until(starts_at, clock)

    def _pay(self, books: _Books, now: float, *, at_once: bool) -> float:
        starts_at = self._next(books, now)
        if at_once and starts_at > now:
            raise NotYet(timedelta(seconds=min(_LONGEST, starts_at - now)), len(books.waiting))
        books.paid_until = max(starts_at, books.paid_until) + self._interval
        return starts_at

    def _keep(self, books: _Books, place: Place, clock: Clock) -> bool:
        """Send the owner of *place* away, and keep that for it; true if it has just got its turn instead."""

        def keep() -> bool:
            if place.ticket in books.turns:
                return True
            place.kept_until = clock.monotonic() + self._until(books, clock).total_seconds() + _SLACK
            place.left_free.append(None)
            place.frame = None
            return False

        return books.lock.run(keep)

    def _until(self, books: _Books, clock: Clock) -> timedelta:
        """When one that is sent away now may come again."""
        waiting = len(books.waiting)
        for_beginnings = books.paid_until - self._burst + waiting * self._interval - clock.monotonic()
        for_turns = waiting / self._slots  # a second for each
        return timedelta(seconds=max(_SHORTEST, min(_LONGEST, max(for_beginnings, for_turns))))

    # Turns that come with a thread

    def submit(self, run: Callable[[], None], name: str, is_over: Callable[[], bool], clock: Clock) -> Callable[[], None] | None:
        """Have *run* called on a thread called *name* when its turn has come, unless it *is_over* by then.

        Returns:
            ``None`` if that is now, else what has the line look whose turn it is.

        Raises:
            RuntimeError: It is now, and no thread can be started.
        """
        books = self._now()
        place = Place(next(books.tickets))
        place.work = _Work(run, name, is_over, place, clock)
        try:
            has_begun_or_waits = self._move_on(books, clock, newcomer=place)
        except NotYet:
            raise RuntimeError from None
        if not has_begun_or_waits:
            raise RuntimeError
        if place.ticket in books.waiting or place.is_asleep:
            return partial(self._look, books, clock)
        return None

    def _work(self, books: _Books, work: _Work) -> None:
        """What the thread does that comes with a turn. When that is over, it goes on with the next one's."""
        following: list[_Work] = [work]
        while following:
            following = self._run(books, following.pop())

    def _run(self, books: _Books, work: _Work) -> list[_Work]:
        """Do *work*; what this thread is to do next, if anything."""
        place, clock = work.place, work.clock
        following: list[_Work] = []
        place.is_unused = True
        place.belongs_to(this_frame())
        call = work.take()
        if call is None:  # so late that its turn is over
            return following
        try:
            self._sleep(books, place, clock)
            if not work.is_over():
                threading.current_thread().name = work.name
                call()
        except BaseException:
            self.leave(place, clock)
            raise
        self.leave(place, clock, following)
        return following

    def _sleep(self, books: _Books, place: Place, clock: Clock) -> None:
        """Sleep until the turn begins."""
        if place.is_asleep:
            _sleep_until(place.starts_at, clock)
            place.is_asleep = False
            self._move_on(books, clock)

    # The line

    def _look(self, books: _Books, clock: Clock) -> None:
        """Find out whose turn it is."""
        self._move_on(books, clock)

    def _move_on(
        self,
        books: _Books,
        clock: Clock,
        *,
        newcomer: Place | None = None,
        ended: Place | None = None,
        following: list[_Work] | None = None,
    ) -> bool:
        """Hand out the turns that can be had; false if *newcomer* has one and its thread cannot be started.

        Args:
            books: Of this process.
            clock: Where the time comes from.
            newcomer: A place that is new in the line.
            ended: A turn that is over.
            following: Where the calling thread finds work of a turn, which needs no other thread then.
        """
        launched: list[_Work] = []
        now = clock.monotonic()

        def move() -> None:
            if ended is not None and books.turns.get(ended.ticket) is ended:  # in a forked child it is none
                books.turns.pop(ended.ticket, None)
            if ended is not None and books.waiting.get(ended.ticket) is ended:  # what waited for it was interrupted
                books.waiting.pop(ended.ticket, None)
            if newcomer is not None:
                books.waiting.setdefault(newcomer.ticket, newcomer)
            for place in self._called(books, now):
                self._give(books, place, now, launched)

        try:
            books.lock.run(move)
        except NotAcquired:  # this thread is at it already: what interrupts it asks too
            if newcomer is not None:
                raise NotYet(timedelta(seconds=_SHORTEST), len(books.waiting)) from None
        succeeded = True
        for work in launched:
            if following is not None and not following:
                following.append(work)
                continue
            try:
                start_thread(partial(self._work, books, work), work.name)
            except RuntimeError:  # what was to run is gone with *work*, and the place with it
                books.turns.pop(work.place.ticket, None)
                succeeded = succeeded and work.place is not newcomer
        return succeeded

    def _called(self, books: _Books, now: float) -> list[Place]:
        """Those who are to have a turn now."""
        for ticket, turn in list(books.turns.items()):
            if turn.is_gone():
                books.turns.pop(ticket, None)
        taken, begun = len(books.turns), 0  # with what is kept for those who were sent away
        is_one_kept = False
        is_one_asleep = any(turn.is_asleep for turn in list(books.turns.values()))
        called: list[Place] = []
        gone: list[int] = []
        for ticket, place in books.waiting.items():
            starts_at = self._next(books, now, begun)
            if taken >= self._slots or (starts_at > now and (is_one_asleep or is_one_kept)):
                break
            if ticket in books.turns or place.is_gone() or (place.kept_until is not None and now > place.kept_until + _FORGET):
                gone.append(ticket)
            elif place.kept_until is None and (place.is_patient or starts_at <= now):
                called.append(place)
                is_one_asleep = is_one_asleep or starts_at > now
                place.starts_at = starts_at
                taken, begun = taken + 1, begun + 1
            elif place.kept_until is None or now <= place.kept_until:
                is_one_kept = True
                taken, begun = taken + 1, begun + 1
        for ticket in gone:
            books.waiting.pop(ticket, None)
        return called

    def _next(self, books: _Books, now: float, before: int = 0) -> float:
        """When the next one may begin, after so many others *before* it."""
        if not self._interval:
            return now
        return max(now, max(now, books.paid_until) + before * self._interval - self._burst)

    def _give(self, books: _Books, place: Place, now: float, launched: list[_Work]) -> None:
        """*place* gets its turn."""
        if self._interval:
            books.paid_until = max(place.starts_at, books.paid_until) + self._interval
        place.is_asleep = place.starts_at > now
        work = place.work
        if work is not None:
            launched.append(work)
            place.launched(work)
        books.turns[place.ticket] = place
        books.waiting.pop(place.ticket, None)
        if place.gate is not None:
            with suppress(RuntimeError):  # it is open already
                place.gate.release()


def _turn_of_this_thread(books: _Books) -> Place | None:
    thread = threading.get_ident()
    for turn in list(books.turns.values()):
        if turn.thread == thread and turn.frame is not None and not turn.is_gone():
            return turn
    return None


def _is_taken_again(books: _Books, kept: Place) -> bool:
    """Whether *kept* is a place in the line that the caller may have."""
    if books.waiting.get(kept.ticket) is not kept:
        return False
    try:
        kept.left_free.pop()
    except IndexError:  # another thread has come back to it
        return False
    return True


def _sleep_until(moment: float, clock: Clock) -> None:
    while (left := moment - clock.monotonic()) > 0:
        clock.sleep(timedelta(seconds=min(left, _LONGEST_SLEEP)) or timedelta.resolution)


def line_of(limit: Limit) -> Line:
    """The line of *limit* in this process."""
    lines = limit._line  # pyright: ignore[reportPrivateUsage]
    return cast("Line", lines.get(None) or lines.setdefault(None, Line(limit)))
