from __future__ import annotations

import pickle
from datetime import datetime, timezone

import attrs
import pytest

from alicred.credential import BearerToken, Credential
from alicred.errors import ConfigurationError
from alicred.sources import StaticProvider

KEY = Credential("id", "planted-secret")
STS = Credential("id", "planted-secret", "planted-token", datetime(2000, 1, 1, tzinfo=timezone.utc))
BEARER = BearerToken("planted-token")


@pytest.mark.parametrize(("value", "name"), [(KEY, "static_ak"), (STS, "static_sts"), (BEARER, "bearer")])
def test_it_hands_out_its_value_under_a_name_that_says_what_it_is(value: Credential | BearerToken, name: str) -> None:
    provider = StaticProvider(value)
    assert provider.name == name
    assert provider.get() == value
    assert provider.get().provider_name == name
    assert provider.get() is provider.get()


def test_a_value_that_says_where_it_came_from_is_handed_out_as_it_is() -> None:
    value = attrs.evolve(KEY, provider_name="vault")
    assert StaticProvider(value).get() is value


def test_a_value_of_a_users_own_type_is_handed_out_as_it_is() -> None:
    @attrs.frozen
    class Ticket:
        expires_at: datetime | None = None

    ticket = Ticket()
    provider = StaticProvider(ticket)
    assert provider.get() is ticket
    assert provider.name == "static"


@pytest.mark.parametrize("value", [None, "planted-secret", {"access_key_id": "id"}, Credential, ("id", "planted-secret")])
def test_anything_else_is_refused_without_being_quoted(value: object) -> None:
    with pytest.raises(ConfigurationError, match=r"StaticProvider\.credential must be a Credential") as caught:
        StaticProvider(value)  # type: ignore[type-var]  # the point of the test
    assert "planted" not in str(caught.value)


def test_it_can_be_pickled_and_shows_no_secret() -> None:
    provider = StaticProvider(STS)
    again = pickle.loads(pickle.dumps(provider))
    assert again.get() == STS
    assert again.name == "static_sts"
    assert "planted" not in repr(provider)
