"""`tablestore` without its client; tests/clients has the rest."""

from __future__ import annotations

import pickle

import pytest

from alicred import ConfigurationError, Credential, StaticProvider
from alicred.adapters import TablestoreCredential, tablestore
from tests.support import HOUR, Script


def test_a_client_gets_getters_of_one_credential_which_stays_as_it_is() -> None:
    adapter = tablestore(Script(HOUR))
    for number in (1, 2):
        got = adapter.get_credentials()
        for _ in range(2):  # the client reads it again when the answer has come
            assert (got.get_access_key_id(), got.get_access_key_secret(), got.get_security_token()) == (
                f"id-{number}", f"secret-{number}", f"token-{number}"
            )  # fmt: skip


def test_no_token_is_none() -> None:
    """The client would send an empty one."""
    assert tablestore(StaticProvider(Credential("the-id", "the-secret", ""))).get_credentials().get_security_token() is None


def test_it_can_be_pickled_and_shows_no_secret() -> None:
    adapter = pickle.loads(pickle.dumps(tablestore(StaticProvider(Credential("the-id", "the-secret", "the-token")))))
    assert adapter.get_credentials() == TablestoreCredential("the-id", "the-secret", "the-token")
    assert repr(adapter.get_credentials()) == "TablestoreCredential(access_key_id='the-id')"
    assert repr(adapter) == "<tablestore adapter of static_sts>"


def test_nothing_but_a_provider_is_taken() -> None:
    with pytest.raises(ConfigurationError, match=r"tablestore\.provider"):
        tablestore("nonsense")  # type: ignore[arg-type]
