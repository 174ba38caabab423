"""What `mns` gives to its client; tests/clients/test_mns.py has the client."""

from __future__ import annotations

import copy
import pickle

import pytest

from alicred import ConfigurationError, Credential, StaticProvider
from alicred.adapters import MnsProvider, mns
from tests.support import HOUR, Script

STS = Credential("the-id", "the-secret", "the-token")
AK = Credential("the-id", "the-secret")


@pytest.mark.parametrize(("held", "token"), [(STS, "the-token"), (AK, "")])
def test_no_token_is_an_empty_string(held: Credential, token: str) -> None:
    got = mns(StaticProvider(held)).get_credentials()
    assert (got.get_access_key_id(), got.get_access_key_secret(), got.get_security_token()) == ("the-id", "the-secret", token)


def test_each_request_has_the_parts_of_one_fetch() -> None:
    source = Script(HOUR)
    adapter = mns(source)
    for number in (1, 2):
        got = adapter.get_credentials()
        read = {got.get_access_key_id(), got.get_access_key_secret(), got.get_security_token(), got.get_security_token()}
        assert read == {f"id-{number}", f"secret-{number}", f"token-{number}"}
    assert source.calls == 2


def test_it_is_true_can_be_copied_and_pickled_and_shows_no_secret() -> None:
    adapter = mns(StaticProvider(STS))
    assert adapter  # the client asks
    assert isinstance(adapter, MnsProvider)
    assert copy.deepcopy(adapter) is adapter
    assert pickle.loads(pickle.dumps(adapter)).get_credentials() == adapter.get_credentials()
    assert repr(adapter) == "<mns adapter of static_sts>"
    assert "the-secret" not in repr(adapter.get_credentials())
    assert "the-token" not in repr(adapter.get_credentials())


@pytest.mark.parametrize("given", [None, "text", STS])
def test_nothing_but_a_provider_is_taken(given: object) -> None:
    with pytest.raises(ConfigurationError, match=r"mns\.provider"):
        mns(given)  # type: ignore[arg-type]
