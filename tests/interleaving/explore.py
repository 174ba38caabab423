"""Tries the schedules of a program: all of them, all within a bound, or some at random; and tells how to see a failure again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import attrs

from tests.interleaving.scheduler import Choose, Move, Option, Run, Trace

_LENGTH = 60  # a guess, for the first run


class Program(Protocol):
    """What is run under every schedule."""

    @property
    def name(self) -> str: ...

    def __call__(self, choose: Choose, *, trace: Trace | None = None) -> Run:
        """Run it once, and raise what is wrong with that."""
        ...


class Irreproducible(AssertionError):
    """The same choices led elsewhere: something that is not modelled takes part."""


@attrs.define
class Explored:
    """What an exploration has seen."""

    schedules: int = 0
    """Runs that came to their end."""
    pruned: int = 0
    """Runs given up, since they only change the order of steps that have nothing to do with each other."""
    longest: int = 0
    seconds: float = 0.0
    exhausted: bool = False


@attrs.define
class _Fork:
    """One decision on the way, and what is still to be tried there."""

    options: tuple[Option, ...]
    asleep: tuple[Option, ...]
    spent: int
    index: int = -1

    def advance(self, bound: int | None) -> bool:
        """On to the next option that is worth it."""
        self.index += 1
        while self.index < len(self.options):
            option = self.options[self.index]
            if (bound is None or self.spent + option.cost <= bound) and not _is_among(option, self.asleep):
                return True
            self.index += 1
        return False

    @property
    def option(self) -> Option:
        return self.options[self.index]


def _is_among(option: Option, others: Sequence[Option]) -> bool:
    return any(option.strand == other.strand and option.move is other.move for other in others)


class _Search:
    """Depth first through the tree of decisions, at most *bound* of them dear; with no bound, but for orders that make no difference.

    Those are left out by sleep sets: once a step has been tried, it need not be tried in what comes after its siblings, until
    something happens that it depends on.
    """

    def __init__(self, bound: int | None) -> None:
        self.bound = bound
        self.path: list[_Fork] = []
        self.depth = 0

    def choose(self, options: Sequence[Option]) -> int | None:
        if self.depth == len(self.path):
            fork = self._fork(tuple(options))
            if not fork.advance(self.bound):
                return None
            self.path.append(fork)
        fork = self.path[self.depth]
        if fork.options != tuple(options):
            raise Irreproducible(f"step {self.depth} had other options before: {fork.options} and now {options}")
        self.depth += 1
        return fork.index

    def _fork(self, options: tuple[Option, ...]) -> _Fork:
        if not self.path:
            return _Fork(options, (), 0)
        before = self.path[-1]
        spent = before.spent + before.option.cost
        if self.bound is not None:
            return _Fork(options, (), spent)
        tried = (*before.asleep, *before.options[: before.index])
        return _Fork(options, tuple(option for option in tried if not option.depends_on(before.option)), spent)

    def next(self) -> bool:
        """On to the next schedule."""
        self.depth = 0
        while self.path and not self.path[-1].advance(self.bound):
            self.path.pop()
        return bool(self.path)


class _Recorder:
    """Notes the choices that differ from the first option: a schedule is written as them, ``step:choice``."""

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self.step = 0
        self.choices: dict[int, int] = {}

    def __call__(self, options: Sequence[Option]) -> int | None:
        chosen = self._choose(options)
        if chosen:
            self.choices[self.step] = chosen
        self.step += 1
        return chosen


def written(choices: dict[int, int]) -> str:
    return " ".join(f"{step}:{choice}" for step, choice in sorted(choices.items())) or "none"


def read(schedule: str) -> dict[int, int]:
    pairs = [pair.partition(":") for pair in schedule.split() if pair != "none"]
    return {int(step): int(choice) for step, _, choice in pairs}


def following(choices: dict[int, int]) -> Choose:
    """The first option everywhere but at the steps in *choices*."""
    step = -1

    def choose(options: Sequence[Option]) -> int:
        nonlocal step
        step += 1
        chosen = choices.get(step, 0)
        return chosen if chosen < len(options) else 0

    return choose


def at_random(seed: str, length: int) -> Choose:
    """Anything goes, but mostly little of it: many faults take one switch at the right moment, and then none for a while.

    Args:
        seed: What is drawn, and what not.
        length: How many steps the program takes, more or less.
    """
    draw = random.Random(seed)
    moments = {draw.randrange(length) for _ in range(draw.choice((1, 1, 2, 3, length // 4)))}
    step = -1

    def choose(options: Sequence[Option]) -> int:
        nonlocal step
        step += 1
        if step in moments:
            return draw.randrange(len(options))
        free = [number for number, option in enumerate(options) if option.cost == 0 and option.move is not Move.INTERRUPT]
        return draw.choice(free) if free else 0

    return choose


class Failure(AssertionError):
    """A schedule under which a program does what it must not."""

    def __init__(self, program: str, choices: dict[int, int], error: BaseException, steps: Trace) -> None:
        self.program, self.choices, self.error, self.runs = program, choices, error, 1
        super().__init__(
            f"{program}: {type(error).__name__}: {error}\n"
            f"  see it again:  make test ARGS=\"tests/interleaving --program '{program}' --schedule '{written(choices)}'\"\n"
            "  what happened:\n" + "\n".join(f"    {line}" for line in _story(steps))
        )


def _story(steps: Trace) -> Iterator[str]:
    """One line for each stretch that one strand ran for."""
    start = 0
    for end in range(1, len(steps) + 1):
        if end == len(steps) or steps[end][0] != steps[start][0]:
            name, first, last = steps[start][0], steps[start][1], steps[end - 1][1]
            yield f"{name:>12}: {end - start:3} steps, from {first or 'its start'} to {last or 'its end'}"
            start = end


def check(program: Program, choices: dict[int, int]) -> None:
    """Run *program* under one schedule; raise `Failure` if that is no good."""
    recorder = _Recorder(following(choices))
    trace: Trace = []
    try:
        program(recorder, trace=trace)
    except Exception as error:
        raise Failure(program.name, recorder.choices, error, trace) from error


def shrunk(program: Program, choices: dict[int, int]) -> dict[int, int]:
    """As few of *choices* as still make *program* fail."""

    def fails(choices: dict[int, int]) -> bool:
        try:
            program(following(choices))
        except Irreproducible:
            raise
        except Exception:
            return True
        return False

    size = len(choices)
    while size:
        steps = sorted(choices)
        for start in range(0, len(steps), size):
            fewer = {step: choices[step] for step in choices if step not in steps[start : start + size]}
            if len(fewer) < len(choices) and fails(fewer):
                choices = fewer
                break
        else:
            size //= 2
    return choices


def _tried(program: Program, choose: Choose, seen: Explored) -> None:
    recorder = _Recorder(choose)
    try:
        run = program(recorder)
    except Irreproducible:
        raise
    except Exception:
        try:
            check(program, shrunk(program, recorder.choices))
        except Failure as failure:
            failure.runs = seen.schedules + 1
            raise
        raise
    seen.schedules += not run.given_up
    seen.pruned += run.given_up
    seen.longest = max(seen.longest, recorder.step)


def explore(program: Program, *, bound: int | None, limit: int) -> Explored:
    """Every schedule with at most *bound* surprises, or every one that makes a difference if that is `None`; at most *limit* runs."""
    seen, search, began = Explored(), _Search(bound), time.perf_counter()
    while True:
        _tried(program, search.choose, seen)
        seen.seconds = time.perf_counter() - began
        if not search.next():
            seen.exhausted = True
            return seen
        if seen.schedules + seen.pruned >= limit:
            return seen


def sample(program: Program, *, seed: str, runs: int, enough: Callable[[], bool] = lambda: False) -> Explored:
    """*runs* schedules drawn at random from *seed*, without a bound."""
    seen, began = Explored(), time.perf_counter()
    for number in range(runs):
        if enough():
            break
        _tried(program, at_random(f"{seed}/{number}", seen.longest or _LENGTH), seen)
        seen.seconds = time.perf_counter() - began
    return seen
