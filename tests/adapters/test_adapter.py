"""What all adapters but the one for Tea have in common."""

from __future__ import annotations

import copy
import pickle
import random
import sys
import threading
from datetime import timedelta
from typing import cast

import pytest

from alicred import BearerToken, CachingProvider, ConfigurationError, Credential, DeniedError, StaticProvider
from alicred.adapters import tea
from alicred.adapters.getters import GetterCredential, GetterProvider
from tests.support import HOUR, SECOND, Script

HELD = Credential("the-id", "the-secret", "the-token", provider_name="vault")


class Turns:
    """A provider that gives one value after the other."""

    name = "turns"

    def __init__(self, *held: Credential) -> None:
        self._held = iter(held)

    def get(self) -> Credential:
        return next(self._held)


class Minting:
    """A provider that holds no secret itself."""

    name = "minting"

    def get(self) -> Credential:
        return Credential("the-id", "minted-secret")


class Adapted(GetterProvider[GetterCredential]):
    """One that stands for all."""

    _call = "adapted"
    _kind = GetterCredential


def test_a_whole_credential_comes_of_one_fetch() -> None:
    source = Script(HOUR)
    adapter = Adapted(source)
    for number in (1, 2, 3):
        got = adapter.get_credentials()
        assert [got.get_access_key_id(), got.get_access_key_secret(), got.get_security_token()] == [
            f"id-{number}", f"secret-{number}", f"token-{number}"
        ]  # fmt: skip
    assert source.calls == 3


def test_a_value_is_made_once_for_each_credential() -> None:
    cache = CachingProvider(Script(HOUR, HOUR))
    adapter = Adapted(cache)
    first = adapter.get_credentials()
    assert adapter.get_credentials() is first
    assert cache.invalidate()
    second = adapter.get_credentials()
    assert (first.get_access_key_id(), second.get_access_key_id()) == ("id-1", "id-2")
    assert adapter.get_credentials() is second
    assert Adapted(cache).get_credentials() == second


def test_a_value_of_an_equal_credential_is_not_taken_for_it() -> None:
    """What counts is the object: where it came from takes no part in equality, and a client may be told of it."""
    held = [Credential("the-id", "the-secret", provider_name="one"), Credential("the-id", "the-secret", provider_name="two")]
    credential = tea(Turns(*held))
    assert [credential.get_credential().provider_name for _ in held] == ["one", "two"]


def test_threads_that_share_an_adapter_never_get_the_value_of_another_credential() -> None:
    held = [Credential(f"id-{number}", f"secret-{number}") for number in range(3)]
    mine = threading.local()

    class Provider:
        name = "rotating"

        def get(self) -> Credential:
            mine.held = random.choice(held)
            return cast("Credential", mine.held)

    adapter, wrong = Adapted(Provider()), list[str]()

    def ask() -> None:
        for _ in range(2000):
            got = adapter.get_credentials()
            if got.access_key_id != mine.held.access_key_id:
                wrong.append(got.access_key_id)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    finally:
        sys.setswitchinterval(interval)
    assert wrong == []


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


def test_what_was_made_does_not_travel() -> None:
    adapter = Adapted(Minting())
    got = adapter.get_credentials()
    assert b"minted-secret" in pickle.dumps(got)
    assert b"minted-secret" not in pickle.dumps(adapter)
    assert copy.copy(adapter)._made is None
    assert pickle.loads(pickle.dumps(adapter)).get_credentials() == got


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

    class Hidden:
        name = "vault"

        def get(self) -> Credential:
            return Awaited().get()  # type: ignore[return-value]  # a coroutine that is not awaited would be a warning, and fail this test

    with pytest.raises(
        ConfigurationError, match=r"adapted.provider: get\(\) of an Awaited is a coroutine function\. Write it without async"
    ):
        Adapted(Awaited())  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match=r"adapted: the provider 'vault' .* not a coroutine\. Write get\(\) without async"):
        Adapted(Hidden()).get_credentials()


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (HELD, "Wrap it in a StaticProvider"),
        (BearerToken("planted"), "Wrap it in a StaticProvider"),
        (StaticProvider, r"Make one, StaticProvider\("),
    ],
)
def test_what_is_nearly_a_provider_comes_with_advice(given: object, advice: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"adapted\.provider must be a provider, .*\. {advice}"):
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


# --- rejections ---------------------------------------------------------------------------------------------------------------------


class Listening(Turns):
    """A provider that wants to know what was rejected."""

    def __init__(self, *held: Credential) -> None:
        super().__init__(*held)
        self.rejected: list[str] = []

    def invalidate(self, value: Credential) -> bool:
        self.rejected.append(value.access_key_id)
        return True


def test_a_rejection_is_reported_to_a_provider_that_has_invalidate() -> None:
    provider = Listening()
    Adapted(provider)._reject(HELD)
    assert provider.rejected == ["the-id"]
    Adapted(StaticProvider(HELD))._reject(HELD)


def test_where_nothing_was_used_nothing_is_rejected() -> None:
    provider = Listening()
    Adapted(provider)._reject(None)
    assert provider.rejected == []


def test_a_cache_fetches_again_after_a_rejection() -> None:
    cache = CachingProvider(Script(HOUR, HOUR))
    Adapted(cache)._reject(cache.get())
    assert cache.get().access_key_id == "id-2"
