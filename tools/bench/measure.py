"""Contestants in turns, quantiles, and the figures that come of them."""

from __future__ import annotations

import timeit
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

Contestants = dict[str, Callable[[], float]]


@dataclass(frozen=True)
class Bound:
    """A figure that must not be larger than *at_most*."""

    name: str
    figure: float
    at_most: float

    @property
    def holds(self) -> bool:
        return self.figure <= self.at_most


@dataclass
class Report:
    """What a run has found: lines for the reader, bounds, and points for the plot."""

    lines: list[str] = field(default_factory=list)
    bounds: list[Bound] = field(default_factory=list)
    latencies: dict[str, dict[int, dict[str, float]]] = field(default_factory=dict)
    """Condition -> number of threads -> quantile -> nanoseconds."""
    ratios: dict[str, float] = field(default_factory=dict)
    """What is compared -> times its floor."""

    def say(self, line: str = "") -> None:
        self.lines.append(line)
        print(line, flush=True)

    def bound(self, name: str, figure: float, at_most: float) -> None:
        self.bounds.append(Bound(name, figure, at_most))


def interleaved(contestants: Contestants, rounds: int) -> dict[str, float]:
    """What each contestant takes when nothing disturbs it: the tenth percentile over *rounds*, which are short and taken in turns.

    Whatever else runs on the machine can only add to a round, and hits all contestants alike.
    """
    seen: dict[str, list[float]] = {name: [] for name in contestants}
    names = list(contestants)
    for number in range(rounds):
        first = number % len(names)  # who begins changes from round to round
        for name in names[first:] + names[:first]:
            seen[name].append(contestants[name]())
    return {name: sorted(values)[rounds // 10] for name, values in seen.items()}


def nanoseconds(function: Callable[[], object], number: int) -> Callable[[], float]:
    """Measures one call of *function*, as the mean of *number*."""
    return lambda: timeit.timeit(function, number=number) / number * 1e9


QUANTILES = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}


def quantiles(values: Iterable[float]) -> dict[str, float]:
    """Of *values*, which need not be in order."""
    ordered = sorted(values)
    return {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for name, share in QUANTILES.items()}


def readable(nanoseconds: float) -> str:
    """A span with its unit."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if nanoseconds >= size:
            return f"{nanoseconds / size:.3g} {unit}"
    return f"{nanoseconds:.0f} ns"
