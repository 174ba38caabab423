"""``oss2`` under `oss2`."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import requests.adapters
import urllib3

from alicred import CachingProvider, Credential, DeniedError, ProviderError, RefreshPolicy
from alicred.adapters import oss2 as adapted
from tests.clients.oss_service import BUCKET, Bucket
from tests.clients.sessions import Early, Lives, for_a_while
from tests.clients.signatures import oss
from tests.clients.support import EXAMPLES, Driver, Keys, Loopback, run_example
from tests.support import HOUR, Script

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what the client does at its import
    import oss2

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the client's, on 3.12 and newer
AUTHS = {"v1": oss2.ProviderAuth, "v2": oss2.ProviderAuthV2, "v4": oss2.ProviderAuthV4}
PART = 100 * 1024  # the smallest that oss2 takes


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


def bucket_of(service: Loopback, credentials: object, version: str = "v4", **options: Any) -> oss2.Bucket:
    return oss2.Bucket(AUTHS[version](credentials), service.url, BUCKET, region=oss.REGION, is_path_style=True, **options)


def everything(bucket: oss2.Bucket) -> Callable[[str], None]:
    """What people do with a bucket, under the name of a mark; the name has what has to be encoded."""

    def do(mark: str) -> None:
        key = f"dir/{mark} ü+&=~.txt"
        bucket.put_object(key, b"some text", headers={"x-oss-meta-of": "tests", "Content-Type": "text/plain"})
        assert bucket.get_object(key).read() == b"some text"
        assert bucket.get_object(key, byte_range=(5, None)).read() == b"text"
        assert bucket.head_object(key).content_length == 9
        assert bucket.object_exists(key)
        assert [each.key for each in oss2.ObjectIterator(bucket, prefix=f"dir/{mark}")] == [key]
        assert [each.key for each in bucket.list_objects_v2(prefix=f"dir/{mark}").object_list] == [key]
        position = bucket.append_object(f"{mark}.log", 0, b"one").next_position
        assert bucket.append_object(f"{mark}.log", position, b"two").next_position == 6
        bucket.put_object(f"{mark}.stream", iter([b"in ", b"pieces"]))
        assert bucket.get_object(f"{mark}.stream").read() == b"in pieces"
        bucket.batch_delete_objects([f"{mark}.log", f"{mark}.stream"])
        bucket.delete_object(key)
        assert not bucket.object_exists(key)

    return do


# --- the right way ------------------------------------------------------------------------------------------------------------------


@pytest.mark.tried("oss2", "sync", "rotation")
def test_every_request_is_signed_with_one_current_credential(keys: Keys, service: Loopback, store: Bucket, version: str) -> None:
    Driver(service).one_after_the_other(everything(bucket_of(service, adapted(keys), version)), calls=2)
    assert oss.ways(each.request for each in service.seen) == {f"{version} header"}
    assert keys.minted == len(service.seen)  # asked once for each request
    assert store.objects == {}


@pytest.mark.tried("oss2", "threads", "rotation")
def test_so_it_is_in_threads(keys: Keys, service: Loopback, store: Bucket, version: str) -> None:
    Driver(service).in_threads(everything(bucket_of(service, adapted(keys), version)), calls=2)
    assert keys.minted == len(service.seen)
    assert store.objects == {}


@pytest.mark.tried("oss2", "threads", "rotation")
def test_each_part_of_a_resumable_upload_and_download_has_a_credential_of_its_own(
    keys: Keys, service: Loopback, store: Bucket, version: str, tmp_path: Path
) -> None:
    bucket = bucket_of(service, adapted(keys), version)
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(range(256)) * (PART // 32))  # eight parts

    def up_and_down(mark: str) -> None:
        uploads, downloads = oss2.ResumableStore(root=str(tmp_path)), oss2.ResumableDownloadStore(root=str(tmp_path))
        oss2.resumable_upload(bucket, f"{mark}.bin", str(source), store=uploads, multipart_threshold=PART, part_size=PART, num_threads=4)
        oss2.resumable_download(bucket, f"{mark}.bin", str(target), store=downloads, multiget_threshold=PART, part_size=PART, num_threads=4)
        assert target.read_bytes() == source.read_bytes() == store.objects[f"{mark}.bin"]

    Driver(service).one_after_the_other(up_and_down, calls=1)
    parts = [each for each in service.seen if "partNumber" in each.request.query]
    assert len(parts) == 8
    assert keys.minted == len(service.seen)


@pytest.mark.tried("oss2", "sync", "rotation")
def test_an_upload_by_parts_may_begin_and_end_with_different_credentials(
    keys: Keys, service: Loopback, store: Bucket, version: str
) -> None:
    bucket = bucket_of(service, adapted(keys), version)

    def by_parts(mark: str) -> None:
        key = f"{mark}.bin"
        upload = bucket.init_multipart_upload(key).upload_id
        parts = [
            oss2.models.PartInfo(number, bucket.upload_part(key, upload, number, body).etag)
            for number, body in enumerate((b"first", b"second"), start=1)
        ]
        bucket.complete_multipart_upload(key, upload, parts)
        bucket.abort_multipart_upload(key, bucket.init_multipart_upload(key).upload_id)
        assert store.objects[key] == b"firstsecond"

    Driver(service).one_after_the_other(by_parts, calls=2)


@pytest.mark.tried("oss2", "sync", "rotation")
def test_the_service_lists_its_buckets(keys: Keys, service: Loopback, version: str) -> None:
    listing = oss2.Service(AUTHS[version](adapted(keys)), service.url, region=oss.REGION)
    assert [each.name for each in oss2.BucketIterator(listing)] == [BUCKET]
    assert service.refusals == []


@pytest.mark.tried("oss2", "sync", "rotation")
def test_what_is_tried_again_is_signed_with_one_credential_too(keys: Keys, service: Loopback, store: Bucket, version: str) -> None:
    again = requests.adapters.HTTPAdapter(max_retries=urllib3.Retry(3, status_forcelist=[503], allowed_methods=None, backoff_factor=0))
    by_transport = bucket_of(service, adapted(keys), version, session=oss2.Session(adapter=again))
    store.objects["transport"] = b"x"
    store.busy("transport", 2)
    assert by_transport.get_object("transport").read() == b"x"
    assert service.serials("transport") == [1, 1, 1]  # the same signed request

    by_hand = bucket_of(service, adapted(keys), version)
    store.busy("hand")
    with pytest.raises(oss2.exceptions.ServerError):
        by_hand.put_object("hand", b"x")
    by_hand.put_object("hand", b"x")
    assert service.serials("hand") == [2, 3]  # signed anew
    assert service.refusals == []


@pytest.mark.slow
@pytest.mark.tried("oss2", "threads", "rotation")
def test_a_pool_of_workers_outlives_many_short_sessions(service_of_sessions: Loopback) -> None:
    keys = service_of_sessions.keys
    cache = CachingProvider(Early(keys), refresh=RefreshPolicy(ahead=timedelta(seconds=1.2)))
    bucket = bucket_of(service_of_sessions, adapted(cache))
    counts = for_a_while(8, lambda mark: bucket.put_object(mark, mark.encode()))
    assert service_of_sessions.refusals == []
    assert min(counts) > 3, counts
    assert sum(counts) == len(service_of_sessions.seen)
    assert 4 <= keys.minted <= 40, (keys.minted, counts)
    assert len({each.credential for each in service_of_sessions.seen}) >= 4


@pytest.fixture
def service_of_sessions(store: Bucket) -> Iterator[Loopback]:
    """Its sessions end after three seconds. `Early` says two."""
    with Loopback(Keys(lasts=timedelta(seconds=3)), oss.verify, store) as running:
        yield running


# --- URLs ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.tried("oss2", "sync", "rotation")
def test_a_url_is_signed_with_one_credential(keys: Keys, service: Loopback, store: Bucket, version: str) -> None:
    bucket = bucket_of(service, adapted(keys), version)
    store.objects["of dir/a ü+&=~.txt"] = b"text"
    headers = {"Content-Type": "text/plain", "x-oss-meta-of": "tests"}
    get = bucket.sign_url("GET", "of dir/a ü+&=~.txt", 60, slash_safe=True, params={"response-content-type": "text/csv"})
    put = bucket.sign_url("PUT", "new.txt", 60, headers=headers)
    assert [keys.minted, len(service.seen)] == [2, 0]
    with urllib3.PoolManager() as http:
        assert http.request("GET", get).data == b"text"
        assert http.request("PUT", put, body=b"new", headers=headers).status == 200
        assert http.request("PUT", put, body=b"new", headers={**headers, "x-oss-meta-of": "others"}).status == 403
    assert store.objects["new.txt"] == b"new"
    assert oss.ways(each.request for each in service.seen) == {f"{version} url"}


@pytest.mark.slow
@pytest.mark.tried("oss2", "sync", "rotation")
def test_a_url_outlives_the_credential_that_was_held_when_it_was_signed(store: Bucket) -> None:
    keys = Lives()
    store.objects["a.txt"] = b"text"
    urls: dict[tuple[str, str, str], str] = {}
    with Loopback(keys, oss.verify, store) as service, urllib3.PoolManager() as http:

        def opened(*ways: str) -> list[int]:
            chosen = [(method, url) for (way, _, method), url in urls.items() if way in ways]
            return [http.request(method, url, body=b"text" if method == "PUT" else None).status for method, url in chosen]

        for way, span in (("held", None), ("valid_for", timedelta(seconds=10))):
            for version in AUTHS:
                source = Script(keys.lasting(timedelta(seconds=4)), keys.lasting(HOUR))
                cache = CachingProvider(source, refresh=RefreshPolicy(ahead=timedelta(0)))
                cache.get()  # held from now on: it ends before the URL does
                bucket = bucket_of(service, adapted(cache, valid_for=span), version)
                urls |= {(way, version, method): bucket.sign_url(method, "a.txt", 10) for method in ("GET", "PUT")}
        assert opened("held", "valid_for") == [200] * 12
        time.sleep(6.5)
        assert opened("held") == [403] * 6
        assert opened("valid_for") == [200] * 6
    assert all("has expired" in refusal for refusal in service.refusals)


def test_a_session_that_is_shorter_than_the_url_is_said_before_anything_is_signed(store: Bucket) -> None:
    keys = Keys(lasts=timedelta(minutes=15))
    with Loopback(keys, oss.verify, store) as service:
        bucket = bucket_of(service, adapted(CachingProvider(keys), valid_for=HOUR))
        with pytest.raises(ProviderError, match="1:00:00"):
            bucket.sign_url("GET", "a.txt", 3600)


# --- what goes wrong ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [DeniedError("no", code="NoPermission"), ProviderError("the vault is closed")])
def test_what_the_provider_raises_arrives_as_it_is(service: Loopback, version: str, error: Exception, tmp_path: Path) -> None:
    bucket = bucket_of(service, adapted(Script(error)), version)
    (tmp_path / "source").write_bytes(bytes(2 * PART))
    calls: list[Callable[[], object]] = [
        lambda: bucket.put_object("a", b"x"),
        lambda: bucket.sign_url("GET", "a", 60),
        lambda: oss2.resumable_upload(
            bucket, "a", str(tmp_path / "source"), store=oss2.ResumableStore(root=str(tmp_path)), multipart_threshold=PART, num_threads=2
        ),
    ]
    for call in calls:
        with pytest.raises(type(error)) as caught:
            call()
        assert caught.value is error
    assert service.seen == ()


def test_an_error_inside_the_threads_of_an_upload_arrives_as_it_is(keys: Keys, service: Loopback, tmp_path: Path) -> None:
    denied = DeniedError("no", code="NoPermission")
    bucket = bucket_of(service, adapted(Script(keys.get, denied)))
    (tmp_path / "source").write_bytes(bytes(4 * PART))
    with pytest.raises(DeniedError) as caught:
        oss2.resumable_upload(
            bucket, "a", str(tmp_path / "source"),
            store=oss2.ResumableStore(root=str(tmp_path)), multipart_threshold=PART, part_size=PART, num_threads=3,
        )  # fmt: skip
    assert caught.value is denied
    assert service.refusals == []


def test_at_debug_the_client_logs_the_token_but_never_the_secret(service: Loopback, keys: Keys, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", "oss2"):
        bucket_of(service, adapted(keys)).put_object("a", b"x")
    used = service.seen[0].credential
    assert used is not None
    assert used.access_key_secret not in caplog.text
    assert (used.security_token or "no token") in caplog.text or used.security_token is None
    caplog.clear()
    with caplog.at_level("INFO", "oss2"):
        bucket_of(service, adapted(keys)).put_object("a", b"x")
    assert caplog.text == ""


# --- the naive ways, which the service sees through ---------------------------------------------------------------------------------


class Live:
    """A credential that fetches whatever is current for each part."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def get_credentials(self) -> Live:
        return self

    def get_access_key_id(self) -> str:
        return self._keys.get().access_key_id

    def get_access_key_secret(self) -> str:
        return self._keys.get().access_key_secret

    def get_security_token(self) -> str | None:
        return self._keys.get().security_token


class Of:
    """What oss2 takes, of parts that need not belong together."""

    def __init__(self, key: Credential, secret: Credential, token: Credential) -> None:
        self._parts = oss2.credentials.Credentials(key.access_key_id, secret.access_key_secret, token.security_token)

    def get_credentials(self) -> object:
        return self._parts


def refusal_of(service: Loopback, call: Callable[[], object]) -> str:
    before = len(service.seen)
    with pytest.raises(oss2.exceptions.ServerError) as caught:
        call()
    assert caught.value.status == 403
    assert len(service.seen) == before + 1
    return service.seen[-1].refusal


def test_a_live_getter_is_torn(service: Loopback, keys: Keys, version: str) -> None:
    bucket = bucket_of(service, Live(keys), version)
    assert refusal_of(service, lambda: bucket.put_object("a", b"x")) != ""


def test_parts_that_do_not_belong_together_are_refused(version: str) -> None:
    keys = Keys()
    with Loopback(keys, oss.verify, Bucket()) as service, urllib3.PoolManager() as http:
        one, other = keys.get(), keys.get()
        for parts, why in (
            ((one, other, one), "the signature is not"),
            ((one, one, other), "is not its own"),
            ((other, one, one), "is not its own"),
        ):
            bucket = bucket_of(service, Of(*parts), version)
            assert why in refusal_of(service, lambda bucket=bucket: bucket.put_object("a", b"x"))  # type: ignore[misc]
            assert http.request("GET", bucket.sign_url("GET", "a", 60)).status == 403
            assert why in service.seen[-1].refusal
        whole = bucket_of(service, Of(one, one, one), version)
        whole.put_object("a", b"x")
        assert http.request("GET", whole.sign_url("GET", "a", 60)).status == 200


def test_strings_at_construction_go_stale(version: str) -> None:
    keys = Keys(lasts=timedelta(seconds=1))
    with Loopback(keys, oss.verify, Bucket()) as service:
        held = keys.get()
        time.sleep(1.1)
        auth = oss2.StsAuth(held.access_key_id, held.access_key_secret, held.security_token, auth_version=version)
        bucket = oss2.Bucket(auth, service.url, BUCKET, region=oss.REGION, is_path_style=True)
        assert "has expired" in refusal_of(service, lambda: bucket.put_object("a", b"x"))


def test_a_request_of_yesterday_and_a_url_that_is_over_are_refused(
    service: Loopback, keys: Keys, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Yesterday(datetime):
        @classmethod
        def utcnow(cls) -> datetime:
            return datetime.now(timezone.utc) - timedelta(days=1)

    bucket = bucket_of(service, adapted(keys), version)
    over = bucket.sign_url("GET", "a", 1)
    late = time.time() - 86400
    monkeypatch.setattr(oss2.auth, "datetime", Yesterday)
    monkeypatch.setattr(oss2.utils, "http_date", lambda: formatdate(late, usegmt=True))
    assert "more than 0:15:00 off" in refusal_of(service, lambda: bucket.put_object("a", b"x"))
    time.sleep(2.1)
    with urllib3.PoolManager() as http:
        assert http.request("GET", over).status == 403
    assert service.seen[-1].refusal == "the URL is over"


# --- the page -----------------------------------------------------------------------------------------------------------------------


def test_the_program_of_the_page_runs(service: Loopback, keys: Keys, store: Bucket) -> None:
    said = run_example("oss2_bucket", keys, {"OSS_ENDPOINT": service.url, "OSS_BUCKET": BUCKET, "OSS_REGION": oss.REGION})
    assert said.splitlines() == ["hello", f"{service.url}/{BUCKET}/hello.txt"]
    assert store.objects == {"hello.txt": b"hello"}
    assert service.refusals == []


def test_the_page_shows_the_program() -> None:
    page = EXAMPLES.parents[1] / "clients" / "oss2.md"
    assert f"```python\n{(EXAMPLES / 'oss2_bucket.py').read_text('utf-8')}```\n" in page.read_text("utf-8")
