"""``aiooss2`` under `oss2`: it signs with oss2's classes, on the event loop."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from alicred import CachingProvider, Credential, DeniedError, ProviderError, RefreshMode, RefreshPolicy
from alicred.adapters import oss2 as adapted
from tests.clients.oss_service import BUCKET, Bucket
from tests.clients.sessions import WELL_AHEAD, Early, Slow, in_tasks_for_a_while
from tests.clients.signatures import oss
from tests.clients.support import EXAMPLES, Driver, Keys, Loopback, run_example
from tests.support import Script

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the clients do at their import
    import aiooss2
    import oss2

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # oss2's, on 3.12 and newer
PART = 100 * 1024


class RegionalAuth(oss2.ProviderAuthV4):  # type: ignore[misc]  # of a package without types here
    """As on the page: version 4 for requests that do not say which region they are for."""

    def _sign_request(self, req: object, bucket_name: str, key: str, in_additional_headers: object = None) -> None:
        for name, value in (("region", oss.REGION), ("product", "oss"), ("cloudbox_id", None)):
            setattr(req, name, value)
        super()._sign_request(req, bucket_name, key, in_additional_headers)


AUTHS = {"v1": oss2.ProviderAuth, "v2": oss2.ProviderAuthV2, "v4": RegionalAuth}


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


@pytest.fixture(params=sorted(AUTHS))
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def with_bucket(
    service: Loopback, credentials: object, work: Callable[[aiooss2.AioBucket], Awaitable[object]], version: str = "v4"
) -> None:
    async def main() -> None:
        async with aiooss2.AioBucket(AUTHS[version](credentials), service.url, BUCKET) as bucket:
            await work(bucket)

    asyncio.run(main())


def everything(bucket: aiooss2.AioBucket) -> Callable[[str], Awaitable[None]]:
    """What people do with a bucket, under the name of a mark; the name has what has to be encoded."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"in "
        yield b"pieces"

    async def do(mark: str) -> None:
        key = f"dir/{mark} ü+&=~.txt"
        await bucket.put_object(key, b"some text", headers={"x-oss-meta-of": "tests"})
        assert await (await bucket.get_object(key)).read() == b"some text"
        assert await (await bucket.get_object(key, byte_range=(5, None))).read() == b"text"
        assert (await bucket.head_object(key)).content_length == 9
        assert [each.key async for each in aiooss2.AioObjectIterator(bucket, prefix=f"dir/{mark}")] == [key]
        assert (await bucket.append_object(f"{mark}.log", 0, b"one")).next_position == 3
        await bucket.put_object(f"{mark}.stream", pieces())
        assert await (await bucket.get_object(f"{mark}.stream")).read() == b"in pieces"
        upload = (await bucket.init_multipart_upload(f"{mark}.parts")).upload_id
        parts = [
            oss2.models.PartInfo(number, (await bucket.upload_part(f"{mark}.parts", upload, number, body)).etag)
            for number, body in enumerate((b"first", b"second"), start=1)
        ]
        await bucket.complete_multipart_upload(f"{mark}.parts", upload, parts)
        await bucket.batch_delete_objects([f"{mark}.log", f"{mark}.stream", f"{mark}.parts"])
        await bucket.delete_object(key)
        assert not await bucket.object_exists(key)

    return do


@pytest.mark.tried("aiooss2", "async", "rotation")
def test_every_request_is_signed_with_one_current_credential(keys: Keys, service: Loopback, store: Bucket, version: str) -> None:
    with_bucket(service, adapted(keys), lambda bucket: Driver(service).in_tasks(everything(bucket), tasks=8), version)
    assert oss.ways(each.request for each in service.seen) == {f"{version} header"}
    assert keys.minted == len(service.seen)  # asked once for each request
    assert store.objects == {}


@pytest.mark.tried("aiooss2", "async", "rotation")
def test_each_part_of_a_resumable_upload_and_download_has_a_credential_of_its_own(
    keys: Keys, service: Loopback, store: Bucket, version: str, tmp_path: Path
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(range(256)) * (PART // 32))  # eight parts
    options = {"part_size": PART, "num_threads": 4}
    uploads, downloads = oss2.ResumableStore(root=str(tmp_path)), oss2.ResumableDownloadStore(root=str(tmp_path))

    async def up_and_down(bucket: aiooss2.AioBucket) -> None:
        await aiooss2.resumable_upload(bucket, "a.bin", str(source), multipart_threshold=PART, store=uploads, **options)
        await aiooss2.resumable_download(bucket, "a.bin", str(target), multiget_threshold=PART, store=downloads, **options)

    with_bucket(service, adapted(keys), up_and_down, version)
    assert target.read_bytes() == source.read_bytes() == store.objects["a.bin"]
    assert len([each for each in service.seen if "partNumber" in each.request.query]) == 8
    assert keys.minted == len(service.seen)
    assert service.refusals == []


@pytest.mark.tried("aiooss2", "async", "rotation")
def test_what_is_tried_again_gets_a_new_signature(keys: Keys, service: Loopback, store: Bucket, version: str) -> None:
    async def twice(bucket: aiooss2.AioBucket) -> None:
        with pytest.raises(oss2.exceptions.ServerError):  # aiooss2 tries nothing again
            await bucket.put_object("again", b"x")
        await bucket.put_object("again", b"x")

    store.busy("again")
    with_bucket(service, adapted(keys), twice, version)
    assert service.serials("again") == [1, 2]
    assert service.refusals == []


def test_version_4_needs_to_be_told_the_region(service: Loopback, keys: Keys) -> None:
    async def main() -> None:
        async with aiooss2.AioBucket(oss2.ProviderAuthV4(adapted(keys)), service.url, BUCKET) as bucket:
            await bucket.put_object("a", b"x")

    with pytest.raises(AttributeError, match="region"):
        asyncio.run(main())


@pytest.mark.slow
@pytest.mark.tried("aiooss2", "async", "rotation")
def test_the_loop_goes_on_while_a_slow_source_is_asked_if_aget_is_awaited_first(store: Bucket) -> None:
    keys = Keys(lasts=timedelta(seconds=6))
    slow = Slow(Early(keys))
    cache = CachingProvider(slow, refresh=WELL_AHEAD)

    async def work(bucket: aiooss2.AioBucket) -> None:
        async def call(mark: str) -> None:
            await cache.aget()
            await bucket.put_object(mark, b"x")

        with slow.watching():
            await in_tasks_for_a_while(8, call)

    with Loopback(keys, oss.verify, store) as service:
        with_bucket(service, adapted(cache), work)
    cache.close()
    print(f"the loop was held for {slow.lag:.3f} s at most, over {slow.calls} fetches")
    assert service.refusals == []
    assert slow.calls >= 3
    assert slow.went_on()


@pytest.mark.slow
@pytest.mark.parametrize("mode", list(RefreshMode))
def test_without_it_the_loop_stands_still(service: Loopback, keys: Keys, mode: RefreshMode) -> None:
    slow = Slow(keys, patience=2)
    cache = CachingProvider(slow, refresh=RefreshPolicy(mode=mode))

    async def work(bucket: aiooss2.AioBucket) -> None:
        with slow.watching():
            await asyncio.sleep(0.2)  # the ticker runs
            await bucket.put_object("a", b"x")
            await asyncio.sleep(0.2)

    with_bucket(service, adapted(cache), work)
    assert not slow.went_on()


@pytest.mark.parametrize("error", [DeniedError("no", code="NoPermission"), ProviderError("the vault is closed")])
def test_what_the_provider_raises_arrives_as_it_is(service: Loopback, version: str, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        with_bucket(service, adapted(Script(error)), lambda bucket: bucket.put_object("a", b"x"), version)
    assert caught.value is error
    assert service.seen == ()


class Of:
    """What oss2 takes, of parts that need not belong together."""

    def __init__(self, key: Credential, secret: Credential, token: Credential) -> None:
        self._parts = oss2.credentials.Credentials(key.access_key_id, secret.access_key_secret, token.security_token)

    def get_credentials(self) -> object:
        return self._parts


def test_parts_that_do_not_belong_together_are_refused(version: str) -> None:
    keys = Keys()
    with Loopback(keys, oss.verify, Bucket()) as service:
        one, other = keys.get(), keys.get()
        for parts, why in (((one, other, one), "the signature is not"), ((one, one, other), "is not its own")):
            with pytest.raises(oss2.exceptions.ServerError):
                with_bucket(service, Of(*parts), lambda bucket: bucket.put_object("a", b"x"), version)
            assert why in service.seen[-1].refusal


def test_strings_at_construction_go_stale() -> None:
    keys = Keys(lasts=timedelta(seconds=2))
    with Loopback(keys, oss.verify, Bucket()) as service:
        held = keys.get()
        auth = aiooss2.StsAuth(held.access_key_id, held.access_key_secret, held.security_token)

        async def main() -> None:
            async with aiooss2.AioBucket(auth, service.url, BUCKET) as bucket:
                await asyncio.sleep(2.1)
                await bucket.put_object("a", b"x")

        with pytest.raises(oss2.exceptions.ServerError):
            asyncio.run(main())
        assert "has expired" in service.seen[-1].refusal


def test_the_program_of_the_page_runs(service: Loopback, keys: Keys, store: Bucket) -> None:
    said = run_example("aiooss2_bucket", keys, {"OSS_ENDPOINT": service.url, "OSS_BUCKET": BUCKET, "OSS_REGION": oss.REGION})
    assert said.splitlines() == ["hello, task"]
    assert store.objects == {"hello.txt": b"hello, task"}
    assert oss.ways(each.request for each in service.seen) == {"v4 header"}
    assert service.refusals == []


def test_the_page_shows_the_program() -> None:
    page = EXAMPLES.parents[1] / "clients" / "aiooss2.md"
    assert f"```python\n{(EXAMPLES / 'aiooss2_bucket.py').read_text('utf-8')}```\n" in page.read_text("utf-8")
