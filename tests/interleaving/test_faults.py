"""The exploration bites: an engine with one thing wrong is found out."""

from __future__ import annotations

import pytest

from alicred.refresh.flight import Flight
from tests.interleaving.adversities import PROGRAMS
from tests.interleaving.explore import Failure, check, explore, read, sample, written
from tests.interleaving.faults import FAULTS, Fault

pytestmark = pytest.mark.usefixtures("strands")


def look_for(fault: Fault) -> None:
    program = PROGRAMS[fault.program]
    if fault.bound is None:
        sample(program, seed=program.name, runs=1000)
    else:
        explore(program, bound=fault.bound, limit=1000)


QUICK = ("the child of a fork keeps the flight", "a claim looks first and acts then", "the hot path reads two states")


@pytest.mark.parametrize(
    "fault", [pytest.param(each, marks=[] if each.name in QUICK else pytest.mark.slow, id=each.name) for each in FAULTS]
)
def test_found(fault: Fault) -> None:
    with fault.planted(), pytest.raises(Failure) as found:
        look_for(fault)
    schedule = read(written(found.value.choices))
    with fault.planted(), pytest.raises(Failure):
        check(PROGRAMS[fault.program], schedule)
    check(PROGRAMS[fault.program], schedule)  # under which the engine as it is does well


def test_a_fault_that_cannot_be_planted_any_more_is_noticed() -> None:
    with pytest.raises(AssertionError, match="plant 'this' anew"):
        Fault("this", Flight, "claim", (("what is not there", ""),), "").planted()
