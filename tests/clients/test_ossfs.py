"""``ossfs`` under `ossfs` and `ossfs_aio`: file systems of fsspec that sign every request with the current credential."""

from __future__ import annotations

import asyncio
import copy
import multiprocessing
import os
import pickle
import time
import warnings
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from alicred import CachingProvider, ConfigurationError, Credential, DeniedError, Provider, ProviderError, RefreshPolicy, StaticProvider
from alicred.adapters import oss2 as adapted
from alicred.adapters import ossfs, ossfs_aio
from tests.clients.oss_service import BUCKET, Bucket
from tests.clients.sessions import WELL_AHEAD, Early, Slow, for_a_while, in_tasks_for_a_while
from tests.clients.signatures import oss
from tests.clients.support import EXAMPLES, Driver, Keys, Loopback, run_example
from tests.support import Script, in_threads

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the clients do at their import
    import fsspec.asyn
    import oss2
    from ossfs import AioOSSFileSystem, OSSFileSystem

pytestmark = [
    pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning"),  # oss2's, on 3.12 and newer
    # fsspec closes the sessions of its file systems when they are gone, or never
    pytest.mark.filterwarnings("ignore:Exception ignored in.*:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
]
fsspec.asyn.get_loop()  # its thread is there for good
MAKERS = {"sync": ossfs, "aio": ossfs_aio}


@pytest.fixture(params=[True, False], ids=["sts", "ak"])
def keys(request: pytest.FixtureRequest) -> Keys:
    return Keys(tokens=request.param)


@pytest.fixture
def store() -> Bucket:
    return Bucket()


@pytest.fixture
def service(keys: Keys, store: Bucket) -> Iterator[Loopback]:
    with Loopback(keys, oss.verify, store) as running:
        yield running


@pytest.fixture(params=sorted(MAKERS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[None, oss.REGION], ids=["v1", "v4"])
def region(request: pytest.FixtureRequest) -> str | None:
    return str(request.param) if request.param else None


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    for kind in (OSSFileSystem, AioOSSFileSystem):
        for each in (kind, *kind.__subclasses__()):
            each.clear_instance_cache()


def files_of(kind: str, service: Loopback, provider: Provider[Credential], region: str | None = oss.REGION, **options: object) -> Any:
    return MAKERS[kind](provider, service.url, region=region, **options)


def everything(files: Any) -> Callable[[str], None]:
    """What people do with files, under the name of a mark; the name has what has to be encoded."""

    def do(mark: str) -> None:
        path = f"{BUCKET}/{mark}/a ü+&=~.txt"
        files.pipe_file(path, b"some text")
        assert files.cat_file(path) == b"some text"
        with files.open(f"{BUCKET}/{mark}/b.txt", "wb") as file:
            file.write(b"written")
        with files.open(f"{BUCKET}/{mark}/b.txt", "ab") as file:
            file.write(b" in two pieces")
        with files.open(f"{BUCKET}/{mark}/b.txt", "rb") as file:
            file.seek(11)
            assert file.read() == b"two pieces"
        assert files.ls(f"{BUCKET}/{mark}", detail=False) == [path, f"{BUCKET}/{mark}/b.txt"]
        assert files.info(f"{BUCKET}/{mark}/b.txt")["size"] == 21
        assert files.find(f"{BUCKET}/{mark}") == [path, f"{BUCKET}/{mark}/b.txt"]
        files.cp_file(path, f"{BUCKET}/{mark}/c.txt")
        assert files.exists(f"{BUCKET}/{mark}/c.txt")
        files.rm(f"{BUCKET}/{mark}", recursive=True)
        assert not files.exists(path)

    return do


# --- the right way ------------------------------------------------------------------------------------------------------------------


@pytest.mark.tried("ossfs", "sync", "rotation")
def test_every_request_is_signed_with_one_current_credential(
    keys: Keys, service: Loopback, store: Bucket, kind: str, region: str | None
) -> None:
    Driver(service).one_after_the_other(everything(files_of(kind, service, keys, region)), calls=2)
    assert oss.ways(each.request for each in service.seen) == {"v4 header" if region else "v1 header"}
    assert keys.minted == len(service.seen)  # asked once for each request
    assert store.objects == {}


@pytest.mark.tried("ossfs", "threads", "rotation")
def test_so_it_is_in_threads(keys: Keys, service: Loopback, store: Bucket, kind: str) -> None:
    Driver(service).in_threads(everything(files_of(kind, service, keys)), calls=1)
    assert store.objects == {}


def in_the_loop(service: Loopback, provider: Provider[Credential], work: Callable[[Any], Awaitable[object]]) -> None:
    async def main() -> None:
        files = files_of("aio", service, provider, asynchronous=True)
        await files.set_session()
        try:
            await work(files)
        finally:
            await files._session.close()

    asyncio.run(main())


@pytest.mark.tried("ossfs", "async", "rotation")
def test_so_it_is_in_tasks(keys: Keys, service: Loopback, store: Bucket) -> None:
    async def work(files: Any) -> None:
        async def call(mark: str) -> None:
            path = f"{BUCKET}/{mark}/a ü+&=~.txt"
            await files._pipe_file(path, b"some text")
            assert await files._cat_file(path) == b"some text"
            assert [each["name"] for each in await files._ls(f"{BUCKET}/{mark}")] == [path]
            await files._rm_file(path)
            assert not await files._exists(path)

        await Driver(service).in_tasks(call, tasks=10)

    in_the_loop(service, keys, work)
    assert store.objects == {}


@pytest.mark.tried("ossfs", "sync", "rotation")
def test_a_large_file_goes_in_parts_each_with_a_credential_of_its_own(keys: Keys, service: Loopback, store: Bucket, kind: str) -> None:
    body = bytes(11 * 2**20)
    files_of(kind, service, keys).pipe_file(f"{BUCKET}/large", body)
    assert store.objects["large"] == body
    assert len([each for each in service.seen if "partNumber" in each.request.query]) == 3
    assert keys.minted == len(service.seen)
    assert service.refusals == []


@pytest.mark.tried("ossfs", "sync", "rotation")
def test_what_is_tried_again_is_signed_with_one_credential_too(keys: Keys, service: Loopback, store: Bucket, kind: str) -> None:
    files = files_of(kind, service, keys)
    store.reset("cut")
    files.pipe_file(f"{BUCKET}/cut", b"x")
    serials = service.serials("cut")
    assert len(serials) == 2  # ossfs signs anew, aiohttp sends the same again
    store.busy("busy")
    with pytest.raises(OSError, match="ServiceUnavailable"):
        files.pipe_file(f"{BUCKET}/busy", b"x")
    files.pipe_file(f"{BUCKET}/busy", b"x")
    assert len(set(service.serials("busy"))) == 2
    assert service.refusals == []


@pytest.mark.slow
@pytest.mark.tried("ossfs", "threads", "rotation")
def test_a_pool_of_workers_outlives_many_short_sessions(store: Bucket, kind: str) -> None:
    keys = Keys(lasts=timedelta(seconds=3))
    with Loopback(keys, oss.verify, store) as service:
        cache = CachingProvider(Early(keys), refresh=RefreshPolicy(ahead=timedelta(seconds=1.2)))
        files = files_of(kind, service, cache)
        counts = for_a_while(8, lambda mark: files.pipe_file(f"{BUCKET}/{mark}", b"x"))
        cache.close()
    assert service.refusals == []
    assert min(counts) > 3, counts
    assert 4 <= keys.minted <= 40, (keys.minted, counts)
    assert len({each.credential for each in service.seen}) >= 4


# --- the event loop -----------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.tried("ossfs", "async", "rotation")
def test_the_loop_goes_on_while_a_slow_source_is_asked(store: Bucket) -> None:
    keys = Keys(lasts=timedelta(seconds=6))
    slow = Slow(Early(keys))
    cache = CachingProvider(slow, refresh=WELL_AHEAD)

    async def work(files: Any) -> None:
        with slow.watching():
            await in_tasks_for_a_while(8, lambda mark: files._pipe_file(f"{BUCKET}/{mark}", b"x"))

    with Loopback(keys, oss.verify, store) as service:
        in_the_loop(service, cache, work)
    cache.close()
    print(f"the loop was held for {slow.lag:.3f} s at most, over {slow.calls} fetches")
    assert service.refusals == []
    assert slow.calls >= 3
    assert slow.went_on()


@pytest.mark.slow
def test_with_the_auth_alone_exchanged_the_loop_stands_still(keys: Keys, service: Loopback) -> None:
    slow = Slow(keys, patience=2)

    async def main() -> None:
        files = AioOSSFileSystem(endpoint=service.url, asynchronous=True)
        files._auth = oss2.ProviderAuth(adapted(CachingProvider(slow)))
        await files.set_session()
        with slow.watching():
            await asyncio.sleep(0.2)  # the ticker runs
            await files._pipe_file(f"{BUCKET}/a", b"x")
            await asyncio.sleep(0.2)
        await files._session.close()

    asyncio.run(main())
    assert not slow.went_on()


# --- one file system for a provider -------------------------------------------------------------------------------------------------


def test_the_cache_of_fsspec_knows_one_provider_from_another(service: Loopback, kind: str) -> None:
    class Twin:
        """Nothing in its name or repr tells it from its like."""

        name = "twin"

        def __init__(self, number: int) -> None:
            self._credential = Credential(f"id-{number}", "s")

        def get(self) -> Credential:
            return self._credential

        def __repr__(self) -> str:
            return "twin"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Twin)

        def __hash__(self) -> int:
            return 1

    twins = [Twin(number) for number in range(20)]
    made = [files_of(kind, service, twin) for twin in twins]
    assert len({id(each) for each in made}) == 20
    assert len(set(made)) == 20  # and none is equal to another
    for twin, files in zip(twins, made, strict=True):
        assert files_of(kind, service, twin) is files  # as long as it is the same provider, fsspec keeps it
        assert files._auth.credentials_provider.get_credentials().access_key_id == twin.get().access_key_id


def test_a_provider_whose_repr_changes_keeps_its_file_system(service: Loopback, keys: Keys, kind: str) -> None:
    cache = CachingProvider(keys)
    files = files_of(kind, service, cache)
    before = repr(cache)
    cache.get()
    assert repr(cache) != before
    assert files_of(kind, service, cache) is files


def test_threads_that_come_at_once_get_file_systems_of_the_right_provider(service: Loopback) -> None:
    providers = [StaticProvider(Credential(f"id-{number}", "s")) for number in range(4)]

    def make() -> list[str]:
        made = [files_of("sync", service, each) for each in providers]
        return [each._auth.credentials_provider.get_credentials().access_key_id for each in made]

    assert in_threads(8, make) == [["id-0", "id-1", "id-2", "id-3"]] * 8


class Counted:
    """A source that counts, for each process, how often it has been asked."""

    name = "counted"
    fetches = 0

    def __init__(self, credential: Credential) -> None:
        self._credential = credential

    def get(self) -> Credential:
        Counted.fetches += 1
        return self._credential


def task(files: Any) -> tuple[int, int, bytes]:
    """What a worker of dask does: it gets a file system of its own with each task."""
    body = files.cat_file(f"{BUCKET}/a.txt")
    return os.getpid(), Counted.fetches, body


@pytest.mark.slow
@pytest.mark.tried("ossfs", "sync")
def test_pickled_for_each_task_it_fetches_once_in_each_worker(keys: Keys, service: Loopback, store: Bucket, kind: str) -> None:
    store.objects["a.txt"] = b"text"
    files = files_of(kind, service, CachingProvider(Counted(keys.get())))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        done = pool.map(task, [files] * 6, chunksize=1)
        pool.close()
        pool.join()
    assert {body for _, _, body in done} == {b"text"}
    assert os.getpid() not in {pid for pid, _, _ in done}
    assert {fetches for _, fetches, _ in done} == {1}
    assert service.refusals == []


def test_pickled_and_loaded_in_the_same_process_it_is_the_same(service: Loopback, kind: str) -> None:
    cache = CachingProvider(StaticProvider(Credential("id", "s")))
    files = files_of(kind, service, cache)
    assert pickle.loads(pickle.dumps(files)) is files
    assert copy.deepcopy(files) is files


def test_a_provider_that_cannot_be_pickled_says_so(service: Loopback) -> None:
    class Local:
        name = "local"

        def get(self) -> Credential:
            return Credential("id", "s")

    with pytest.raises((pickle.PicklingError, AttributeError), match="Local"):
        pickle.dumps(files_of("sync", service, Local()))


def test_no_secret_is_among_the_options(service: Loopback, keys: Keys, kind: str) -> None:
    files = files_of(kind, service, CachingProvider(keys))
    files.pipe_file(f"{BUCKET}/a", b"x")
    used = service.seen[0].credential
    assert used is not None
    for text in (repr(files), str(files.storage_options), str(vars(files))):
        assert used.access_key_secret not in text
        assert (used.security_token or "no token") not in text
    with pytest.raises(TypeError, match="not JSON serializable"):
        files.to_json()


@pytest.mark.parametrize("name", ["key", "secret", "token"])
def test_a_key_beside_the_provider_is_refused(service: Loopback, keys: Keys, kind: str, name: str) -> None:
    with pytest.raises(ConfigurationError, match=name):
        files_of(kind, service, keys, **{name: "x"})


# --- what goes wrong ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [DeniedError("no", code="NoPermission"), ProviderError("the vault is closed")])
def test_what_the_provider_raises_arrives_as_it_is(service: Loopback, kind: str, error: Exception) -> None:
    files = files_of(kind, service, Script(error))
    with pytest.raises(type(error)) as caught:
        files.pipe_file(f"{BUCKET}/a", b"x")
    assert caught.value is error
    assert service.seen == ()


def test_strings_at_construction_go_stale() -> None:
    keys = Keys(lasts=timedelta(seconds=1))
    with Loopback(keys, oss.verify, Bucket()) as service:
        held = keys.get()
        files = OSSFileSystem(endpoint=service.url, key=held.access_key_id, secret=held.access_key_secret, token=held.security_token)
        time.sleep(1.1)
        with pytest.raises(OSError, match="403"):
            files.pipe_file(f"{BUCKET}/a", b"x")
        assert "has expired" in service.seen[-1].refusal


def test_a_torn_request_is_refused(kind: str, region: str | None) -> None:
    keys = Keys()
    with Loopback(keys, oss.verify, Bucket()) as service:
        one, other = keys.get(), keys.get()
        for torn, why in (
            (Credential(one.access_key_id, other.access_key_secret, one.security_token), "the signature is not"),
            (Credential(one.access_key_id, one.access_key_secret, other.security_token), "is not its own"),
        ):
            with pytest.raises(OSError, match="403"):
                files_of(kind, service, StaticProvider(torn), region).pipe_file(f"{BUCKET}/a", b"x")
            assert why in service.seen[-1].refusal


# --- the page -----------------------------------------------------------------------------------------------------------------------


def test_the_program_of_the_page_runs(service: Loopback, keys: Keys, store: Bucket) -> None:
    said = run_example("ossfs_files", keys, {"OSS_ENDPOINT": service.url, "OSS_BUCKET": BUCKET, "OSS_REGION": oss.REGION})
    assert said.splitlines() == ["hello", "['0', '1', '2', '3', '4']"]
    assert len(store.objects) == 6
    assert service.refusals == []


def test_the_page_shows_the_program() -> None:
    page = EXAMPLES.parents[1] / "clients" / "ossfs.md"
    assert f"```python\n{(EXAMPLES / 'ossfs_files.py').read_text('utf-8')}```\n" in page.read_text("utf-8")
