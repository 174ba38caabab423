import pytest

from alicred.testing import FakeClock, FakeStore
from alicred.testing.conformance import Check, store_checks

clock = FakeClock()


class CarefulStore(FakeStore):
    """Does something more."""


@pytest.mark.parametrize("check", store_checks(lambda: CarefulStore(clock), clock=clock), ids=str)
def test_the_store_keeps_the_rules(check: Check) -> None:
    check()
