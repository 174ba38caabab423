"""The programs that are explored: what two or three callers do to one cache at the same time."""

from __future__ import annotations

from alicred import TransientError
from alicred.events import ServedStale
from alicred.refresh.flight import Flight, Outcome
from tests.interleaving.scene import BACKGROUND, BOTH, Strands, answers, held_for, program
from tests.interleaving.world import MINUTE, World
from tests.support import HOUR, SECOND

# --- one flight, without a cache ----------------------------------------------------------------------------------------------------


@program(BACKGROUND)
def two_claim(world: World) -> Strands:
    flight, claimed = Flight(SECOND), list[bool]()

    def after() -> None:
        assert sorted(claimed) == [False, True], f"they claimed {claimed}"

    world.after = after
    return {name: lambda: claimed.append(flight.claim()) for name in ("one", "two")}


@program(BACKGROUND)
def two_wait(world: World) -> Strands:
    flight = Flight(SECOND)

    def after() -> None:
        assert flight._waiters == {}

    world.after = after
    return {"one": lambda: flight.wait(9), "two": lambda: flight.wait(9), "runner": lambda: flight.finish(Outcome.COMMITTED)}


@program(BACKGROUND, timeouts=True)
def one_waits_and_gives_up(world: World) -> Strands:
    flight = Flight(SECOND)

    def after() -> None:
        assert flight._waiters == {}

    world.after = after
    return {"one": lambda: flight.wait(9), "runner": lambda: flight.finish(Outcome.COMMITTED)}


# --- nothing is held ----------------------------------------------------------------------------------------------------------------


@program(*BOTH)
def two_cold(world: World) -> Strands:
    world.after = lambda: answers(world, "id-1")
    return {"one": world.get, "two": world.get}


@program(*BOTH)
def three_cold(world: World) -> Strands:
    world.after = lambda: answers(world, "id-1")
    return {"one": world.get, "two": world.get, "three": world.get}


@program(BACKGROUND, threads=False)
def two_cold_without_threads(world: World) -> Strands:
    world.after = lambda: answers(world, "id-1")
    return {"one": world.get, "two": world.get}


@program(*BOTH)
def two_cold_and_down(world: World) -> Strands:
    world.source.steps = (TransientError("down"),)
    world.after = lambda: answers(world, "TransientError")
    return {"one": world.get, "two": world.get}


@program(*BOTH)
def cold_thread_and_task(world: World) -> Strands:
    world.after = lambda: answers(world, "id-1")
    return {"thread": world.get, "task": world.aget}


@program(BACKGROUND)
def two_cold_tasks(world: World) -> Strands:
    world.after = lambda: answers(world, "id-1")
    return {"one": world.aget, "two": world.aget}


@program(*BOTH)
def cold_and_closed(world: World) -> Strands:
    world.after = lambda: answers(world, "id-1", "ClosedError")
    return {"one": world.get, "two": world.get, "closer": world.close}


@program(*BOTH)
def cold_and_two_spans(world: World) -> Strands:
    world.most_calls = 2
    world.after = lambda: answers(world, "id-1", "id-2", "ProviderError")
    return {"any": world.get, "long": world.get_valid_for(2 * HOUR)}


@program(*BOTH)
def cold_and_ending_at_once(world: World) -> Strands:
    world.source.steps = (5 * SECOND, HOUR)
    world.most_calls = 2
    world.after = lambda: answers(world, "id-1", "id-2", "MalformedResponseError")  # one that has ended on arrival is a failure
    return {"one": world.get, "two": world.get, "time": world.advance(10 * SECOND)}


# --- a value is held ----------------------------------------------------------------------------------------------------------------


@program(*BOTH)
def two_in_aging(world: World) -> Strands:
    held_for(world, 50 * MINUTE)
    world.may_wait = False
    world.after = lambda: answers(world, "id-1", "id-2")
    return {"one": world.get, "two": world.get}


@program(*BOTH)
def two_operators(world: World) -> Strands:
    held_for(world, 10 * MINUTE)
    world.most_calls = 2
    world.after = lambda: answers(world, "id-2", "id-3")
    return {"one": world.refresh, "two": world.refresh}


@program(*BOTH)
def an_operator_beside_a_caller(world: World) -> Strands:
    held_for(world, 10 * MINUTE)
    world.after = lambda: answers(world, "id-1", "id-2")
    return {"operator": world.refresh, "caller": world.get}


@program(*BOTH)
def an_operator_while_the_cache_is_closed(world: World) -> Strands:
    held_for(world, 10 * MINUTE)
    world.after = lambda: answers(world, "id-2", "ClosedError")
    return {"operator": world.refresh, "closer": world.close}


@program(*BOTH)
def two_at_the_edge_of_aging(world: World) -> Strands:
    held_for(world, 40 * MINUTE)
    world.may_wait = False
    world.after = lambda: answers(world, "id-1", "id-2")
    return {"one": world.get, "two": world.get, "time": world.advance(10 * MINUTE)}


@program(*BOTH)
def aging_and_down(world: World) -> Strands:
    held_for(world, 50 * MINUTE, TransientError("down"))
    world.may_wait = False
    world.after = lambda: answers(world, "id-1")
    return {"one": world.get, "two": world.get}


@program(*BOTH)
def urgent_as_it_expires(world: World) -> Strands:
    held_for(world, 59.8 * MINUTE)
    world.after = lambda: answers(world, "id-1", "id-2")
    return {"one": world.get, "two": world.get, "time": world.advance(20 * SECOND)}


@program(*BOTH)
def expired_and_down(world: World) -> Strands:
    held_for(world, 2 * HOUR, TransientError("down"))
    world.after = lambda: answers(world, "TransientError")
    return {"one": world.get, "two": world.get}


@program(*BOTH, grace=HOUR)
def stale_and_down(world: World) -> Strands:
    held_for(world, 61 * MINUTE, TransientError("down"))

    def after() -> None:
        answers(world, "id-1")
        times = sorted(event.times for event in world.of(ServedStale))
        assert times == [1, 2], f"the servings were counted {times}"

    world.after = after
    return {"one": world.get, "two": world.get}


@program(*BOTH)
def a_paused_machine(world: World) -> Strands:
    held_for(world, 10 * MINUTE)
    world.after = lambda: answers(world, "id-1", "id-2")

    def pause() -> None:
        world.run.point(("clock", True))
        world.clock.pause(2 * HOUR)

    return {"one": world.get, "two": world.get, "host": pause}


@program(*BOTH)
def longer_than_is_left(world: World) -> Strands:
    held_for(world, 40 * MINUTE)
    world.after = lambda: answers(world, "id-1", "id-2")
    return {"any": world.get, "long": world.get_valid_for(30 * MINUTE)}


# --- invalidate and close -----------------------------------------------------------------------------------------------------------


@program(BACKGROUND)
def rejected_while_it_is_served(world: World) -> Strands:
    held_for(world, 10 * SECOND)
    world.after = lambda: answers(world, "id-1", "id-2")
    return {"one": world.get, "service": world.invalidate()}


@program(*BOTH)
def rejected_while_it_is_refreshed(world: World) -> Strands:
    held_for(world, 50 * MINUTE)
    world.most_calls = 2
    world.after = lambda: answers(world, "id-1", "id-2", "id-3")
    return {"one": world.get, "two": world.get, "service": world.invalidate(world.cache._state.value)}


@program(*BOTH)
def rejected_while_the_wall_clock_is_looked_at(world: World) -> Strands:
    held_for(world, 2 * MINUTE)
    world.after = lambda: answers(world, "id-1", "id-2")

    def reject_and_ask() -> None:
        world.invalidate()()
        world.get()

    return {"one": world.get, "service": reject_and_ask}


@program(*BOTH)
def rejected_whatever_is_held(world: World) -> Strands:
    held_for(world, 50 * MINUTE)
    world.most_calls = 2

    world.after = lambda: answers(world, "id-1", "id-2", "id-3")

    def reject_and_ask() -> None:
        world.invalidate()()
        world.get()

    return {"one": world.get, "service": reject_and_ask}


@program(*BOTH)
def rejected_while_the_refresh_fails(world: World) -> Strands:
    held_for(world, 50 * MINUTE, TransientError("down"))
    world.after = lambda: answers(world, "id-1", "TransientError")

    def reject_and_ask() -> None:
        world.invalidate()()
        world.get()

    return {"one": world.get, "service": reject_and_ask}


@program(BACKGROUND)
def rejected_by_two(world: World) -> Strands:
    held_for(world, 10 * MINUTE)
    value = world.cache._state.value

    def after() -> None:
        told = [call.value for call in world.calls if call.what == "invalidate"]
        assert sorted(told) == [False, True], f"invalidate said {told}"

    world.after = after
    return {"one": world.invalidate(value), "two": world.invalidate(value)}


@program(BACKGROUND)
def closed_while_it_is_served(world: World) -> Strands:
    held_for(world, 10 * SECOND)
    world.after = lambda: answers(world, "id-1", "ClosedError")
    return {"one": world.get, "closer": world.close}


@program(*BOTH)
def closed_while_it_is_refreshed(world: World) -> Strands:
    held_for(world, 59.5 * MINUTE, TransientError("down"))
    world.after = lambda: answers(world, "id-1", "ClosedError", "TransientError")
    return {"one": world.get, "two": world.get, "closer": world.close}
