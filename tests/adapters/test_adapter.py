"""What all adapters but the one for Tea have in common."""

from __future__ import annotations

import copy
import pickle
from datetime import timedelta

import pytest

from alicred import BearerToken, CachingProvider, ConfigurationError, Credential, DeniedError, StaticProvider
from alicred.adapters.getters import GetterCredential, GetterProvider
from tests.support import HOUR, SECOND, Script

HELD = Credential("the-id", "the-secret", "the-token", provider_name="vault")


class Adapted(GetterProvider):
    """One that stands for all."""

    _call = "adapted"


def test_a_whole_credential_comes_of_one_fetch() -> None:
    source = Script(HOUR)
    adapter = Adapted(source)
    for number in (1, 2, 3):
        got = adapter.get_credentials()
        assert [got.get_access_key_id(), got.get_access_key_secret(), got.get_security_token()] == [
            f"id-{number}", f"secret-{number}", f"token-{number}"
        ]  # fmt: skip
    assert source.calls == 3


def test_nothing_shows_a_secret() -> None:
    adapter = Adapted(StaticProvider(HELD))
    assert repr(adapter) == "<adapted adapter of static_sts>"
    assert "the-secret" not in repr(adapter.get_credentials())
    assert "the-token" not in repr(adapter.get_credentials())
    assert adapter.get_credentials() == GetterCredential("the-id", "the-secret", "the-token")


def test_a_copy_is_the_same_and_a_pickle_is_as_good() -> None:
    adapter = Adapted(StaticProvider(HELD))
    assert copy.deepcopy(adapter) is adapter
    again = pickle.loads(pickle.dumps(adapter))
    assert again.get_credentials() == adapter.get_credentials()


def test_it_is_true() -> None:
    """Some clients ask for the truth of what they are given, and go without a credential where it is false."""
    assert Adapted(StaticProvider(HELD))


def test_errors_pass_through() -> None:
    denied = DeniedError("no", provider="vault")
    with pytest.raises(DeniedError) as caught:
        Adapted(Script(denied)).get_credentials()
    assert caught.value is denied


@pytest.mark.parametrize("given", [None, "text", HELD, object()])
def test_nothing_but_a_provider_is_taken(given: object) -> None:
    with pytest.raises(ConfigurationError, match=r"adapted\.provider"):
        Adapted(given)  # type: ignore[arg-type]


def test_a_bearer_token_is_no_credential() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Adapted(StaticProvider(BearerToken("planted"))).get_credentials()  # type: ignore[arg-type]
    assert str(caught.value) == (
        "adapted: the provider 'bearer' must provide a Credential, not a BearerToken: this client has no use for one"
    )


def test_a_get_that_would_have_to_be_awaited_is_told_and_closed() -> None:
    class Awaited:
        name = "vault"

        async def get(self) -> Credential:
            return HELD

    with pytest.raises(ConfigurationError, match=r"adapted: the provider 'vault' .* not a coroutine: write get\(\) without async"):
        Adapted(Awaited()).get_credentials()  # type: ignore[arg-type]  # a coroutine that nobody awaits would be a warning, and fail this test


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (HELD, "wrap it in a StaticProvider"),
        (BearerToken("planted"), "wrap it in a StaticProvider"),
        (StaticProvider, r"make one, StaticProvider\("),
    ],
)
def test_what_is_nearly_a_provider_comes_with_advice(given: object, advice: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"adapted\.provider must be a provider, .*: {advice}"):
        Adapted(given)  # type: ignore[arg-type]


@pytest.mark.parametrize("days", [0, 8])
def test_valid_for_is_at_most_what_a_signed_url_can_last_for(days: int) -> None:
    Adapted(CachingProvider(StaticProvider(HELD)), timedelta(days=7))
    with pytest.raises(ConfigurationError, match=r"adapted\.valid_for must be .* of at most 7 days"):
        Adapted(CachingProvider(StaticProvider(HELD)), timedelta(days=days))


def test_valid_for_asks_for_a_value_that_lasts() -> None:
    source = Script(10 * SECOND, HOUR)
    cache = CachingProvider(source)
    assert Adapted(cache).get_credentials().access_key_id == "id-1"
    assert Adapted(cache, timedelta(minutes=30)).get_credentials().access_key_id == "id-2"
    assert Adapted(cache).get_credentials().access_key_id == "id-2"


def test_valid_for_needs_a_provider_that_knows_it() -> None:
    with pytest.raises(ConfigurationError, match=r"valid_for needs a provider with get_valid_for\(\), .*; script has none"):
        Adapted(Script(HOUR), HOUR)
    with pytest.raises(ConfigurationError, match=r"adapted\.valid_for"):
        Adapted(CachingProvider(Script(HOUR)), 3600)  # type: ignore[arg-type]
