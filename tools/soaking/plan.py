"""What is to happen in a run: drawn before it starts, from the seed alone, so that every process knows when the service is well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random

import attrs

from alicred.testing import faults

STS = ("AssumeRole",)
METADATA = ("MetadataToken", "MetadataRole", "MetadataCredential")
FIRST = 3.0  # seconds: every process has a value by then
PROVIDERS = ("sts", "metadata")


@attrs.frozen
class Trouble:
    """Something that goes wrong at the services that hand out credentials. The callers' own calls are left alone.

    Args:
        at: When it begins, in seconds since the beginning of the run.
        span: After so many seconds nothing of it is left.
        fault: What goes wrong.
        operations: For which requests.
        times: For so many of each; ``None`` is all of them.
        words: The same for the reader.
    """

    at: float
    span: float
    fault: faults.Fault
    operations: tuple[str, ...]
    times: int | None
    words: str


@attrs.frozen
class Invalidation:
    """One process says that the key which it holds was rejected.

    Args:
        at: When, in seconds since the beginning of the run.
        process: Which process.
        provider: Which of its two providers.
    """

    at: float
    process: int
    provider: str


@attrs.frozen
class Plan:
    """Everything that is to happen."""

    troubles: tuple[Trouble, ...]
    invalidations: tuple[Invalidation, ...]


KINDS: tuple[tuple[str, Callable[[Random], faults.Fault]], ...] = (
    ("throttling", lambda random: faults.Throttling(random.choice((None, timedelta(milliseconds=200))))),
    ("5xx", lambda random: faults.ServerError(random.choice((500, 502, 503)))),
    ("hang", lambda random: faults.Hang(timedelta(seconds=random.uniform(0.3, 2)))),
    ("reset", lambda random: faults.Reset()),
    ("truncated", lambda random: faults.Truncated()),
    ("malformed", lambda random: faults.Malformed()),
    ("latency", lambda random: faults.Latency(timedelta(seconds=random.uniform(0.05, 0.8)))),
)
OUTAGES: tuple[tuple[str, faults.Fault], ...] = (
    ("every connection is reset", faults.Reset()),
    ("503 for every request", faults.ServerError(503)),
    ("nothing is answered", faults.Hang()),
)


def plan(*, seed: int, seconds: float, session: float, processes: int) -> Plan:
    """Trouble and invalidations for *seconds*, with sessions of *session* seconds.

    An outage takes a quarter of a session at most. After each trouble the service is well for long enough to get a new value. A value is
    invalidated only where the service is well for a while, since who says that a value is worth nothing has none until the next one.
    """
    random = Random(seed)
    troubles = tuple(_troubles(random, seconds, session))
    return Plan(troubles, tuple(_invalidations(random, troubles, seconds, processes)))


def _troubles(random: Random, seconds: float, session: float) -> Iterator[Trouble]:
    at = FIRST + random.uniform(0, 1)
    while True:
        trouble = _outage(random, at, session) if random.random() < 0.2 else _trouble(random, at, session)
        if at + trouble.span > seconds - 1:
            return
        yield trouble
        at += trouble.span + max(1.5, 0.25 * session) + random.expovariate(1 / 1.5)


def _outage(random: Random, at: float, session: float) -> Trouble:
    name, fault = random.choice(OUTAGES)
    return Trouble(at, random.uniform(0.15, 0.25) * session, fault, (*STS, *METADATA), None, f"outage: {name}")


def _trouble(random: Random, at: float, session: float) -> Trouble:
    name, make = random.choice(KINDS)
    operations = random.choice((STS, METADATA))
    times = random.randint(1, 6)
    words = f"{name} for {times} calls to {'STS' if operations is STS else 'the metadata service'}"
    return Trouble(at, 0.15 * session, make(random), operations, times, words)


def _invalidations(random: Random, troubles: tuple[Trouble, ...], seconds: float, processes: int) -> Iterator[Invalidation]:
    begins = [trouble.at for trouble in troubles[1:]]
    for trouble, end in zip(troubles, [*begins, seconds], strict=True):
        calm = trouble.at + trouble.span
        if end - calm > 3.5:
            yield Invalidation(random.uniform(calm + 1, end - 2.5), random.randrange(processes), random.choice(PROVIDERS))
