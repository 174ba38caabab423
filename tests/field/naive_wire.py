"""Clients that fetch a key over HTTP, each with one mistake. `Plain` makes none of them, and little else."""

from __future__ import annotations

import http.client
import json
import socket
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit
from urllib.request import urlopen

import urllib3

from alicred import Clock, Credential, NotConfiguredError, ProviderError, TransientError
from alicred.wire.response import HttpResponse

ROLES = "/latest/meta-data/ram/security-credentials/"
LIMIT = 1 << 20


def credential(body: bytes) -> Credential:
    found = json.loads(body)
    return Credential(found["AccessKeyId"], found["AccessKeySecret"], found["SecurityToken"])


class TrustsTheSizeOfAChunk:
    """Asks for a bounded number of bytes."""

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url).netloc

    def get(self) -> Credential:
        connection = http.client.HTTPConnection(self._server, timeout=10)
        try:
            connection.request("GET", "/")
            return credential(connection.getresponse().read(LIMIT))  # which at a chunk of -1 reads all that comes
        finally:
            connection.close()


class HandsOutWhatCame:
    """Takes a token for good as it is."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self) -> object:
        with urlopen(self._url) as answer:
            return json.load(answer)["SecurityToken"]


class KeepsItsConnection:
    """One connection for all requests."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = socket.create_connection((parts.hostname, parts.port), timeout=10)
        self._answers = self._connection.makefile("rb")

    def get(self) -> Credential:
        self._connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        length = 0
        while (line := self._answers.readline()) != b"\r\n":  # of whatever is there already
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        return credential(self._answers.read(length))

    def __del__(self) -> None:
        self._answers.close()
        self._connection.close()


class TimesEachRead:
    """urllib3 as it is: a time-out for each read."""

    def __init__(self, url: str, *, proxy: str, ca_file: str, timeout: float) -> None:
        self._url = url
        self._manager = urllib3.ProxyManager(
            proxy, ca_certs=ca_file, proxy_ssl_context=urllib3.util.ssl_.create_urllib3_context(), timeout=timeout, retries=False
        )
        self._manager.proxy_config.ssl_context.load_verify_locations(ca_file)  # type: ignore[union-attr]  # it is the one given above

    def get(self) -> Credential:
        try:
            return credential(self._manager.request("GET", self._url).data)  # with a time-out for each byte that drips
        except (urllib3.exceptions.HTTPError, ValueError):
            raise TransientError("no answer") from None


def believes_the_date(clock: Clock, response: HttpResponse, took: float) -> None:
    clock.observe(parsedate_to_datetime(response.headers["date"]))  # raises OverflowError, or ValueError from CPython 3.14 on


class TakesEveryShortageForAbsence:
    """A source of a chain that is not there if it cannot be connected."""

    name = "metadata"

    def __init__(self, url: str) -> None:
        self._server = urlsplit(url).netloc

    def get(self) -> Credential:
        connection = http.client.HTTPConnection(self._server, timeout=10)
        try:
            connection.request("GET", ROLES + "role")
            return credential(connection.getresponse().read())
        except OSError:  # which is also what a machine says that has no descriptor left
            raise NotConfiguredError("there is no metadata service") from None
        finally:
            connection.close()


class BlamesTheServer:
    """Says of every certificate that it cannot verify the same."""

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self) -> Credential:
        try:
            return credential(urllib3.request("GET", self._url, retries=False).data)
        except urllib3.exceptions.SSLError:
            raise ProviderError("the server's certificate was not accepted: give ca_file") from None


class AsksWithoutATokenOnlyIfThereIsNone:
    """A client of the metadata service."""

    name = "metadata"

    def __init__(self, url: str) -> None:
        self._url = url

    def get(self) -> Credential:
        ttl = {"x-aliyun-ecs-metadata-token-ttl-seconds": "60"}
        token = urllib3.request("PUT", f"{self._url}/latest/api/token", headers=ttl)
        headers = {"x-aliyun-ecs-metadata-token": token.data.decode()} if token.status == 200 else {}
        answer = urllib3.request("GET", f"{self._url}{ROLES}role", headers=headers)
        if answer.status != 200:
            raise ProviderError("the service gives no key")  # with this token; it was not asked without one
        return credential(answer.data)
