"""`odps` and `odps_bearer` without their client, or with a stand-in for it; tests/clients has the rest."""

from __future__ import annotations

import copy
import pickle
import sys
from collections.abc import Callable, Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from alicred import BearerToken, CachingProvider, ConfigurationError, Credential, StaticProvider
from alicred.adapters import odps, odps_bearer
from tests.support import HOUR, Script

STS = Credential("the-id", "the-secret", "the-token")
TOKEN = BearerToken("the-token")


class BaseAccount:
    pass


class Signing(BaseAccount):
    """As much of the client's accounts: writes down what it was made with and asked for."""

    def __init__(self, *parts: Any, **options: Any) -> None:
        self._parts = (type(self).__name__, *parts, *options.items())

    def sign_request(self, req: Any, endpoint: str, region_name: str | None = None) -> None:
        req.signed = (*self._parts, endpoint, region_name)


class CloudAccount(Signing):
    pass


class StsAccount(CloudAccount):
    pass


class BearerTokenAccount(Signing):
    pass


@pytest.fixture
def without_client(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "odps" or name == "alicred.adapters._clients.odps_account"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "odps", None)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, without_client: None) -> Iterator[None]:
    accounts = ModuleType("odps.accounts")
    vars(accounts).update({each.__name__: each for each in (BaseAccount, CloudAccount, StsAccount, BearerTokenAccount)})
    monkeypatch.setitem(sys.modules, "odps", ModuleType("odps"))
    monkeypatch.setitem(sys.modules, "odps.accounts", accounts)
    yield
    sys.modules.pop("alicred.adapters._clients.odps_account", None)


def signed(account: Any, region: str | None = None) -> tuple[object, ...]:
    request: Any = SimpleNamespace()
    account.sign_request(request, "https://here/api", region_name=region)
    made: tuple[object, ...] = request.signed
    return made


@pytest.mark.usefixtures("without_client")
@pytest.mark.parametrize("make", [odps, odps_bearer])
def test_a_client_that_is_not_there_is_asked_for(make: Callable[[Any], object]) -> None:
    with pytest.raises(ConfigurationError, match=r"odps.* needs the package pyodps: pip install pyodps"):
        make(StaticProvider(STS))


@pytest.mark.usefixtures("stand_in")
def test_each_request_is_signed_by_an_account_of_the_clients_with_the_current_credential() -> None:
    account = odps(Script(HOUR))
    assert isinstance(account, BaseAccount)
    for number in (1, 2):
        parts = (f"id-{number}", f"secret-{number}", f"token-{number}", ("expired_hours", None))
        assert signed(account, "cn-hangzhou") == ("StsAccount", *parts, "https://here/api", "cn-hangzhou")
    plain = odps(StaticProvider(Credential("the-id", "the-secret")))
    assert signed(plain) == ("CloudAccount", "the-id", "the-secret", "https://here/api", None)
    assert plain.access_id == "the-id"


@pytest.mark.usefixtures("stand_in")
def test_a_reload_that_is_forced_is_a_rejection_of_what_was_used_last() -> None:
    cache = CachingProvider(Script(HOUR))
    account = odps(cache)
    account.reload(True)
    assert signed(account)[1] == "id-1", "nothing was used before"
    account.reload()
    assert signed(account)[1] == "id-1"
    account.reload(True)
    assert signed(account)[1] == "id-2"
    cache.invalidate()
    cache.get()
    account.reload(True)
    assert signed(account)[1] == "id-3", "what has been replaced since is not replaced again"
    odps(StaticProvider(STS)).reload(True)


@pytest.mark.usefixtures("stand_in")
def test_a_bearer_account_does_the_same_with_tokens() -> None:
    numbers = iter(range(1, 9))

    class Tokens:
        name = "tokens"

        def get(self) -> BearerToken:
            return BearerToken(f"token-{next(numbers)}")

    cache = CachingProvider(Tokens())
    account = odps_bearer(cache)
    assert isinstance(account, BearerTokenAccount)
    assert signed(account) == ("BearerTokenAccount", "token-1", ("expired_hours", None), "https://here/api", None)
    account.reload()
    assert account.token == "token-1"
    account.reload(True)
    assert account.token == "token-2"
    with pytest.raises(ConfigurationError, match=r"odps_bearer: the provider .* must provide a BearerToken, not a Credential"):
        signed(odps_bearer(StaticProvider(STS)))  # type: ignore[arg-type]


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize(("make", "held"), [(odps, STS), (odps_bearer, TOKEN)])
def test_it_can_be_pickled_and_copied_and_shows_no_secret(make: Callable[[Any], Any], held: Any) -> None:
    account = make(StaticProvider(held))
    assert copy.deepcopy(account) is account
    assert signed(pickle.loads(pickle.dumps(account))) == signed(account)
    assert "the-" not in repr(account)
    assert repr(account).startswith(f"<{make.__name__} adapter of ")


@pytest.mark.usefixtures("stand_in")
@pytest.mark.parametrize("make", [odps, odps_bearer])
def test_nothing_but_a_provider_is_taken(make: Callable[[Any], object]) -> None:
    with pytest.raises(ConfigurationError, match=r"odps.*\.provider"):
        make("nonsense")
