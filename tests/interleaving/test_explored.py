"""Two and three callers of one cache, under every order of their steps that a bound allows, and under many others."""

from __future__ import annotations

import ast
import inspect

import pytest

from alicred.refresh import cache, flight, waiting
from tests.interleaving.adversities import PROGRAMS
from tests.interleaving.explore import Failure, check, explore, read, sample
from tests.interleaving.scene import Scene
from tests.interleaving.watched import SHARED

FEW = 250  # where one surprise makes about so few schedules, all of them are tried ...
RUNS = 30  # ... and elsewhere so many at random
TRICKY = ("interrupted_and_asking_again BACKGROUND",)  # all with one surprise here too: some faults show nowhere else
COMPLETE = tuple(f"{name} BACKGROUND" for name in ("two_claim", "one_waits_and_gives_up", "rejected_by_two", "closed_while_it_is_served"))
pytestmark = pytest.mark.usefixtures("strands")


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_explored(name: str, request: pytest.FixtureRequest) -> None:
    """What the rules promise holds under each schedule of the program."""

    def option(option: str) -> str:
        return str(request.config.getoption(option, default="") or "")

    failure: Failure | None = None
    try:
        if option("--schedule"):
            check(PROGRAMS[name], read(option("--schedule")))
        elif option("--interleavings") not in {"", "0"}:
            explore_at_length(PROGRAMS[name], option("--seed") or name, int(option("--interleavings")))
        else:
            explore_a_little(PROGRAMS[name], option("--seed") or name)
    except Failure as raised:
        failure = raised
    if failure is not None:
        pytest.fail(str(failure), pytrace=False)


def explore_a_little(program: Scene, seed: str) -> None:
    calm = explore(program, bound=0, limit=1000)
    assert calm.exhausted
    if calm.schedules * calm.longest <= FEW or program.name in TRICKY:
        assert explore(program, bound=1, limit=4000).exhausted
    else:
        sample(program, seed=seed, runs=RUNS)


def explore_at_length(program: Scene, seed: str, limit: int) -> None:
    for bound in (0, 1, 2, None):
        seen = explore(program, bound=bound, limit=limit)
        print(f"\n{program.name}, {'no bound' if bound is None else f'at most {bound} surprises'}: {seen}", end="", flush=True)
    print(f"\n{program.name}, at random: {sample(program, seed=seed, runs=limit)}", end="", flush=True)


@pytest.mark.parametrize("name", COMPLETE)
def test_under_every_order_there_is(name: str) -> None:
    assert explore(PROGRAMS[name], bound=None, limit=1000).exhausted


def test_every_attribute_that_is_ever_changed_is_watched() -> None:
    """Else steps that strands could notice of each other would be no points."""
    watched = {name for names in SHARED.values() for name in names}
    # Where an error came from, noted before others see it or of no matter to them; what a caller's own plan came to; and what has a line
    # look whose turn it is, noted before the flight says that it was launched.
    of_one = {"__cause__", "__traceback__", "_look", "provider", "ran_here"}
    for module in (cache, flight, waiting):
        functions = [node for node in ast.walk(ast.parse(inspect.getsource(module))) if isinstance(node, ast.FunctionDef)]
        changing = [function for function in functions if function.name != "__init__"]
        nodes = [node for function in changing for node in ast.walk(function) if isinstance(node, ast.Attribute)]
        changed = {node.attr for node in nodes if isinstance(node.ctx, ast.Store)}
        assert changed <= watched | of_one, f"{module.__name__} changes {changed - watched - of_one}"
