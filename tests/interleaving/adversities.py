"""More programs: callers who run out of patience, are interrupted, or find themselves in a forked child."""

from __future__ import annotations

from alicred import RefreshTimeoutError
from alicred.refresh.flight import Flight
from tests.interleaving import programs
from tests.interleaving.scene import BACKGROUND, BOTH, INLINE, PROGRAMS, Strands, answers, held_for, program
from tests.interleaving.world import MINUTE, World
from tests.support import HOUR, SECOND


@program(BACKGROUND, timeouts=True, max_wait=10 * SECOND)
def cold_and_out_of_patience(world: World) -> Strands:
    world.after = lambda: answers(world, "id-1", RefreshTimeoutError.__name__)
    return {"one": world.get, "two": world.get}


@program(*BOTH, timeouts=True, max_wait=10 * SECOND)
def urgent_and_out_of_patience(world: World) -> Strands:
    held_for(world, 59.2 * MINUTE)
    world.after = lambda: answers(world, "id-1", "id-2")
    return {"one": world.get, "two": world.get}


@program(BACKGROUND, timeouts=True, max_wait=10 * SECOND)
def closed_and_out_of_patience(world: World) -> Strands:
    world.after = lambda: answers(world, "id-1", "ClosedError", RefreshTimeoutError.__name__)
    return {"one": world.get, "closer": world.close}


@program(*BOTH, timeouts=True, max_wait=10 * SECOND)
def longer_and_out_of_patience(world: World) -> Strands:
    held_for(world, 40 * MINUTE)
    world.after = lambda: answers(world, "id-2", RefreshTimeoutError.__name__)
    return {"any": world.get_valid_for(30 * MINUTE), "long": world.get_valid_for(30 * MINUTE)}


@program(BACKGROUND, timeouts=True, max_wait=10 * SECOND)
def task_out_of_patience(world: World) -> Strands:
    world.after = lambda: answers(world, "id-1", RefreshTimeoutError.__name__)
    return {"thread": world.get, "task": world.aget}


@program(BACKGROUND)
def cold_and_cancelled(world: World) -> Strands:
    world.after = lambda: answers(world, "id-1", "CancelledError")
    return {"thread": world.get, "task": world.aget, "canceller": world.cancel}


@program(*BOTH, interrupted="one")
def cold_and_interrupted(world: World) -> Strands:
    world.most_calls = 2
    world.after = lambda: answers(world, "id-1", "id-2", "KeyboardInterrupt")
    return {"one": world.get, "two": world.get}


@program(*BOTH, interrupted="one")
def interrupted_and_asking_again(world: World) -> Strands:
    world.most_calls = 2
    world.after = lambda: answers(world, "id-1", "id-2", "KeyboardInterrupt")

    def twice() -> None:
        world.get()
        world.get()

    return {"one": twice}


@program(*BOTH, interrupted="one")
def aging_and_interrupted(world: World) -> Strands:
    held_for(world, 50 * MINUTE)
    world.most_calls = 2
    world.after = lambda: answers(world, "id-1", "id-2", "id-3", "KeyboardInterrupt")
    return {"one": world.get, "two": world.get}


@program(BACKGROUND, interrupted="one")
def rejected_and_interrupted(world: World) -> Strands:
    held_for(world, 10 * MINUTE)
    world.most_calls = 2
    world.after = lambda: answers(world, "id-1", "id-2", "id-3", "KeyboardInterrupt")
    return {"one": world.get, "service": world.invalidate()}


@program(*BOTH, interrupted="one", interrupts=2)
def interrupted_twice(world: World) -> Strands:
    """The second interrupt may strike where the first is cleaned up after."""
    world.most_calls = 3
    world.after = lambda: answers(world, "id-1", "id-2", "id-3", "KeyboardInterrupt")
    return {"one": world.get, "two": world.get}


def under_way(world: World) -> Flight:
    """A flight that the cache believes to be under way."""
    flight, cache = Flight(SECOND), world.cache
    state = cache._current()
    assert cache._change(state, state.snapshot.started(cache._now(), MINUTE), flight, cache._now())
    return flight


@program(*BOTH)
def what_nobody_began_is_lost(world: World) -> Strands:
    under_way(world)
    world.after = lambda: answers(world, "id-1")
    return {"one": world.get, "two": world.get}


@program(BACKGROUND)
def what_a_thread_runs_is_left_to_it(world: World) -> Strands:
    flight = under_way(world)
    world.after = lambda: answers(world, "id-1")

    def run() -> None:
        world.cache._run(flight)

    def discard_and_ask() -> None:
        world.cache._discard(flight)
        world.get()

    flight.launched(run)
    return {"runner": run, "one": discard_and_ask}


@program(*BOTH, lost=True)
def a_runner_that_ends_without_a_word(world: World) -> Strands:
    flight = under_way(world)
    world.after = lambda: answers(world, "id-1")

    def run() -> None:
        flight.claim()

    flight.launched(run)
    return {"runner": run, "one": world.get, "two": world.get}


@program(INLINE)
def a_source_that_is_interrupted(world: World) -> Strands:
    world.source.steps = (KeyboardInterrupt(), HOUR)
    world.most_calls = 2

    def after() -> None:
        answers(world, "id-2", "KeyboardInterrupt")
        assert [type(call.error) for call in world.gets()].count(KeyboardInterrupt) == 1

    world.after = after
    return {"one": world.get, "two": world.get}


@program(*BOTH)
def cold_and_forked(world: World) -> Strands:
    world.most_calls = 2
    world.after = lambda: answers(world, "id-1", "id-2")
    return {"one": world.get, "two": world.get, "child": world.fork}


@program(*BOTH)
def aging_and_forked(world: World) -> Strands:
    held_for(world, 50 * MINUTE)
    world.most_calls = 2
    world.after = lambda: answers(world, "id-1", "id-2", "id-3")
    return {"one": world.get, "child": world.fork}


__all__ = ["PROGRAMS", "programs"]
