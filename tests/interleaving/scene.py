"""What a program is, and what programs have in common."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import attrs

from alicred import RefreshMode
from alicred.testing import FakeClock
from tests.interleaving.scheduler import Choose, Run, Trace
from tests.interleaving.watched import under_way
from tests.interleaving.world import World
from tests.support import HOUR

Strands = dict[str, Callable[[], None]]
"""What each strand does, by its name."""


@attrs.frozen
class Scene:
    """A program: what is there at the start and what the strands do.

    Args:
        name: What it is called.
        build: Sets the world up and says what each strand does.
        settings: Of the policy.
        timeouts: Whether a wait may end by its time-out.
        interrupted: The strand that is interrupted, anywhere.
        interrupts: How often it is.
        lost: Whether a flight may be lost, which who waits for it notices after a while.
        threads: Whether the engine can start threads.
    """

    name: str
    build: Callable[[World], Strands]
    settings: dict[str, Any] = attrs.field(factory=dict)
    timeouts: bool = False
    interrupted: str = ""
    interrupts: int = 1
    lost: bool = False
    threads: bool = True

    def __call__(self, choose: Choose, *, trace: Trace | None = None) -> Run:
        last_resort = self.lost or bool(self.interrupted)
        with under_way(Run(choose, FakeClock(), timeouts=self.timeouts, last_resort=last_resort, trace=trace)) as run:
            world = World(run, **self.settings)
            strands = self.build(world)
            run.has_threads = self.threads
            for name, work in strands.items():
                run.spawn(work, name, interrupts=self.interrupts if name == self.interrupted else 0)
            run.play()
            if not run.given_up:
                for strand in run.strands:
                    if strand.crash is not None:
                        raise strand.crash
                world.check()
                world.after()
        return run


PROGRAMS: dict[str, Scene] = {}
Build = Callable[[World], Strands]
BACKGROUND, INLINE = RefreshMode.BACKGROUND, RefreshMode.INLINE
BOTH = (BACKGROUND, INLINE)


def program(
    *modes: RefreshMode,
    timeouts: bool = False,
    interrupted: str = "",
    interrupts: int = 1,
    lost: bool = False,
    threads: bool = True,
    **settings: Any,
) -> Callable[[Build], Build]:
    """Register a program once for each of *modes*."""

    def register(build: Build) -> Build:
        for mode in modes:
            name = f"{build.__name__} {mode.name}"
            PROGRAMS[name] = Scene(name, build, {"mode": mode, **settings}, timeouts, interrupted, interrupts, lost, threads)
        return build

    return register


def held_for(world: World, age: timedelta, *steps: object) -> None:
    """Have the cache hold the first value for *age*; *steps* is what the source brings from then on."""
    world.cache.get()
    world.source.steps = (HOUR, *(steps or (HOUR,)))
    world.clock.advance(age)


def answers(world: World, *expected: str) -> None:
    """Every get must have ended in one of these: the id of a value, or the name of an error."""
    for call in world.gets():
        answer = type(call.error).__name__ if call.error else call.value.access_key_id
        assert answer in expected, f"{call.strand} got {answer}"
