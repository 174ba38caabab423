"""The list of equivalent mutants and the tool that reads it follow the code: what they name is there."""

from __future__ import annotations

import inspect
from functools import reduce
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

from tools import mutate

ROOT = Path(mutate.__file__).parents[1]
EQUIVALENT = mutate.tomllib.loads(mutate.EQUIVALENT.read_text(encoding="utf-8"))["equivalent"]


@pytest.mark.parametrize("name", mutate.PARTS)
def test_what_a_part_names_is_there(name: str) -> None:
    part = mutate.PARTS[name]
    assert [test for test in part.tests if not (ROOT / test).exists()] == []
    assert [module for module in part.modules if not list((ROOT / "src/alicred").glob(module))] == []


def found(where: str) -> Any:
    """The function that *where* names, below ``alicred``."""
    words = where.split(".")
    module, *names = next(
        [".".join(words[:count]), *words[count:]]
        for count in range(len(words) - 1, 0, -1)
        if (ROOT / "src/alicred" / Path(*words[:count])).with_suffix(".py").exists()
    )
    return reduce(getattr, names, resolve_name(f"alicred.{module}"))


@pytest.mark.parametrize("number", range(len(EQUIVALENT)))
def test_an_equivalent_mutant_changes_code_that_is_there(number: int) -> None:
    mutant = EQUIVALENT[number]
    lines = {line.strip() for line in inspect.getsource(found(mutant["where"])).splitlines()}
    assert [line for line in mutant["was"].splitlines() if line.strip() not in lines] == []
    assert mutant["was"] != mutant["now"]
    assert mutant["why"].endswith(".")
