"""The limit that many providers share: a value, and one object."""

from __future__ import annotations

import copy
import pickle

import pytest

from alicred import ConfigurationError
from alicred.policy import Limit


@pytest.mark.parametrize(
    ("parameter", "value", "says"),
    [
        ("per_second", 0, "Limit.per_second must be a number above zero, or None, not 0"),
        ("per_second", -1.5, "Limit.per_second must be a number above zero, or None, not -1.5"),
        ("per_second", float("inf"), "Limit.per_second must be a number above zero, or None, not inf"),
        ("per_second", True, "Limit.per_second must be a number above zero, or None, not True"),
        ("burst", 0, "Limit.burst must be a whole number of 1 or more, not 0"),
        ("concurrent", 0, "Limit.concurrent must be a whole number of 1 or more, or None, not 0"),
        ("concurrent", 1.0, "Limit.concurrent must be a whole number of 1 or more, or None, not 1.0"),
    ],
)
def test_what_it_refuses(parameter: str, value: object, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Limit(**{parameter: value})  # type: ignore[arg-type]
    assert str(caught.value) == says


def test_two_of_the_same_numbers_are_two() -> None:
    first, second = Limit(per_second=100), Limit(per_second=100)
    assert first != second
    assert len({first, second, first}) == 2


@pytest.mark.parametrize("copied", [lambda limit: pickle.loads(pickle.dumps(limit)), copy.copy, copy.deepcopy])
def test_a_copy_has_its_numbers_and_is_another_limit(copied: object) -> None:
    limit = Limit(per_second=2.5, burst=3, concurrent=4)
    limit._line[None] = "whose turn it is"
    other = copied(limit)  # type: ignore[operator]
    assert (other.per_second, other.burst, other.concurrent) == (2.5, 3, 4)
    assert other is not limit
    assert other._line == {}


def test_what_shares_one_still_does_after_a_pickle() -> None:
    limit = Limit(concurrent=1)
    first, second = pickle.loads(pickle.dumps([limit, limit]))
    assert first is second


def test_it_reads_like_code() -> None:
    assert repr(Limit(per_second=100.0, concurrent=20)) == "Limit(per_second=100.0, burst=1, concurrent=20)"
