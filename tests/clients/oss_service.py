"""As much of OSS as its clients need to see: one bucket, in memory, and faults to inject."""

from __future__ import annotations

import base64
import hashlib
import itertools
import threading
from collections.abc import Callable
from email.utils import formatdate
from urllib.parse import unquote
from xml.sax.saxutils import escape, unescape

import attrs

from alicred.testing.cloud.exchange import Answer, Request

BUCKET = "a-bucket"
_WHEN = "2024-05-06T07:08:09.000Z"
_ERROR = '<?xml version="1.0"?><Error><Code>{code}</Code><Message>{code}</Message><RequestId>1</RequestId></Error>'


class Bucket:
    """The answers of OSS, for a `Loopback`. Thread-safe.

    Faults come once each, in the order in which they are put into *faults*, to what asks for them: ``(mark, answer)`` is for the next
    request that has *mark* in its path.
    """

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.faults: list[tuple[str, Answer]] = []
        self._uploads: dict[str, dict[int, bytes]] = {}
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def busy(self, mark: str, times: int = 1) -> None:
        """Answer the next requests for *mark* with 503."""
        self.faults += [(mark, _error(503, "ServiceUnavailable"))] * times

    def reset(self, mark: str) -> None:
        """Cut off the next request for *mark*."""
        self.faults.append((mark, Answer(status=200, reset=True)))

    def __call__(self, request: Request) -> Answer:
        answer = self._answer(request)
        return attrs.evolve(answer, headers=(("Date", formatdate(usegmt=True)), ("x-oss-request-id", "1"), *answer.headers))

    def _answer(self, request: Request) -> Answer:
        with self._lock:
            for fault in self.faults:
                if fault[0] in request.path:
                    self.faults.remove(fault)
                    return fault[1]
            _, bucket, key = [*unquote(request.path).split("/", 2), "", ""][:3]
            if not bucket:
                return _xml(f"<ListAllMyBucketsResult><Buckets>{_bucket()}</Buckets></ListAllMyBucketsResult>")
            if bucket != BUCKET:
                return _error(404, "NoSuchBucket")
            return self._object(request, key) if key else self._whole(request)

    def _whole(self, request: Request) -> Answer:
        """The bucket itself."""
        if "bucketInfo" in request.query:
            return _xml(f"<BucketInfo>{_bucket()}</BucketInfo>")
        if "delete" in request.query:
            keys = [unescape(each.partition("</Key>")[0]) for each in request.body.decode().split("<Key>")[1:]]
            for key in keys:
                self.objects.pop(key, None)
            return _xml(f"<DeleteResult>{''.join(f'<Deleted><Key>{escape(key)}</Key></Deleted>' for key in keys)}</DeleteResult>")
        return self._list(request.query.get("prefix", ""), request.query.get("delimiter", ""))

    def _list(self, prefix: str, delimiter: str) -> Answer:
        files, folders = [], set()
        for key in sorted(each for each in self.objects if each.startswith(prefix)):
            head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            if found:
                folders.add(prefix + head + delimiter)
            else:
                files.append(key)
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{_WHEN}</LastModified><ETag>{_etag(self.objects[key])}</ETag>"
            f"<Type>Normal</Type><Size>{len(self.objects[key])}</Size><StorageClass>Standard</StorageClass></Contents>"
            for key in files
        )
        common = "".join(f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>" for each in sorted(folders))
        return _xml(
            f"<ListBucketResult><Name>{BUCKET}</Name><Prefix>{escape(prefix)}</Prefix><Marker></Marker><MaxKeys>1000</MaxKeys>"
            f"<KeyCount>{len(files)}</KeyCount><Delimiter>{escape(delimiter)}</Delimiter><IsTruncated>false</IsTruncated>"
            f"{contents}{common}</ListBucketResult>"
        )

    def _object(self, request: Request, key: str) -> Answer:
        query, method = request.query, request.method
        calls: dict[str, Callable[[Request, str], Answer]] = {"PUT": self._put, "GET": self._get, "HEAD": self._get, "DELETE": self._delete}
        if method == "POST" and "uploads" in query:
            upload = f"upload{next(self._numbers)}"
            self._uploads[upload] = {}
            return _xml(
                f"<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{escape(key)}</Key><UploadId>{upload}</UploadId>"
                "</InitiateMultipartUploadResult>"
            )
        if method == "POST" and "uploadId" in query:
            parts = self._uploads.pop(query["uploadId"])
            self.objects[key] = b"".join(part for _, part in sorted(parts.items()))
            etag = _etag(self.objects[key])
            return _xml(
                f"<CompleteMultipartUploadResult><Location>x</Location><Bucket>{BUCKET}</Bucket><Key>{escape(key)}</Key><ETag>{etag}</ETag>"
                "</CompleteMultipartUploadResult>",
                ("ETag", etag),
            )
        if method == "POST" and "append" in query:
            held = self.objects.get(key, b"")
            if int(query["position"]) != len(held):
                return _error(409, "PositionNotEqualToLength")
            self.objects[key] = held + request.body
            return _empty(200, ("x-oss-next-append-position", str(len(self.objects[key]))), ("ETag", _etag(request.body)))
        return calls[method](request, key) if method in calls else _error(405, "MethodNotAllowed")

    def _put(self, request: Request, key: str) -> Answer:
        query = request.query
        if "x-oss-copy-source" in request.headers:
            source = unquote(request.headers["x-oss-copy-source"]).split("/", 2)[2]
            self.objects[key] = self.objects[source]
            etag = _etag(self.objects[key])
            return _xml(f"<CopyObjectResult><ETag>{etag}</ETag><LastModified>{_WHEN}</LastModified></CopyObjectResult>")
        if "partNumber" in query:
            self._uploads[query["uploadId"]][int(query["partNumber"])] = request.body
        else:
            self.objects[key] = request.body
        return _empty(200, ("ETag", _etag(request.body)))

    def _parts(self, upload: str, key: str) -> Answer:
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><LastModified>{_WHEN}</LastModified><ETag>{_etag(part)}</ETag><Size>{len(part)}</Size>"
            "</Part>"
            for number, part in sorted(self._uploads[upload].items())
        )
        return _xml(
            f"<ListPartsResult><Bucket>{BUCKET}</Bucket><Key>{escape(key)}</Key><UploadId>{upload}</UploadId><MaxParts>1000</MaxParts>"
            f"<PartNumberMarker>0</PartNumberMarker><NextPartNumberMarker>0</NextPartNumberMarker><IsTruncated>false</IsTruncated>{parts}</ListPartsResult>"
        )

    def _get(self, request: Request, key: str) -> Answer:
        if "uploadId" in request.query:
            return self._parts(request.query["uploadId"], key)
        if key not in self.objects:
            return _error(404, "NoSuchKey")
        body = self.objects[key]
        headers = [("ETag", _etag(body)), ("Last-Modified", formatdate(0, usegmt=True)), ("x-oss-object-type", "Normal")]
        wanted = request.headers.get("range", "")
        if not wanted or not body:
            return Answer(status=200, body=body, headers=tuple(headers))
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first or 0), min(int(last or len(body) - 1), len(body) - 1)
        headers.append(("Content-Range", f"bytes {start}-{end}/{len(body)}"))
        return Answer(status=206, body=body[start : end + 1], headers=tuple(headers))

    def _delete(self, request: Request, key: str) -> Answer:
        self._uploads.pop(request.query.get("uploadId", ""), None)
        if "uploadId" not in request.query:
            self.objects.pop(key, None)
        return _empty(204)


def _bucket() -> str:
    return (
        f"<Bucket><Name>{BUCKET}</Name><CreationDate>{_WHEN}</CreationDate><Location>oss-cn-hangzhou</Location>"
        "<ExtranetEndpoint>oss-cn-hangzhou.aliyuncs.com</ExtranetEndpoint><IntranetEndpoint>oss-cn-hangzhou-internal.aliyuncs.com"
        "</IntranetEndpoint><StorageClass>Standard</StorageClass><Owner><ID>1</ID><DisplayName>1</DisplayName></Owner>"
        "<AccessControlList><Grant>private</Grant></AccessControlList></Bucket>"
    )


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest().upper()}"'


def _xml(text: str, *headers: tuple[str, str]) -> Answer:
    return Answer(
        status=200, body=f'<?xml version="1.0" encoding="UTF-8"?>{text}'.encode(), headers=(("Content-Type", "application/xml"), *headers)
    )


def _empty(status: int, *headers: tuple[str, str]) -> Answer:
    return Answer(status=status, headers=headers)


def _error(status: int, code: str) -> Answer:
    body = _ERROR.format(code=code).encode()
    headers = (("Content-Type", "application/xml"), ("x-oss-err", base64.b64encode(body).decode()))  # the header is for who asks by HEAD
    return Answer(status=status, body=body, headers=headers)
