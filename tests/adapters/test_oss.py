"""What `oss2`, `oss_v2` and `ossfs` give to their clients; tests/clients has the clients."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from types import ModuleType
from typing import Any

import pytest

from alicred import SYSTEM_CLOCK, CachingProvider, ConfigurationError, Credential, Provider, StaticProvider
from alicred.adapters import Oss2Provider, OssV2Credential, OssV2Provider, oss2, oss_v2, ossfs, ossfs_aio
from alicred.adapters.ossfs_file_system import OssfsProvider
from tests.support import HOUR, SECOND, Script

STS = Credential("the-id", "the-secret", "the-token")
AK = Credential("the-id", "the-secret")
TWO: dict[str, Callable[..., Any]] = {"oss2": oss2, "oss_v2": oss_v2}


@pytest.mark.parametrize("held", [STS, AK])
def test_oss2_gets_a_whole_credential_at_each_call(held: Credential) -> None:
    got = oss2(StaticProvider(held)).get_credentials()
    assert (got.get_access_key_id(), got.get_access_key_secret(), got.get_security_token()) == (
        "the-id", "the-secret", held.security_token
    )  # fmt: skip


def test_oss_v2_gets_a_whole_credential_at_each_call() -> None:
    source = Script(HOUR, None)
    adapter = oss_v2(source)
    first, second = adapter.get_credentials(), adapter.get_credentials()
    assert (first.access_key_id, first.access_key_secret, first.security_token) == ("id-1", "secret-1", "token-1")
    assert (second.access_key_id, second.access_key_secret, second.security_token) == ("id-2", "secret-2", "token-2")
    assert first.expiration is not None
    assert second.expiration is None
    assert [first.has_keys(), second.has_keys(), first.is_expired(), second.is_expired()] == [True, True, False, False]
    assert OssV2Credential("id", "secret", expiration=datetime.now(timezone.utc) - SECOND).is_expired()
    assert oss_v2(StaticProvider(AK)).get_credentials().security_token is None


def test_oss_v2_gets_an_end_by_a_clock_that_is_corrected() -> None:
    now = datetime.now(timezone.utc)
    key = OssV2Credential("id", "secret", expiration=now + HOUR)
    try:
        SYSTEM_CLOCK.observe(now + 2 * HOUR)
        assert key.is_expired()
    finally:
        SYSTEM_CLOCK.observe(datetime.now(timezone.utc))
    assert not key.is_expired()


@pytest.mark.parametrize("name", sorted(TWO))
def test_it_can_be_copied_and_pickled_and_shows_no_secret(name: str) -> None:
    adapter = TWO[name](StaticProvider(STS))
    assert adapter
    assert isinstance(adapter, (Oss2Provider, OssV2Provider))
    assert copy.deepcopy(adapter) is adapter
    assert pickle.loads(pickle.dumps(adapter)).get_credentials() == adapter.get_credentials()
    assert repr(adapter) == f"<{name} adapter of static_sts>"
    assert "the-secret" not in repr(adapter.get_credentials())
    assert "the-token" not in repr(adapter.get_credentials())


@pytest.mark.parametrize("name", sorted(TWO))
def test_valid_for_asks_for_one_that_lasts(name: str) -> None:
    cache = CachingProvider(Script(10 * SECOND, HOUR))
    held, lasting = TWO[name](cache), TWO[name](cache, valid_for=timedelta(minutes=30))
    assert [each.get_credentials().access_key_id for each in (held, lasting, held)] == ["id-1", "id-2", "id-2"]
    again = pickle.loads(pickle.dumps(TWO[name](CachingProvider(StaticProvider(STS)), valid_for=HOUR)))
    assert again.get_credentials().access_key_id == "the-id"
    with pytest.raises(ConfigurationError, match=rf"{name}: valid_for needs a provider with get_valid_for"):
        TWO[name](StaticProvider(STS), valid_for=HOUR)
    with pytest.raises(ConfigurationError, match=rf"{name}\.valid_for"):
        TWO[name](cache, valid_for=3600)


@pytest.mark.parametrize("make", [oss2, oss_v2, ossfs, ossfs_aio])
@pytest.mark.parametrize("given", [None, "text", STS])
def test_nothing_but_a_provider_is_taken(make: Callable[[object], object], given: object) -> None:
    with pytest.raises(ConfigurationError, match=rf"{make.__name__}\.provider"):
        make(given)


# --- ossfs, with a stand-in for the package: tests/clients/test_ossfs.py has the real one --------------------------------------------


class Request:
    region: object = None
    product: object = None
    cloudbox_id: object = "x"


class Auth:
    """Signs as oss2 does: it asks for a credential and writes it down."""

    def __init__(self, credentials_provider: OssfsProvider) -> None:
        self.credentials_provider = credentials_provider

    def _sign_request(self, req: object, bucket_name: str, key: str, in_additional_headers: object = None) -> None:
        self.signed = (req, self.credentials_provider.get_credentials())


class Files:
    """A file system that keeps its options; `fsspec` would keep the file system too."""

    def __init__(self, **options: object) -> None:
        self.options = options
        self._auth: object = None

    async def _call_oss(self, method_name: str, *args: object, **options: object) -> object:
        return method_name, args, options


@pytest.fixture
def fresh() -> Iterator[None]:
    """Our module that imports the package is imported anew, here and by whoever comes next."""
    sys.modules.pop("alicred.adapters._clients.ossfs", None)
    yield
    sys.modules.pop("alicred.adapters._clients.ossfs", None)


@pytest.fixture
def installed(fresh: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made = {"oss2": ModuleType("oss2"), "oss2.http": ModuleType("oss2.http"), "ossfs": ModuleType("ossfs")}
    vars(made["oss2"]).update(ProviderAuth=type("V1", (Auth,), {}), ProviderAuthV4=type("V4", (Auth,), {}))
    vars(made["oss2.http"]).update(Request=Request)
    vars(made["ossfs"]).update(OSSFileSystem=type("OSSFileSystem", (Files,), {}), AioOSSFileSystem=type("Aio", (Files,), {}))
    for name, module in made.items():
        monkeypatch.setitem(sys.modules, name, module)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("make", [ossfs, ossfs_aio])
def test_a_file_system_signs_with_what_the_provider_gives(make: Callable[..., Any]) -> None:
    source = Script(HOUR)
    files = make(source, "http://here", default_block_size=1)
    assert files.options == {"endpoint": "http://here", "default_block_size": 1}
    for number in (1, 2):
        files._auth._sign_request(Request(), "bucket", "key")
        assert files._auth.signed[1].get_access_key_id() == f"id-{number}"
    assert type(files._auth).__name__ == "V1"


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("make", [ossfs, ossfs_aio])
def test_with_a_region_it_signs_by_version_4(make: Callable[..., Any]) -> None:
    files = make(StaticProvider(STS), region="cn-hangzhou")
    files._auth._sign_request(Request(), "bucket", "key")
    request = files._auth.signed[0]
    assert (request.region, request.product, request.cloudbox_id) == ("cn-hangzhou", "oss", None)
    assert type(files._auth).__mro__[1].__name__ == "V4"


@pytest.mark.usefixtures("installed")
def test_an_operation_begins_with_aget_if_the_provider_has_it() -> None:
    cached, plain = Script(HOUR), Script(HOUR)
    assert asyncio.run(ossfs_aio(CachingProvider(cached))._call_oss("put", 1, two=2)) == ("put", (1,), {"two": 2})
    assert asyncio.run(ossfs_aio(plain)._call_oss("put")) == ("put", (), {})
    assert [cached.calls, plain.calls] == [1, 0]  # a plain one is asked when the request is signed, and only then


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("make", [ossfs, ossfs_aio])
def test_a_package_that_is_not_there_is_asked_for(make: Callable[[Provider[Credential]], object], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("oss2", "ossfs"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ConfigurationError, match="needs the package ossfs: pip install ossfs") as caught:
        make(StaticProvider(STS))
    assert isinstance(caught.value.__cause__, ImportError)


@pytest.mark.parametrize("make", [ossfs, ossfs_aio])
@pytest.mark.parametrize("options", [{"key": "x"}, {"secret": "planted"}, {"token": "planted"}, {"region": ""}, {"region": 1}])
def test_options_that_contradict_are_refused(make: Callable[..., object], options: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=rf"{make.__name__}\.{next(iter(options))}") as caught:
        make(StaticProvider(STS), **options)
    assert "planted" not in str(caught.value)


def test_each_provider_has_one_option_and_no_other_has_its_repr() -> None:
    providers = [StaticProvider(STS) for _ in range(5)]
    options = [OssfsProvider.of(each) for each in providers]
    assert [OssfsProvider.of(each) for each in providers] == options
    assert len({repr(each) for each in options}) == 5
    assert all("the-secret" not in repr(each) for each in options)
    assert copy.deepcopy(options[0]) is options[0]


def test_a_pickle_is_loaded_as_what_is_there_and_else_stays() -> None:
    option = OssfsProvider.of(CachingProvider(StaticProvider(STS)))
    pickled, shown = pickle.dumps(option), repr(option)
    assert pickle.loads(pickled) is option
    del option
    gc.collect()
    first = pickle.loads(pickled)  # as in another process
    assert pickle.loads(pickled) is first
    assert repr(first) == shown
    assert first.get_credentials().get_access_key_id() == "the-id"
