"""``alibabacloud-oss-v2`` under `oss_v2`: the client, and its asynchronous twin."""

from __future__ import annotations

import asyncio
import re
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import urllib3

from alicred import CachingProvider, Credential, DeniedError, ProviderError, RefreshMode, RefreshPolicy
from alicred.adapters import OssV2Credential, oss_v2
from tests.clients.oss_service import BUCKET, Bucket
from tests.clients.sessions import WELL_AHEAD, Early, Lives, Slow, for_a_while, in_tasks_for_a_while
from tests.clients.signatures import oss
from tests.clients.support import EXAMPLES, Driver, Keys, Loopback, run_example
from tests.support import HOUR, Script

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client does at its import
    import alibabacloud_oss_v2 as v2
    from alibabacloud_oss_v2.aio import AsyncClient
    from alibabacloud_oss_v2.exceptions import CredentialsFetchError, OperationError

ROW = "alibabacloud-oss-v2"
PART = 100 * 1024
VERSIONS = ("v1", "v4")


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


@pytest.fixture(params=VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def config_of(service: Loopback, credentials: object, version: str = "v4") -> v2.Config:
    config = v2.config.load_default()
    config.credentials_provider = credentials
    config.region = oss.REGION
    config.endpoint = service.url
    config.signature_version = version
    return config


def client_of(service: Loopback, credentials: object, version: str = "v4") -> v2.Client:
    return v2.Client(config_of(service, credentials, version))


def put_request(key: str, body: object = b"x") -> v2.PutObjectRequest:
    return v2.PutObjectRequest(bucket=BUCKET, key=key, body=body)


def get_request(key: str) -> v2.GetObjectRequest:
    return v2.GetObjectRequest(bucket=BUCKET, key=key)


def everything(client: v2.Client) -> Callable[[str], None]:
    """What people do with a bucket, under the name of a mark; the name has what has to be encoded."""

    def do(mark: str) -> None:
        key = f"dir/{mark} ü+&=~.txt"
        client.put_object(
            v2.PutObjectRequest(bucket=BUCKET, key=key, body=b"some text", content_type="text/plain", metadata={"of": "tests"})
        )
        assert client.get_object(get_request(key)).body.read() == b"some text"
        assert client.get_object(v2.GetObjectRequest(bucket=BUCKET, key=key, range_header="bytes=5-")).body.read() == b"text"
        assert client.head_object(v2.HeadObjectRequest(bucket=BUCKET, key=key)).content_length == 9
        listing = client.list_objects_v2_paginator().iter_page(v2.ListObjectsV2Request(bucket=BUCKET, prefix=f"dir/{mark}"))
        assert [each.key for page in listing for each in page.contents] == [key]
        log = v2.AppendObjectRequest(bucket=BUCKET, key=f"{mark}.log", position=0, body=b"one")
        assert client.append_object(log).next_position == 3
        client.put_object(put_request(f"{mark}.stream", iter([b"in ", b"pieces"])))
        assert client.get_object(get_request(f"{mark}.stream")).body.read() == b"in pieces"
        parts = [v2.DeleteObject(key=f"{mark}.{each}") for each in ("log", "stream")]
        client.delete_multiple_objects(v2.DeleteMultipleObjectsRequest(bucket=BUCKET, objects=parts))
        client.delete_object(v2.DeleteObjectRequest(bucket=BUCKET, key=key))
        assert not client.is_object_exist(BUCKET, key)

    return do


def everything_in_a_task(client: AsyncClient) -> Callable[[str], Awaitable[None]]:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"in "
        yield b"pieces"

    async def do(mark: str) -> None:
        key = f"dir/{mark} ü+&=~.txt"
        await client.put_object(put_request(key, b"some text"))
        assert await (await client.get_object(get_request(key))).body.read() == b"some text"
        assert (await client.head_object(v2.HeadObjectRequest(bucket=BUCKET, key=key))).content_length == 9
        found = await client.list_objects_v2(v2.ListObjectsV2Request(bucket=BUCKET, prefix=f"dir/{mark}"))
        assert [each.key for each in found.contents] == [key]
        await client.append_object(v2.AppendObjectRequest(bucket=BUCKET, key=f"{mark}.log", position=0, body=b"one"))
        await client.put_object(put_request(f"{mark}.stream", pieces()))
        assert await (await client.get_object(get_request(f"{mark}.stream"))).body.read() == b"in pieces"
        begun = await client.initiate_multipart_upload(v2.InitiateMultipartUploadRequest(bucket=BUCKET, key=f"{mark}.parts"))
        done = [
            v2.UploadPart(part_number=number, etag=(await client.upload_part(part_request(begun, number, body))).etag)
            for number, body in enumerate((b"first", b"second"), start=1)
        ]
        await client.complete_multipart_upload(complete_request(begun, done))
        for name in (key, f"{mark}.log", f"{mark}.stream", f"{mark}.parts"):
            await client.delete_object(v2.DeleteObjectRequest(bucket=BUCKET, key=name))
        assert not await client.is_object_exist(BUCKET, key)

    return do


def part_request(begun: v2.InitiateMultipartUploadResult, number: int, body: bytes) -> v2.UploadPartRequest:
    return v2.UploadPartRequest(bucket=BUCKET, key=begun.key, upload_id=begun.upload_id, part_number=number, body=body)


def complete_request(begun: v2.InitiateMultipartUploadResult, parts: list[v2.UploadPart]) -> v2.CompleteMultipartUploadRequest:
    whole = v2.CompleteMultipartUpload(parts=parts)
    return v2.CompleteMultipartUploadRequest(bucket=BUCKET, key=begun.key, upload_id=begun.upload_id, complete_multipart_upload=whole)


# --- the right way ------------------------------------------------------------------------------------------------------------------


@pytest.mark.tried(ROW, "sync", "rotation")
def test_every_request_is_signed_with_one_current_credential(keys: Keys, service: Loopback, store: Bucket, version: str) -> None:
    Driver(service).one_after_the_other(everything(client_of(service, oss_v2(keys), version)), calls=2)
    assert oss.ways(each.request for each in service.seen) == {f"{version} header"}
    assert keys.minted == len(service.seen)  # asked once for each attempt
    assert store.objects == {}


@pytest.mark.tried(ROW, "threads", "rotation")
def test_so_it_is_in_threads(keys: Keys, service: Loopback, store: Bucket, version: str) -> None:
    Driver(service).in_threads(everything(client_of(service, oss_v2(keys), version)), calls=2)
    assert keys.minted == len(service.seen)
    assert store.objects == {}


@pytest.mark.tried(ROW, "async", "rotation")
def test_so_it_is_in_tasks(keys: Keys, service: Loopback, store: Bucket, version: str) -> None:
    async def main() -> None:
        async with AsyncClient(config_of(service, oss_v2(keys), version)) as client:
            await Driver(service).in_tasks(everything_in_a_task(client), tasks=8)

    asyncio.run(main())
    assert keys.minted == len(service.seen)
    assert store.objects == {}


@pytest.mark.tried(ROW, "threads", "rotation")
def test_each_part_of_an_upload_and_a_download_has_a_credential_of_its_own(
    keys: Keys, service: Loopback, store: Bucket, version: str, tmp_path: Path
) -> None:
    client = client_of(service, oss_v2(keys), version)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(range(256)) * (PART // 32))  # eight parts
    options = {"part_size": PART, "parallel_num": 4, "enable_checkpoint": True, "checkpoint_dir": str(tmp_path)}

    def up_and_down(mark: str) -> None:
        client.uploader(**options).upload_file(v2.PutObjectRequest(bucket=BUCKET, key=f"{mark}.bin"), str(source))
        client.downloader(**options).download_file(get_request(f"{mark}.bin"), str(target))
        assert target.read_bytes() == source.read_bytes() == store.objects[f"{mark}.bin"]

    Driver(service).one_after_the_other(up_and_down, calls=1)
    assert len([each for each in service.seen if "partNumber" in each.request.query]) == 8
    assert keys.minted == len(service.seen)


@pytest.mark.tried(ROW, "sync", "rotation")
def test_an_upload_by_parts_may_begin_and_end_with_different_credentials(
    keys: Keys, service: Loopback, store: Bucket, version: str
) -> None:
    client = client_of(service, oss_v2(keys), version)

    def by_parts(mark: str) -> None:
        begun = client.initiate_multipart_upload(v2.InitiateMultipartUploadRequest(bucket=BUCKET, key=f"{mark}.bin"))
        done = [
            v2.UploadPart(part_number=number, etag=client.upload_part(part_request(begun, number, body)).etag)
            for number, body in enumerate((b"first", b"second"), start=1)
        ]
        client.complete_multipart_upload(complete_request(begun, done))
        assert store.objects[f"{mark}.bin"] == b"firstsecond"

    Driver(service).one_after_the_other(by_parts, calls=2)


@pytest.mark.tried(ROW, "sync", "rotation")
def test_a_retry_inside_the_client_is_signed_again_with_one_credential(keys: Keys, service: Loopback, store: Bucket, version: str) -> None:
    store.busy("tried", 2)
    client_of(service, oss_v2(keys), version).put_object(put_request("tried"))
    assert service.serials("tried") == [1, 2, 3]
    assert service.refusals == []


@pytest.mark.tried(ROW, "async", "rotation")
def test_so_is_a_retry_in_a_task(keys: Keys, service: Loopback, store: Bucket, version: str) -> None:
    async def main() -> None:
        async with AsyncClient(config_of(service, oss_v2(keys), version)) as client:
            await client.put_object(put_request("tried"))

    store.busy("tried", 2)
    asyncio.run(main())
    assert service.serials("tried") == [1, 2, 3]
    assert service.refusals == []


@pytest.fixture
def service_of_sessions(store: Bucket) -> Iterator[Loopback]:
    """Its sessions end after three seconds. `Early` says two."""
    with Loopback(Keys(lasts=timedelta(seconds=3)), oss.verify, store) as running:
        yield running


@pytest.mark.slow
@pytest.mark.tried(ROW, "threads", "rotation")
def test_a_pool_of_workers_outlives_many_short_sessions(service_of_sessions: Loopback) -> None:
    keys = service_of_sessions.keys
    cache = CachingProvider(Early(keys), refresh=RefreshPolicy(ahead=timedelta(seconds=1.2)))
    client = client_of(service_of_sessions, oss_v2(cache))
    counts = for_a_while(8, lambda mark: client.put_object(put_request(mark)))
    assert service_of_sessions.refusals == []
    assert min(counts) > 3, counts
    assert sum(counts) == len(service_of_sessions.seen)
    assert 4 <= keys.minted <= 40, (keys.minted, counts)
    assert len({each.credential for each in service_of_sessions.seen}) >= 4


# --- URLs ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.tried(ROW, "sync", "rotation")
def test_a_url_is_signed_with_one_credential(keys: Keys, service: Loopback, store: Bucket, version: str) -> None:
    client = client_of(service, oss_v2(keys), version)
    store.objects["of dir/a ü+&=~.txt"] = b"text"
    put = v2.PutObjectRequest(bucket=BUCKET, key="new.txt", content_type="text/plain", metadata={"of": "tests"})
    signed = [client.presign(each, expires=timedelta(minutes=1)) for each in (get_request("of dir/a ü+&=~.txt"), put)]
    assert [keys.minted, len(service.seen)] == [2, 0]
    with urllib3.PoolManager() as http:
        assert http.request("GET", signed[0].url).data == b"text"
        assert http.request("PUT", signed[1].url, body=b"new", headers=signed[1].signed_headers).status == 200
        assert http.request("PUT", signed[1].url, body=b"new", headers={"Content-Type": "text/csv"}).status == 403
    assert store.objects["new.txt"] == b"new"
    assert oss.ways(each.request for each in service.seen) == {f"{version} url"}


@pytest.mark.tried(ROW, "async", "rotation")
def test_so_is_one_of_the_asynchronous_client(keys: Keys, service: Loopback, store: Bucket, version: str) -> None:
    async def main() -> str:
        async with AsyncClient(config_of(service, oss_v2(keys), version)) as client:
            return str((await client.presign(get_request("a.txt"), expires=timedelta(minutes=1))).url)

    store.objects["a.txt"] = b"text"
    url = asyncio.run(main())
    with urllib3.PoolManager() as http:
        assert http.request("GET", url).data == b"text"


@pytest.mark.slow
@pytest.mark.tried(ROW, "sync", "rotation")
def test_a_url_outlives_the_credential_that_was_held_when_it_was_signed(store: Bucket) -> None:
    keys = Lives()
    store.objects["a.txt"] = b"text"
    lasts = timedelta(seconds=10)
    urls: dict[tuple[str, str, str], str] = {}
    with Loopback(keys, oss.verify, store) as service, urllib3.PoolManager() as http:

        def opened(*ways: str) -> list[int]:
            chosen = [(method, url) for (way, _, method), url in urls.items() if way in ways]
            return [http.request(method, url, body=b"text" if method == "PUT" else None).status for method, url in chosen]

        for way, span in (("held", None), ("valid_for", lasts)):
            for version in VERSIONS:
                source = Script(keys.lasting(timedelta(seconds=4)), keys.lasting(HOUR))
                cache = CachingProvider(source, refresh=RefreshPolicy(ahead=timedelta(0)))
                cache.get()  # held from now on: it ends before the URL does
                client = client_of(service, oss_v2(cache, valid_for=span), version)
                for method, request in (("GET", get_request("a.txt")), ("PUT", put_request("a.txt", None))):
                    urls[way, version, method] = client.presign(request, expires=lasts).url
        assert opened("held", "valid_for") == [200] * 8
        time.sleep(6.5)
        assert opened("held") == [403] * 4
        assert opened("valid_for") == [200] * 4
    assert all("has expired" in refusal for refusal in service.refusals)


# --- the event loop -----------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.tried(ROW, "async", "rotation")
def test_the_loop_goes_on_while_a_slow_source_is_asked_if_aget_is_awaited_first(store: Bucket) -> None:
    keys = Keys(lasts=timedelta(seconds=6))
    slow = Slow(Early(keys))
    cache = CachingProvider(slow, refresh=WELL_AHEAD)

    async def main() -> None:
        async with AsyncClient(config_of(service, oss_v2(cache))) as client:

            async def call(mark: str) -> None:
                await cache.aget()
                await client.put_object(put_request(mark))

            with slow.watching():
                await in_tasks_for_a_while(8, call)

    with Loopback(keys, oss.verify, store) as service:
        asyncio.run(main())
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

    async def main() -> None:
        async with AsyncClient(config_of(service, oss_v2(cache))) as client:
            with slow.watching():
                await asyncio.sleep(0.2)  # the ticker runs
                await client.put_object(put_request("a"))
                await asyncio.sleep(0.2)

    asyncio.run(main())
    assert not slow.went_on()


# --- what goes wrong ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [DeniedError("no", code="NoPermission"), ProviderError("the vault is closed")])
def test_what_the_provider_raises_is_inside_what_the_client_raises(service: Loopback, version: str, error: Exception) -> None:
    script = Script(error)
    client = client_of(service, oss_v2(script), version)
    with pytest.raises(OperationError, match=re.escape(str(error))) as caught:
        client.put_object(put_request("a"))
    fetching = caught.value.unwrap()
    assert isinstance(fetching, CredentialsFetchError)
    assert fetching.kwargs["error"] is error
    assert script.calls == 3  # the client tries again
    with pytest.raises(OperationError, match=re.escape(str(error))):
        client.presign(get_request("a"))
    assert service.seen == ()


def test_so_it_is_in_a_task(service: Loopback) -> None:
    error = DeniedError("no", code="NoPermission")

    async def main() -> None:
        async with AsyncClient(config_of(service, oss_v2(Script(error)))) as client:
            await client.put_object(put_request("a"))

    with pytest.raises(OperationError) as caught:
        asyncio.run(main())
    assert caught.value.unwrap().kwargs["error"] is error


def test_a_client_that_goes_from_a_session_to_a_key_between_two_attempts_sends_the_old_token(store: Bucket) -> None:
    """The client's own: it leaves the header of its first attempt in place."""
    keys = Lives()
    with Loopback(keys, oss.verify, store) as service:

        def without_token() -> Credential:
            keys._tokens = False
            return keys.get()

        store.busy("tried")
        with pytest.raises(OperationError):
            client_of(service, oss_v2(Script(keys.get, without_token))).put_object(put_request("tried"))
        first, second = service.seen
        assert first.refusal == ""
        assert "is not its own" in second.refusal


# --- the naive ways, which the service sees through ---------------------------------------------------------------------------------


class Live:
    """A credential that fetches whatever is current for each part."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def get_credentials(self) -> Live:
        return self

    def has_keys(self) -> bool:
        return True

    @property
    def access_key_id(self) -> str:
        return self._keys.get().access_key_id

    @property
    def access_key_secret(self) -> str:
        return self._keys.get().access_key_secret

    @property
    def security_token(self) -> str | None:
        return self._keys.get().security_token


def refusal_of(service: Loopback, call: Callable[[], object]) -> str:
    before = len(service.seen)
    with pytest.raises(OperationError):
        call()
    assert len(service.seen) == before + 1
    return service.seen[-1].refusal


def test_a_live_credential_is_torn(service: Loopback, keys: Keys, version: str) -> None:
    client = client_of(service, Live(keys), version)
    assert refusal_of(service, lambda: client.put_object(put_request("a"))) != ""


def test_parts_that_do_not_belong_together_are_refused(version: str) -> None:
    keys = Keys()
    with Loopback(keys, oss.verify, Bucket()) as service, urllib3.PoolManager() as http:
        one, other = keys.get(), keys.get()
        for (key, secret, token), why in (
            ((one, other, one), "the signature is not"),
            ((one, one, other), "is not its own"),
            ((other, one, one), "is not its own"),
        ):
            parts = v2.credentials.StaticCredentialsProvider(key.access_key_id, secret.access_key_secret, token.security_token)
            client = client_of(service, parts, version)
            assert why in refusal_of(service, lambda client=client: client.put_object(put_request("a")))  # type: ignore[misc]
            assert http.request("GET", client.presign(get_request("a")).url).status == 403
            assert why in service.seen[-1].refusal


def test_strings_at_construction_go_stale(version: str) -> None:
    keys = Keys(lasts=timedelta(seconds=1))
    with Loopback(keys, oss.verify, Bucket()) as service:
        held = keys.get()
        time.sleep(1.1)
        parts = v2.credentials.StaticCredentialsProvider(held.access_key_id, held.access_key_secret, held.security_token)
        assert "has expired" in refusal_of(service, lambda: client_of(service, parts, version).put_object(put_request("a")))


def test_a_credential_is_what_the_client_has_for_one() -> None:
    theirs = v2.Credentials("id", "secret", "token")
    ours = OssV2Credential("id", "secret", "token")
    assert {name for name in dir(theirs) if not name.startswith("_")} <= set(dir(ours))
    assert (theirs.has_keys(), theirs.is_expired()) == (ours.has_keys(), ours.is_expired())


# --- the page -----------------------------------------------------------------------------------------------------------------------


def test_the_program_of_the_page_runs(service: Loopback, keys: Keys, store: Bucket) -> None:
    said = run_example("oss_v2_bucket", keys, {"OSS_ENDPOINT": service.url, "OSS_BUCKET": BUCKET, "OSS_REGION": oss.REGION})
    assert said.splitlines() == ["hello", f"{service.url}/{BUCKET}/hello.txt", "hello, task"]
    assert store.objects == {"hello.txt": b"hello, task"}
    assert service.refusals == []


def test_the_page_shows_the_program() -> None:
    page = EXAMPLES.parents[1] / "clients" / "oss_v2.md"
    assert f"```python\n{(EXAMPLES / 'oss_v2_bucket.py').read_text('utf-8')}```\n" in page.read_text("utf-8")
