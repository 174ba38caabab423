"""Credentials that rotate at every call, a loopback service that verifies what is signed with them, and ways to drive a client."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import secrets
import subprocess
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import attrs

from alicred import Credential
from alicred.testing.cloud.exchange import Answer, Request
from alicred.testing.cloud.server import Server
from alicred.testing.cloud.tls import server_context

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples" / "clients"
CALLS = 5  # of one caller, one after the other
THREADS = 8
TASKS = 20
_NUMBERS = itertools.count(1)  # of the marks: no two drivers use the same one


class Refused(Exception):
    """The service does not take a request; the text says why, and holds no secret."""


class Keys:
    """A provider with a new credential at every call, like a cache in the worst of moments. It knows the secret of each. Thread-safe.

    Args:
        tokens: Whether the credentials have a security token.
        same_id: Whether all of them have the same id (and differ in secret and token).
        lasts: How long each is good for; ``None`` is for ever.
    """

    name = "rotating"

    def __init__(self, *, tokens: bool = True, same_id: bool = False, lasts: timedelta | None = None) -> None:
        self._tokens = tokens
        self._same_id = same_id
        self._lasts = lasts
        self._lock = threading.Lock()
        self._minted: list[Credential] = []
        self._id = f"key{secrets.token_hex(6)}"

    def get(self) -> Credential:
        with self._lock:
            number = len(self._minted) + 1
            minted = Credential(
                self._id if self._same_id else f"{self._id}n{number}",
                secrets.token_hex(15),
                f"token+/={secrets.token_hex(24)}=" if self._tokens else None,  # with what has to be encoded
                None if self._lasts is None else datetime.now(timezone.utc) + self._lasts,
                self.name,
            )
            self._minted.append(minted)
            return minted

    @property
    def minted(self) -> int:
        """How many there are."""
        with self._lock:
            return len(self._minted)

    @property
    def first(self) -> Credential:
        """The one that was handed out first."""
        with self._lock:
            return self._minted[0]

    def serial(self, credential: Credential) -> int:
        """1 for the first one, and so on."""
        with self._lock:
            return self._minted.index(credential) + 1

    def find(self, access_key_id: str | None, security_token: str | None) -> Credential:
        """The credential with this id and this token (``None``: the request has none), if it is good now.

        Raises:
            Refused: There is none, the token is that of another one, or it has expired.
        """
        with self._lock:
            candidates = [each for each in self._minted if each.access_key_id == access_key_id]
        if not candidates:
            raise Refused(f"nobody has the id {access_key_id!r}")
        found = next((each for each in candidates if each.security_token == security_token), None)
        if found is None:
            raise Refused(f"the token that came with {access_key_id!r} is not its own")
        if found.expires_at is not None and found.expires_at <= datetime.now(timezone.utc):
            raise Refused(f"{access_key_id!r} has expired")
        return found


@attrs.frozen
class Seen:
    """One request, and whose it was."""

    request: Request
    credential: Credential | None
    refusal: str


Verify = Callable[[Request, Keys], Credential]
"""Finds out whose request it is and computes the signature anew with that secret. Raises `Refused`."""


class Loopback:
    """A service on 127.0.0.1 that answers what is properly signed with a credential of *keys*, and refuses all else with 403."""

    def __init__(self, keys: Keys, verify: Verify, answer: Callable[[Request], Answer | None] = lambda request: Answer(status=200)) -> None:
        self.keys = keys
        self._verify = verify
        self._answer = answer
        self._lock = threading.Lock()
        self._seen: list[Seen] = []

    def __enter__(self) -> Loopback:
        self._folder = tempfile.TemporaryDirectory()
        self.ca_file = Path(self._folder.name) / "ca.pem"
        self._server = Server(self._serve, server_context(Path(self._folder.name), self.ca_file))
        self.port = self._server.http_port
        self.tls_port = self._server.https_port
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._server.stop()
        self._folder.cleanup()

    def _serve(self, request: Request) -> Answer | None:
        credential, refusal = None, ""
        try:
            credential = self._verify(request, self.keys)
        except Refused as refused:
            refusal = str(refused)
        with self._lock:
            self._seen.append(Seen(request, credential, refusal))
        return Answer(status=403, body=refusal.encode()) if refusal else self._answer(request)

    @property
    def seen(self) -> tuple[Seen, ...]:
        with self._lock:
            return tuple(self._seen)

    @property
    def refusals(self) -> list[str]:
        """Why what was refused was refused."""
        return [each.refusal for each in self.seen if each.refusal]

    def serials(self, mark: str) -> list[int]:
        """The credentials, by number, of the requests that hold *mark* in target, headers or body."""
        return [self.keys.serial(each.credential) for each in self.seen if each.credential is not None and holds(each.request, mark)]


def holds(request: Request, mark: str) -> bool:
    return mark in request.target or mark.encode() in request.body or any(mark in value for value in request.headers.values())


def refusal(service: Loopback, call: Callable[[], object]) -> str:
    """Why the service has refused what *call* sends; what the client makes of a refusal is its own affair."""
    with contextlib.suppress(Exception):
        call()
    assert service.refusals, "nothing was refused"
    return service.refusals[-1]


class Driver:
    """Makes calls through a client and sees to it that each request was signed with one credential that was current.

    Each call gets a mark of its own, which it puts into its request: into the name of an object, a parameter, the body. At the
    end, nothing was refused, and every request is signed with a credential that was fetched after its call had begun.
    """

    def __init__(self, service: Loopback) -> None:
        self._service = service
        self._begun: dict[str, int] = {}

    def _mark(self) -> str:
        mark = f"mark{next(_NUMBERS):05d}"
        self._begun[mark] = self._service.keys.minted
        return mark

    def one_after_the_other(self, call: Callable[[str], object], calls: int = CALLS) -> None:
        for _ in range(calls):
            call(self._mark())
        self.check()

    def in_threads(self, call: Callable[[str], object], threads: int = THREADS, calls: int = CALLS) -> None:
        def caller(_: int) -> None:
            for _ in range(calls):
                call(self._mark())

        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(caller, range(threads)))
        self.check()

    async def in_tasks(self, call: Callable[[str], Awaitable[object]], tasks: int = TASKS) -> None:
        async def caller() -> None:
            await call(self._mark())

        await asyncio.gather(*(caller() for _ in range(tasks)))
        self.check()

    def check(self) -> None:
        assert self._service.refusals == []
        assert self._begun, "no call was made"
        for mark, before in self._begun.items():
            serials = self._service.serials(mark)
            assert serials, f"the request of {mark} has not come"
            assert min(serials) > before, f"{mark}: a credential that was there before its call began ({serials}, {before})"


def run_example(name: str, keys: Keys, environment: Mapping[str, str], arguments: Iterable[str] = ()) -> str:
    """Run a program of ``docs/examples/clients`` with a credential of *keys* in its environment; what it has printed."""
    credential = keys.get()
    variables = {
        **{key: value for key, value in os.environ.items() if not key.upper().endswith("_PROXY")},
        "ALIBABA_CLOUD_ACCESS_KEY_ID": credential.access_key_id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": credential.access_key_secret,
        "ALIBABA_CLOUD_SECURITY_TOKEN": credential.security_token or "",
        **environment,
    }
    command = [sys.executable, "-W", "ignore", str(EXAMPLES / f"{name}.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, check=False)
    said = done.stdout + done.stderr
    assert credential.access_key_secret not in said
    assert done.returncode == 0, said
    return done.stdout
