"""The proof that a login begins and ends with."""

from __future__ import annotations

import re

import pytest

from alicred.errors import ConfigurationError
from alicred.wire.pkce import Pkce, random_text


def test_the_challenge_is_that_of_the_specification() -> None:
    """RFC 7636, appendix B; the official documentation has the same."""
    assert Pkce("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_each_verifier_is_a_new_one_of_the_greatest_length() -> None:
    proofs = {Pkce().verifier for _ in range(50)}
    assert len(proofs) == 50
    assert all(re.fullmatch("[A-Za-z0-9_-]{128}", each) for each in proofs)


@pytest.mark.parametrize("verifier", ["", "a" * 42, "a" * 129, "a" * 43 + "+", "ä" * 43])
def test_a_verifier_that_no_site_takes_is_refused(verifier: str) -> None:
    with pytest.raises(ConfigurationError, match=r"Pkce\.verifier must be 43 to 128"):
        Pkce(verifier)


def test_the_verifier_does_not_show() -> None:
    proof = Pkce()
    assert proof.verifier not in repr(proof)


def test_random_text_stands_in_any_url() -> None:
    assert re.fullmatch("[A-Za-z0-9_-]{22}", random_text(16))
