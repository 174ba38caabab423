import pytest

from alicred import CachingProvider, Credential
from alicred.testing.conformance import Check, cache_checks


class CarefulCache(CachingProvider[Credential]):
    """Does something more."""


@pytest.mark.parametrize("check", cache_checks(CarefulCache), ids=str)
def test_the_cache_keeps_the_rules(check: Check) -> None:
    check()
